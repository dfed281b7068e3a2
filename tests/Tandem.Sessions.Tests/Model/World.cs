using System.Globalization;
using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Model;

/// <summary>Hubs, clients, and what a script does to them.</summary>
internal sealed class World : IAsyncDisposable
{
    public const int Clients = 3;
    public const int MaxEventBytes = 40;

    private static readonly string[] Topics = [.. Enum.GetNames<OverflowPolicy>()];
    private static readonly string[] Mailboxes = ["inbox", "outbox"];

    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new();
    private readonly WatchedBackplane _backplane;
    private readonly SessionHub[] _hubs;
    private readonly ModelPeer[] _peers;
    private readonly List<string> _messages = [];
    private readonly Dictionary<Session, List<string>> _toClients = [];
    private readonly HashSet<Session> _refused = [];
    private readonly List<(string Name, Task<SessionCode> Result, SessionHub Hub)> _published = [];
    private readonly int _theme;
    private int _names;

    public World(int hubs, int theme)
    {
        _theme = theme;
        _application.Topics = name => new TopicOptions
        {
            Overflow = Enum.Parse<OverflowPolicy>(name), BacklogEvents = 4, HistoryEvents = 12, WaitTimeout = TimeSpan.FromSeconds(2), HistoryAge = TimeSpan.FromSeconds(30),
        };
        _application.Mailboxes = _ => new MailboxOptions { MaxMessages = 10 };
        _application.Message = (_, text) => _messages.Add(text);
        _backplane = new WatchedBackplane(hubs > 1, Ledger, _clock);
        _hubs = [.. Enumerable.Range(0, hubs).Select(_ => Start())];
        _peers = [.. Enumerable.Range(0, Clients).Select(i => new ModelPeer(this, i, _hubs[i % hubs], _clock))];
        foreach (ModelPeer peer in _peers)
        {
            peer.Connect();
            peer.Exchange();
        }
    }

    public EventLedger Ledger { get; } = new();

    /// <summary>Whether clients settle what they get at once.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>Runs a script, and throws where something does not hold.</summary>
    public static void Run(Script script)
    {
        // Continuations run where their task is completed, and a script is the same each time.
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var world = new World(script.Hubs, script.Theme);
            foreach (Step step in script.Steps)
            {
                world.Do(step);
                world.Check();
            }

            world.End();
            world.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SessionHub hub in _hubs) await hub.DisposeAsync();
        await _backplane.DisposeAsync();
    }

    /// <summary>Whether there is a hub that counts with this origin.</summary>
    public bool IsAlive(string topic, uint origin) => _hubs.Any(hub => HubState.Origin(hub, topic) == origin);

    public string TopicName(SessionHub hub, long id) => HubState.TopicName(hub, id) ?? "";

    private SessionHub Start()
    {
        var options = new SessionHubOptions
        {
            TimeProvider = _clock, WindowFrames = 5, MaxControlFrames = 40, MaxBacklogBytes = 250, MaxRequests = 12, TimeToLive = TimeSpan.FromSeconds(10),
            Heartbeat = TimeSpan.FromSeconds(5), TopicIdleTimeout = TimeSpan.FromSeconds(20),
        };
        var hub = new SessionHub(_application, options, _backplane);
        if (!_backplane.IsShared) _ = new Observer(hub, Ledger, Topics);
        return hub;
    }

    private void Do(Step step)
    {
        ModelPeer peer = _peers[step.Who];
        int with = step.With;
        string topic = Topics[_theme < Topics.Length ? _theme : with % Topics.Length], mailbox = Mailboxes[with % 2];
        switch (step.Act)
        {
            case Act.Publish: peer.Publish(topic, NextName(), Key(with)); break;
            case Act.PublishFromApplication: Publish(_hubs[step.Who % _hubs.Length], topic, Key(with)); break;
            case Act.Subscribe: peer.Subscribe(topic, presence: with / 5 % 2 == 0); break;
            case Act.Unsubscribe: peer.Unsubscribe(topic); break;
            case Act.ServerMessage: SendToClient(peer); break;
            case Act.ClientMessage: peer.SendMessage(); break;
            case Act.MailboxSend: peer.Mail(mailbox, NextName()); break;
            case Act.MailboxOpen: peer.OpenMailbox(mailbox, with % 4 + 1); break;
            case Act.MailboxClose: peer.CloseMailbox(mailbox); break;
            case Act.MailboxSettle: peer.Settle(mailbox, with); break;
            case Act.Up: peer.MoveUp(with); break;
            case Act.Down: peer.MoveDown(with); break;
            case Act.Exchange: peer.Exchange(); break;
            case Act.CatchUp: peer.CatchUp(_clock); break;
            case Act.Break: Break(peer, with); break;
            case Act.Connect: peer.ConnectAs((CarrierKind)(with % 3), isNoticed: with / 3 % 2 == 0); break;
            case Act.Late: peer.Late(); break;
            case Act.Reattach: Reattach(peer); break;
            case Act.Advance: Advance(with % 8 == 0 ? 12 : with % 8 == 1 ? 6 : 0.3); break;
            case Act.ClientCloses: if (with % 4 == 0) peer.Client.Close(); break;
            case Act.ApplicationCloses: if (with % 4 == 0) peer.Carrier?.Session?.Close(SessionCode.Forbidden, "enough"); break;
            case Act.Move: Move(peer, _hubs[with % _hubs.Length]); break;
            default: if (with % 3 == 0) Restart(step.Who % _hubs.Length, isHeard: with / 3 % 2 == 0); break;
        }
    }

    private static string? Key(int with) => with / 5 % 4 is > 0 and int key ? $"k{key}" : null;

    private string NextName() => (_names++).ToString(CultureInfo.InvariantCulture);

    private void Publish(SessionHub hub, string topic, string? key)
    {
        string name = NextName();
        _published.Add((name, hub.PublishAsync(topic, Encoding.UTF8.GetBytes(name), MessageFlags.Text, key).AsTask(), hub));
    }

    private void SendToClient(ModelPeer peer)
    {
        if (peer.Carrier?.Session is not { } session) return;
        string name = NextName();
        SessionSend sent = session.Send(Encoding.UTF8.GetBytes(name));
        if (sent == SessionSend.Full) _refused.Add(session);
        if (sent != SessionSend.Sent) return;
        if (!_toClients.TryGetValue(session, out List<string>? names)) _toClients.Add(session, names = []);
        names.Add($"{session.Id} {name}");
    }

    private static void Break(ModelPeer peer, int with)
    {
        peer.MoveUp(with);
        peer.MoveDown(with);
        peer.Drop();
    }

    private static void Reattach(ModelPeer peer)
    {
        if (!peer.Client.IsOpen || peer.Kind == CarrierKind.WebSocket) return;
        peer.Reattach();
        peer.Client.Rewind();
    }

    private void Advance(double seconds)
    {
        _clock.Advance(seconds);
        foreach (ModelPeer peer in _peers)
        {
            if (!peer.Client.Tick()) peer.Client.Detach();
        }
    }

    private static void Move(ModelPeer peer, SessionHub hub)
    {
        if (peer.Hub == hub) return;
        peer.Hub = hub;
        peer.ConnectAs(peer.Kind, isNoticed: true);
    }

    private void Restart(int index, bool isHeard)
    {
        SessionHub ended = _hubs[index];
        if (!isHeard)
        {
            foreach (ModelPeer peer in _peers.Where(peer => peer.Hub == ended)) peer.Drop();
        }

        ended.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _backplane.Detach(ended.Node);
        _hubs[index] = Start();
        foreach (ModelPeer peer in _peers.Where(peer => peer.Hub == ended)) peer.Hub = _hubs[index];
    }

    // ---- What must hold

    private void Check()
    {
        foreach (SessionHub hub in _hubs) HubState.Check(hub);
        Assert.Empty(_application.Faults);
        Assert.Empty(_backplane.Violations);
        foreach (ModelPeer peer in _peers) Assert.DoesNotContain(peer.Log, line => line is "closed ProtocolError" or "closed TooManyRequests" or "closed InternalError");
    }

    /// <summary>Everybody gets through, everything is taken, and everything adds up; then everybody goes, and nothing is left.</summary>
    private void End()
    {
        IsEnding = true;
        // Sessions that were left behind on other hubs end, and hold up nobody any more.
        foreach (ModelPeer peer in _peers) peer.Drop();
        _clock.Advance(12);
        Quiet(rounds: 12);
        foreach (string mailbox in Mailboxes)
        {
            _peers[0].OpenMailbox(mailbox, 3);
            Quiet(rounds: 3);
        }

        Check();
        foreach (ModelPeer peer in _peers)
        {
            peer.CheckComplete();
            Assert.Equal(0, peer.Client.Waiting);
            CheckMessages(peer);
            CheckPublished(peer);
            foreach ((string _, long request) in peer.Mailed) Assert.True(peer.Replies[request] is SessionCode.Ok or SessionCode.Full);
        }

        CheckApplication();
        Assert.Equal(0, _backplane.MessagesLeft);
        Leave();
    }

    private void Quiet(int rounds)
    {
        while (rounds-- > 0)
        {
            foreach (ModelPeer peer in _peers)
            {
                if (!peer.IsUsable) peer.ConnectAs(CarrierKind.WebSocket, isNoticed: true);
                foreach (string mailbox in Mailboxes) peer.Settle(mailbox, 3);
                peer.CatchUp(_clock);
            }

            Advance(0.3);
            Check();
        }
    }

    /// <summary>Messages to the application: in order, none twice, and at most as many missing as the client was told may be. Messages to the client: in order, all that its session lived to bring.</summary>
    private void CheckMessages(ModelPeer peer)
    {
        int[] arrived = [.. _messages.Where(text => text[0] - '0' == peer.Index).Select(text => int.Parse(text[2..], CultureInfo.InvariantCulture))];
        Assert.Equal(arrived.Distinct().Order(), arrived);
        Assert.InRange(peer.MessagesSent - arrived.Length, 0, peer.Unconfirmed);
        foreach ((Session session, List<string> sent) in _toClients)
        {
            string[] received = [.. peer.MessagesReceived.Where(message => message.StartsWith(session.Id, StringComparison.Ordinal))];
            if (session.Id == peer.Client.Id) Assert.Equal(sent, received);
            else Assert.Equal(sent.Take(received.Length), received);
        }
    }

    /// <summary>What was answered with Ok has happened once, what was refused has not, in the order of the client.</summary>
    private void CheckPublished(ModelPeer peer)
    {
        foreach ((string name, string topic, long request) in peer.Published)
        {
            SessionCode code = peer.Replies[request];
            Assert.True(code is SessionCode.Ok or SessionCode.Busy or SessionCode.Unavailable, $"{name} was answered with {code}.");
            int alive = Ledger.Places(name).Count(place => IsAlive(topic, place.Origin));
            if (code == SessionCode.Ok) Assert.True(Ledger.Places(name).Count > 0, $"{name} was answered with Ok, and is nowhere.");
            else if (code == SessionCode.Busy) Assert.True(alive == 0, $"{name} was answered with Busy, and is there.");
        }

        var requests = peer.Published.ToDictionary(entry => entry.Name, entry => entry.Request);
        foreach ((string topic, uint origin) in Ledger.Origins)
        {
            long[] order = [.. Ledger.Events(topic, origin).Where(requests.ContainsKey).Select(name => requests[name])];
            Assert.Equal(order.Distinct().Order(), order);
        }
    }

    private void CheckApplication()
    {
        foreach ((string name, Task<SessionCode> result, SessionHub hub) in _published)
        {
            // One that ends delivers what waited to whoever is left.
            if (!_hubs.Contains(hub)) continue;
            Assert.Equal((name, result.Now() == SessionCode.Ok ? 1 : 0), (name, Ledger.Places(name).Count));
        }

        foreach (Session session in _refused) Assert.True(session.IsOver || _application.Drained.Contains(session), "Nobody was told that there is room again.");
    }

    private void Leave()
    {
        foreach (ModelPeer peer in _peers)
        {
            if (peer.Index > 0) peer.Client.Close();
            peer.Exchange();
            peer.Drop();
        }

        _clock.Advance(12);
        foreach (SessionHub hub in _hubs)
        {
            Assert.Equal(_backplane.IsShared ? 0 : 1, hub.Sessions);
            HubState.Check(hub);
        }
    }
}
