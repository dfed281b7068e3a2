using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>docs/session-protocol.md: mailboxes that require a consumer, or bound how long it may have them.</summary>
public sealed class RequiredConsumerTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new();
    private readonly InProcessBackplane _backplane;
    private readonly SessionHub _hub;

    public RequiredConsumerTests()
    {
        _application.Mailboxes = _ => new MailboxOptions { RequiresConsumer = true, ConsumerTimeToLive = TimeSpan.FromSeconds(90) };
        _backplane = new InProcessBackplane(timeProvider: _clock);
        _hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock }, _backplane);
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _backplane.DisposeAsync();
    }

    [Fact]
    public void Messages_that_nobody_is_there_for_leave_nothing_behind()
    {
        Peer sender = Open();
        for (int i = 0; i < 1000; i++) Assert.Equal(SessionCode.NotFound, Send(sender, $"ticket{i}"));
        Assert.Equal(0, _backplane.Mailboxes);
    }

    [Fact]
    public void It_is_gone_at_once_when_its_consumer_closes_it()
    {
        Peer sender = Open(), receiver = Open("ticket");
        Assert.Equal(SessionCode.Ok, Send(sender, "ticket"));
        receiver.Client.CloseMailbox("ticket");
        receiver.Exchange();
        Assert.Equal(0, _backplane.Mailboxes);
        Assert.Equal(SessionCode.NotFound, Send(sender, "ticket"));
    }

    [Fact]
    public void A_session_without_a_carrier_keeps_it_until_its_time_to_live_ends()
    {
        Peer receiver = Open("ticket");
        receiver.Drop();
        _clock.Advance(50);
        Assert.Equal(SessionCode.Ok, Send(Open(), "ticket"));
        receiver.Connect(detach: false);
        receiver.Exchange();
        Assert.Equal(["opened", "resumed", "delivery ticket x"], receiver.Log);
        receiver.Drop();
        _clock.Advance(62);
        Assert.Equal(0, _backplane.Mailboxes);
    }

    [Fact]
    public void Its_consumer_is_told_when_it_has_had_it_for_long_enough_and_may_open_it_again()
    {
        Peer receiver = Open("ticket");
        for (int second = 0; second < 89; second += 10)
        {
            _clock.Advance(second < 80 ? 10 : 8);
            receiver.CatchUp(_clock);
        }

        Assert.Equal(["opened"], receiver.Log);
        Assert.Equal(1, _backplane.Mailboxes);
        _clock.Advance(3);
        receiver.Exchange();
        Assert.Equal(["opened", "mailbox closed ticket Expired"], receiver.Log);
        Assert.Equal(0, _backplane.Mailboxes);
        receiver.Client.OpenMailbox("ticket");
        receiver.Exchange();
        Assert.Equal(SessionCode.Ok, Send(receiver, "ticket"));
    }

    [Fact]
    public void A_newer_consumer_has_its_own_time_and_what_was_not_settled()
    {
        Peer sender = Open(), older = Open();
        older.Delivered = null;
        older.Client.OpenMailbox("ticket");
        older.Exchange();
        Send(sender, "ticket");
        older.Exchange();
        _clock.Advance(40);
        Peer newer = Open("ticket");
        Assert.Equal(["opened", "redelivery ticket x"], newer.Log);
        _clock.Advance(40);
        newer.CatchUp(_clock);
        _clock.Advance(40);
        newer.CatchUp(_clock);
        Assert.Equal(["opened", "redelivery ticket x"], newer.Log);
        Assert.Equal(1, _backplane.Mailboxes);
    }

    private Peer Open(string? mailbox = null)
    {
        var peer = new Peer(_hub, _clock);
        peer.Connect();
        if (mailbox is not null) peer.Client.OpenMailbox(mailbox);
        peer.Exchange();
        return peer;
    }

    private static SessionCode Send(Peer peer, string mailbox)
    {
        long request = peer.Client.SendToMailbox(mailbox, "x"u8.ToArray());
        peer.Exchange();
        return peer.Replies[request];
    }
}
