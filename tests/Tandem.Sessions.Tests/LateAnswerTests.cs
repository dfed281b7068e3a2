using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>docs/rabbitmq.md: what becomes of subscribers when a node does not answer in time.</summary>
public sealed class LateAnswerTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new();
    private readonly PartlySilentBackplane _backplane;
    private readonly SessionHub _silent;
    private readonly SessionHub _left;
    private readonly SessionHub _right;

    public LateAnswerTests()
    {
        _backplane = new PartlySilentBackplane(_clock);
        (_silent, _left, _right) = (Start(), Start(), Start());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SessionHub hub in new[] { _silent, _left, _right }) await hub.DisposeAsync();
        await _backplane.DisposeAsync();
    }

    [Fact]
    public void What_a_node_says_only_after_others_have_recovered_is_a_gap_for_those()
    {
        Peer late = Subscribe(_left), witness = Subscribe(_silent);
        late.Drop();
        Publish("1");
        witness.Exchange();
        _backplane.IsPublisherSilent = true;
        Move(late, _right);
        _backplane.IsPublisherSilent = false;
        Move(witness, _right);
        Publish("2");
        late.CatchUp(_clock);
        witness.CatchUp(_clock);
        Assert.Equal(["gap t 1", "event t 2"], late.Events);
        Assert.Equal(["event t 1", "event t 2"], witness.Events);
    }

    private SessionHub Start() => new(_application, new SessionHubOptions { TimeProvider = _clock }, _backplane);

    private Peer Subscribe(SessionHub hub)
    {
        var peer = new Peer(hub, _clock);
        peer.Connect();
        peer.Client.Subscribe("t");
        peer.Exchange();
        return peer;
    }

    private void Move(Peer peer, SessionHub hub)
    {
        peer.Drop();
        peer.Hub = hub;
        peer.Connect();
        peer.CatchUp(_clock);
    }

    private void Publish(string text) => Assert.Equal(SessionCode.Ok, _silent.PublishAsync("t", Encoding.UTF8.GetBytes(text), MessageFlags.Text).AsTask().Now());

    /// <summary>In process, but nobody can learn of the origin that has published, except by its events.</summary>
    private sealed class PartlySilentBackplane(TimeProvider time) : Backplane
    {
        private readonly InProcessBackplane _inner = new(isShared: true, timeProvider: time);
        private uint _publisher;

        public bool IsPublisherSilent { get; set; }

        public override bool IsShared => true;

        public override void Attach(BackplaneNode node) => _inner.Attach(node);

        public override ValueTask<SessionCode> PublishAsync(BackplaneNode node, TopicMessage message)
        {
            _publisher = message.Origin;
            return _inner.PublishAsync(node, message);
        }

        public override async ValueTask<(SessionCode Code, IReadOnlyList<TopicPosition> Heads)> JoinAsync(BackplaneNode node, string topic)
        {
            (SessionCode code, IReadOnlyList<TopicPosition> heads) = await _inner.JoinAsync(node, topic);
            return (code, IsPublisherSilent ? [.. heads.Where(head => head.Origin != _publisher)] : heads);
        }

        public override void Leave(BackplaneNode node, string topic) => _inner.Leave(node, topic);

        public override ValueTask<IReadOnlyList<BackplaneHistory>> HistoryAsync(BackplaneNode node, string topic, IReadOnlyList<TopicPosition> after) =>
            IsPublisherSilent ? new([]) : _inner.HistoryAsync(node, topic, after);

        public override ValueTask<SessionCode> SendAsync(string mailbox, MailboxOptions options, MailboxMessage message) => _inner.SendAsync(mailbox, options, message);

        public override ValueTask<SessionCode> ConsumeAsync(string mailbox, MailboxOptions options, MailboxConsumer consumer) => _inner.ConsumeAsync(mailbox, options, consumer);

        public override ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
