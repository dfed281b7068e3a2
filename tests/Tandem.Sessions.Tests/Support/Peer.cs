using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>The server's end of a test's carrier.</summary>
internal sealed class TestCarrier(SessionHub hub, CarrierContext context) : Carrier(hub, context)
{
    public bool IsReady { get; set; }

    public (SessionCode Code, string Reason)? End { get; private set; }

    protected internal override void OnReady() => IsReady = true;

    protected internal override void OnEnded(SessionCode code, string reason) => End = (code, reason);
}

/// <summary>
/// A client and the way to its server, with frames under way in both directions that a test moves on, or loses. What the client is told is kept as
/// lines of text.
/// </summary>
internal class Peer : SessionClientEvents
{
    private readonly CarrierContext _context;

    public Peer(SessionHub hub, TimeProvider time, CarrierContext? context = null)
    {
        Hub = hub;
        _context = context ?? new CarrierContext();
        Client = new SessionClient(this, timeProvider: time);
    }

    /// <summary>Where the next carrier goes.</summary>
    public SessionHub Hub { get; set; }

    public SessionClient Client { get; }

    public TestCarrier? Carrier { get; private set; }

    public Queue<byte[]> Up { get; } = [];

    public Queue<byte[]> Down { get; } = [];

    public List<string> Log { get; } = [];

    public Dictionary<long, SessionCode> Replies { get; } = [];

    /// <summary>What to do with a delivery. Default: settle it.</summary>
    public Action<Peer, string, long>? Delivered { get; set; } = (peer, mailbox, delivery) => peer.Client.Settle(mailbox, delivery);

    public IEnumerable<string> Events => Log.Where(line => line.StartsWith("event ", StringComparison.Ordinal) || line.StartsWith("gap ", StringComparison.Ordinal));

    /// <summary>A new carrier; what was under way on the one before is lost.</summary>
    public void Connect(string ticket = "", bool detach = true)
    {
        if (detach) Carrier?.Detach();
        Up.Clear();
        Down.Clear();
        Carrier = new TestCarrier(Hub, _context);
        Client.Attach(ticket);
    }

    /// <summary>The carrier breaks, and both ends notice.</summary>
    public void Drop()
    {
        Carrier?.Detach();
        Carrier = null;
        Client.Detach();
        Up.Clear();
        Down.Clear();
    }

    /// <summary>Takes what the client has to send onto the way.</summary>
    public void Send()
    {
        while (Client.TryTake(out SharedFrame? frame, out _)) Up.Enqueue(frame.Span.ToArray());
    }

    /// <summary>Takes what the server has to send onto the way.</summary>
    public void Serve(int atMost = int.MaxValue)
    {
        while (atMost-- > 0 && Carrier is { } carrier && carrier.TryTake(out SharedFrame? frame, out _)) Down.Enqueue(frame.Span.ToArray());
    }

    public bool MoveUp()
    {
        if (!Up.TryDequeue(out byte[]? frame)) return false;
        Carrier?.Receive(frame);
        return true;
    }

    public bool MoveDown()
    {
        if (!Down.TryDequeue(out byte[]? frame)) return false;
        Arrive(frame, 0);
        return true;
    }

    /// <summary>An HTTP request with the client's token, where the carrier before was given up as silent.</summary>
    public void Reattach()
    {
        var next = new TestCarrier(Hub, _context);
        if (Hub.Find(Encoding.ASCII.GetString(Client.Token), out _) is { } session && session.TryReattach(next)) Carrier = next;
    }

    /// <summary>Moves everything until nothing moves.</summary>
    public virtual void Exchange()
    {
        bool moved;
        do
        {
            moved = false;
            Send();
            while (MoveUp()) moved = true;
            Serve();
            while (MoveDown()) moved = true;
        }
        while (moved);
    }

    /// <summary>The same, with acknowledgements that only time brings.</summary>
    public void CatchUp(ManualClock clock)
    {
        int before;
        do
        {
            before = Log.Count + Replies.Count;
            Exchange();
            clock.Advance(0.2);
            Client.Tick();
            Exchange();
        }
        while (Log.Count + Replies.Count != before);
    }

    /// <summary>One HTTP request with what the client has to send; its body may come twice, its answer may be lost.</summary>
    public BodyStatus Post(bool twice = false, bool loseRequest = false, bool loseAnswer = false)
    {
        byte[] body = Body(take: (out SharedFrame? frame, out long number) => Client.TryTake(out frame, out number));
        if (loseRequest || Carrier is not { } carrier)
        {
            Client.Rewind();
            return BodyStatus.Ended;
        }

        BodyStatus status = carrier.ReceiveBody(body);
        if (twice) Assert.Equal(status, carrier.ReceiveBody(body));
        if (loseAnswer || carrier.Session is null) Client.Rewind();
        else if (!Client.IsOpen) Poll();
        else if (status is BodyStatus.Received or BodyStatus.OutOfOrder) Client.Receive(carrier.Session.Acknowledge().Span);
        return status;
    }

    /// <summary>One HTTP poll; its answer may be lost.</summary>
    public void Poll(bool loseAnswer = false)
    {
        if (Carrier is not { } carrier) return;
        if (Client.IsOpen && !carrier.Rewind(Client.Received)) return;
        byte[] body = Body(take: (out SharedFrame? frame, out long number) => carrier.TryTake(out frame, out number));
        if (!loseAnswer) Arrive(body);
    }

    /// <summary>A frame has come down, with its number where the carrier states it.</summary>
    protected virtual void Arrive(byte[] frame, long number) => Client.Receive(frame, number);

    /// <summary>The body of an answer has come down.</summary>
    protected virtual void Arrive(byte[] body) => Client.ReceiveBody(body);

    protected internal override void OnReady()
    {
    }

    protected internal override void OnOpened(bool resumed) => Log.Add(resumed ? "resumed" : "opened");

    protected internal override void OnLost(int unconfirmedMessages) => Log.Add($"lost {unconfirmedMessages}");

    protected internal override void OnClosed(SessionCode code, string reason) => Log.Add($"closed {code}");

    protected internal override void OnReply(long request, SessionCode status, string text)
    {
        Assert.True(Replies.TryAdd(request, status), $"Request {request} was answered twice.");
    }

    protected internal override void OnEvent(string topic, MessageFlags flags, string? key, ReadOnlySpan<byte> payload) =>
        Log.Add($"event {topic} {Encoding.UTF8.GetString(payload)}");

    protected internal override void OnGap(string topic, long missed) => Log.Add($"gap {topic} {missed}");

    protected internal override void OnPresence(string topic, long count) => Log.Add($"presence {topic} {count}");

    protected internal override void OnUnsubscribed(string topic, SessionCode code) => Log.Add($"unsubscribed {topic} {code}");

    protected internal override void OnDelivery(string mailbox, long delivery, MessageFlags flags, ReadOnlySpan<byte> payload)
    {
        Log.Add($"{((flags & MessageFlags.Redelivered) != 0 ? "redelivery" : "delivery")} {mailbox} {Encoding.UTF8.GetString(payload)}");
        Delivered?.Invoke(this, mailbox, delivery);
    }

    protected internal override void OnMailboxClosed(string mailbox, SessionCode code) => Log.Add($"mailbox closed {mailbox} {code}");

    protected internal override void OnMessage(MessageFlags flags, ReadOnlySpan<byte> payload) => Log.Add($"message {Encoding.UTF8.GetString(payload)}");

    private delegate bool Take(out SharedFrame? frame, out long number);

    private static byte[] Body(Take take)
    {
        long first = 0;
        List<byte[]> frames = [];
        while (take(out SharedFrame? frame, out long number))
        {
            if (first == 0) first = number;
            frames.Add(frame!.Span.ToArray());
        }

        return Protocol.Vectors.Body(first, [.. frames]);
    }
}
