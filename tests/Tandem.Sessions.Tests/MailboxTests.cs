using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>docs/session-protocol.md: mailboxes.</summary>
public sealed class MailboxTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new();
    private readonly InProcessBackplane _backplane;
    private readonly SessionHub _hub;

    public MailboxTests()
    {
        _backplane = new InProcessBackplane(timeProvider: _clock);
        _hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock, WindowFrames = 4 }, _backplane);
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _backplane.DisposeAsync();
    }

    [Fact]
    public void What_waits_for_an_absent_party_is_delivered_in_order_when_it_comes()
    {
        Peer sender = Open(), receiver = Open();
        for (int i = 1; i <= 50; i++) sender.Client.SendToMailbox("alice", Encoding.UTF8.GetBytes($"{i}"));
        sender.Exchange();
        Assert.All(sender.Replies.Values, code => Assert.Equal(SessionCode.Ok, code));
        receiver.Client.OpenMailbox("alice", 8);
        receiver.Exchange();
        Assert.Equal(Enumerable.Range(1, 50).Select(i => $"delivery alice {i}"), Deliveries(receiver));
    }

    [Fact]
    public void No_more_is_delivered_than_the_prefetch_until_something_is_settled()
    {
        Fill(10);
        Peer receiver = Open();
        receiver.Delivered = null;
        receiver.Client.OpenMailbox("alice", 3);
        receiver.Exchange();
        Assert.Equal(3, Deliveries(receiver).Count());
        receiver.Client.Settle("alice", 2);
        receiver.Exchange();
        Assert.Equal(4, Deliveries(receiver).Count());
    }

    [Fact]
    public void Unsettled_messages_of_a_session_that_ends_go_back_in_their_order_and_are_marked()
    {
        Fill(5);
        Peer first = Open();
        first.Delivered = (peer, mailbox, delivery) =>
        {
            if (delivery == 2) peer.Client.Settle(mailbox, delivery);
        };
        first.Client.OpenMailbox("alice", 3);
        first.Exchange();
        first.Drop();
        _clock.Advance(62);
        Peer second = Open();
        second.Client.OpenMailbox("alice", 3);
        second.Exchange();
        Assert.Equal(["redelivery alice 1", "redelivery alice 3", "redelivery alice 4", "delivery alice 5"], Deliveries(second));
    }

    [Fact]
    public void A_newer_consumer_takes_over_and_the_older_one_is_told()
    {
        Fill(2);
        Peer older = Open(), newer = Open();
        older.Delivered = null;
        older.Client.OpenMailbox("alice");
        older.Exchange();
        newer.Client.OpenMailbox("alice");
        newer.Exchange();
        older.Exchange();
        Assert.Equal("mailbox closed alice TakenOver", older.Log[^1]);
        Assert.Equal(["redelivery alice 1", "redelivery alice 2"], Deliveries(newer));
        Assert.False(older.Client.Settle("alice", 1));
    }

    [Fact]
    public void A_full_mailbox_refuses_and_refuses_again_when_asked_again()
    {
        _application.Mailboxes = _ => new MailboxOptions { MaxMessages = 2, MaxBytes = 10 };
        Peer sender = Open();
        long[] requests = [sender.Client.SendToMailbox("a", new byte[5]), sender.Client.SendToMailbox("a", new byte[6]), sender.Client.SendToMailbox("a", new byte[5]), sender.Client.SendToMailbox("a", [])];
        sender.Exchange();
        Assert.Equal([SessionCode.Ok, SessionCode.Full, SessionCode.Ok, SessionCode.Full], requests.Select(request => sender.Replies[request]));
        Peer receiver = Open();
        receiver.Client.OpenMailbox("a");
        receiver.Exchange();
        var again = new MailboxMessage(sender.Client.Publisher, requests[1], MessageFlags.None, new byte[6]);
        Assert.Equal(SessionCode.Full, _backplane.SendAsync("a", new MailboxOptions(), again).Now());
        Assert.Equal(SessionCode.Ok, _backplane.SendAsync("a", new MailboxOptions(), again with { Number = requests[2] }).Now());
        receiver.Exchange();
        Assert.Equal(2, Deliveries(receiver).Count());
    }

    [Fact]
    public void Messages_expire_and_so_does_a_mailbox_that_nobody_uses()
    {
        _application.Mailboxes = _ => new MailboxOptions { MessageTimeToLive = TimeSpan.FromSeconds(10), UnusedTimeToLive = TimeSpan.FromSeconds(100) };
        Fill(1);
        _clock.Advance(5);
        Fill(1);
        _clock.Advance(6);
        Peer receiver = Open();
        receiver.Client.OpenMailbox("alice");
        receiver.Exchange();
        Assert.Single(Deliveries(receiver));
        receiver.Client.CloseMailbox("alice");
        receiver.Exchange();
        _clock.Advance(98);
        Assert.Equal(1, _backplane.Mailboxes);
        _clock.Advance(4);
        Assert.Equal(0, _backplane.Mailboxes);
    }

    [Fact]
    public void Deliveries_wait_for_the_window_of_the_session()
    {
        Fill(20);
        Peer receiver = Open();
        receiver.Client.OpenMailbox("alice", 20);
        receiver.Send();
        while (receiver.MoveUp())
        {
        }

        receiver.Serve();
        Assert.Equal(4, receiver.Down.Count(frame => frame[0] == (byte)FrameType.Delivery));
        receiver.Exchange();
        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"delivery alice {i}"), Deliveries(receiver));
    }

    private static IEnumerable<string> Deliveries(Peer peer) => peer.Log.Where(line => line.Contains("delivery ", StringComparison.Ordinal));

    private Peer Open()
    {
        var peer = new Peer(_hub, _clock);
        peer.Connect();
        peer.Exchange();
        return peer;
    }

    private void Fill(int count)
    {
        for (int i = 1; i <= count; i++) Assert.Equal(SessionCode.Ok, _hub.SendToMailboxAsync("alice", Encoding.UTF8.GetBytes($"{i}")).Now());
    }
}
