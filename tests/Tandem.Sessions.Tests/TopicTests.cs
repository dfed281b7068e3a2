using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>docs/session-protocol.md: topics, their policies, presence, several nodes.</summary>
public sealed class TopicTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new();
    private readonly SessionHub _hub;

    public TopicTests() =>
        _hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock, WindowFrames = 4, TimeToLive = TimeSpan.FromSeconds(600), Heartbeat = TimeSpan.FromSeconds(1000) });

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    // The window takes 1 to 4, the backlog three of those that follow.
    [Theory]
    [InlineData(OverflowPolicy.DropOldest, "1 2 3 4 gap:3 8 9 10")]
    [InlineData(OverflowPolicy.DropNewest, "1 2 3 4 5 6 7 gap:3")]
    public void A_slow_subscriber_is_told_what_it_missed_where_it_missed_it(OverflowPolicy policy, string expected)
    {
        Peer slow = Subscribe(policy);
        for (int i = 1; i <= 10; i++) Publish($"{i}");
        slow.CatchUp(_clock);
        Assert.Equal(expected, Seen(slow));
        Publish("11");
        slow.CatchUp(_clock);
        Assert.Equal(expected + " 11", Seen(slow));
    }

    [Fact]
    public void Keeping_the_latest_by_key_drops_older_states_in_their_places()
    {
        Peer slow = Subscribe(OverflowPolicy.KeepLatestByKey);
        for (int i = 1; i <= 4; i++) Publish($"{i}", "full");
        Publish("5", "a");
        Publish("6", "b");
        Publish("7", "a");
        Publish("8", "a");
        Publish("9", "c");
        Publish("10");
        slow.CatchUp(_clock);
        // 5 and 7 gave way to 8; then 10 took the place of the oldest, 6, and the gaps became one.
        Assert.Equal("1 2 3 4 gap:3 8 9 10", Seen(slow));
    }

    [Fact]
    public void Disconnect_closes_the_session_that_falls_behind_and_no_other()
    {
        Peer slow = Subscribe(OverflowPolicy.Disconnect), fast = Subscribe(OverflowPolicy.Disconnect);
        for (int i = 1; i <= 8; i++)
        {
            Publish($"{i}");
            fast.CatchUp(_clock);
        }

        slow.CatchUp(_clock);
        Assert.Contains("closed TooSlow", slow.Log);
        Assert.Equal("1 2 3 4 5 6 7 8", Seen(fast));
        slow.Connect();
        slow.CatchUp(_clock);
        Assert.Equal("1 2 3 4 5 6 7 8", Seen(slow));
    }

    [Fact]
    public void Wait_holds_the_publisher_until_there_is_room()
    {
        Peer slow = Subscribe(OverflowPolicy.Wait);
        for (int i = 1; i <= 7; i++) Publish($"{i}");
        Task<SessionCode> eighth = _hub.PublishAsync("t", "8"u8).AsTask(), ninth = _hub.PublishAsync("t", "9"u8).AsTask();
        Assert.False(eighth.IsCompleted || ninth.IsCompleted);
        slow.CatchUp(_clock);
        Assert.Equal((SessionCode.Ok, SessionCode.Ok), (eighth.Now(), ninth.Now()));
        Assert.Equal("1 2 3 4 5 6 7 8 9", Seen(slow));
    }

    [Fact]
    public void Wait_refuses_at_the_deadline_what_then_nobody_got_and_says_so_again_when_asked_again()
    {
        Peer slow = Subscribe(OverflowPolicy.Wait), fast = Subscribe(OverflowPolicy.Wait), publisher = Open();
        List<long> requests = [];
        for (int i = 1; i <= 8; i++) requests.Add(publisher.Client.Publish("t", Encoding.UTF8.GetBytes($"{i}")));
        publisher.Exchange();
        fast.Exchange();
        Assert.Equal(7, publisher.Replies.Count);
        publisher.Drop();
        _clock.Advance(5.1);
        slow.Drop();
        _clock.Advance(601);
        // The answer was lost with the session; asked again, it is the same, though there would be room now.
        publisher.Connect();
        publisher.Exchange();
        Assert.Equal(SessionCode.Busy, publisher.Replies[requests[7]]);
        fast.Connect();
        fast.CatchUp(_clock);
        Assert.Equal("1 2 3 4 5 6 7", Seen(fast));
    }

    [Fact]
    public void A_subscriber_that_goes_lets_waiting_publishers_on()
    {
        Peer slow = Subscribe(OverflowPolicy.Wait), other = Open();
        for (int i = 1; i <= 7; i++) Publish($"{i}");
        Task<SessionCode> eighth = _hub.PublishAsync("t", "8"u8).AsTask();
        Assert.False(eighth.IsCompleted);
        slow.Carrier!.Session!.Close();
        Assert.Equal(SessionCode.Ok, eighth.Now());
        Assert.NotNull(other);
    }

    [Fact]
    public void One_more_request_than_the_bound_ends_the_session()
    {
        Subscribe(OverflowPolicy.Wait);
        Peer publisher = Open();
        for (int i = 1; i <= 7; i++) Publish($"{i}");
        for (long request = 1; request <= 256; request++) publisher.Carrier!.Receive(new PublishFrame { Request = request, Topic = "t"u8 }.ToShared().Span);
        Assert.Null(publisher.Carrier!.End);
        publisher.Carrier.Receive(new PublishFrame { Request = 257, Topic = "t"u8 }.ToShared().Span);
        Assert.Equal(SessionCode.TooManyRequests, publisher.Carrier.End!.Value.Code);
    }

    [Fact]
    public async Task One_stalled_subscriber_among_a_thousand_costs_the_others_nothing_and_is_bounded()
    {
        await using var hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock });
        _application.Topics = _ => new TopicOptions { BacklogEvents = 100, HistoryEvents = 0 };
        Peer[] peers = [.. Enumerable.Range(0, 1000).Select(_ => new Peer(hub, _clock))];
        foreach (Peer peer in peers)
        {
            peer.Connect();
            peer.Client.Subscribe("t");
            peer.Exchange();
        }

        Peer stalled = peers[500];
        for (int i = 0; i < 450; i++)
        {
            Assert.Equal(SessionCode.Ok, await hub.PublishAsync("t", Encoding.UTF8.GetBytes($"{i}")));
            foreach (Peer peer in peers)
            {
                if (peer != stalled) peer.Exchange();
            }
        }

        Assert.All(peers, peer => Assert.True(peer == stalled || peer.Events.Count() == 450));
        stalled.Exchange();
        // The window of 256, then what was dropped, then the backlog of 100.
        Assert.Equal([.. Enumerable.Range(0, 256).Select(i => $"event t {i}"), "gap t 94", .. Enumerable.Range(350, 100).Select(i => $"event t {i}")], stalled.Events);
    }

    [Fact]
    public void Presence_is_told_once_a_second_at_most_to_those_who_asked()
    {
        Peer watching = Open();
        watching.Client.Subscribe("t", presence: true);
        watching.Exchange();
        for (int i = 0; i < 5; i++) Subscribe(OverflowPolicy.DropOldest);
        watching.Exchange();
        Assert.Equal(["presence t 1"], watching.Log.Where(line => line.StartsWith("presence", StringComparison.Ordinal)));
        _clock.Advance(1.1);
        watching.Exchange();
        _clock.Advance(5);
        watching.Exchange();
        Assert.Equal(["presence t 1", "presence t 6"], watching.Log.Where(line => line.StartsWith("presence", StringComparison.Ordinal)));
    }

    [Fact]
    public void Recovery_and_live_events_meet_without_loss_or_doubling()
    {
        Peer peer = Subscribe(OverflowPolicy.DropOldest);
        peer.Drop();
        _clock.Advance(601);
        for (int i = 1; i <= 20; i++) Publish($"{i}");
        peer.Connect();
        peer.Send();
        while (peer.MoveUp())
        {
        }

        for (int i = 21; i <= 23; i++) Publish($"{i}");
        peer.CatchUp(_clock);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 23)), Seen(peer));
    }

    [Fact]
    public void A_topic_that_nobody_uses_is_forgotten()
    {
        Peer peer = Subscribe(OverflowPolicy.DropOldest);
        Publish("1");
        peer.Client.Unsubscribe("t");
        peer.Exchange();
        _clock.Advance(100);
        Assert.Equal(1, _hub.Topics);
        _clock.Advance(600);
        Assert.Equal(0, _hub.Topics);
    }

    [Fact]
    public void Names_and_payloads_that_a_topic_does_not_take_are_refused()
    {
        _application.Topics = name => name == "none" ? null : new TopicOptions { MaxPayload = 10 };
        Peer peer = Open();
        long none = peer.Client.Subscribe("none"), large = peer.Client.Publish("t", new byte[11]), again = peer.Client.Subscribe("t");
        peer.Exchange();
        Assert.Equal((SessionCode.InvalidName, SessionCode.PayloadTooLarge, SessionCode.Ok), (peer.Replies[none], peer.Replies[large], peer.Replies[again]));
        peer.Carrier!.Receive(new SubscribeFrame { Request = 100, Topic = "t"u8 }.ToShared().Span);
        Assert.Null(peer.Carrier.End);
        Assert.Equal(1, _hub.Subscribers("t"));
    }

    [Fact]
    public async Task Nodes_that_share_a_backplane_deliver_each_event_once_also_when_its_publisher_moved()
    {
        await using var backplane = new InProcessBackplane(isShared: true, timeProvider: _clock);
        var options = new SessionHubOptions { TimeProvider = _clock };
        await using SessionHub left = new(_application, options, backplane), right = new(_application, options, backplane);
        Peer listener = new(right, _clock), publisher = new(left, _clock), local = new(left, _clock);
        foreach (Peer peer in new[] { listener, local })
        {
            peer.Connect();
            peer.Client.Subscribe("t");
            peer.Exchange();
        }

        publisher.Connect();
        publisher.Exchange();
        long first = publisher.Client.Publish("t", "1"u8);
        publisher.Send();
        publisher.MoveUp();
        // The answer is lost; the client comes to the other node and asks again.
        publisher.Drop();
        publisher.Hub = right;
        publisher.Connect();
        publisher.Client.Publish("t", "2"u8);
        publisher.Exchange();
        listener.Exchange();
        local.Exchange();
        Assert.Equal(SessionCode.Ok, publisher.Replies[first]);
        Assert.Equal("1 2", Seen(listener));
        Assert.Equal("1 2", Seen(local));

        // A subscriber that moves takes its position along, over the origins of both nodes.
        local.Drop();
        await right.PublishAsync("t", "3"u8);
        await left.PublishAsync("t", "4"u8);
        local.Hub = right;
        local.Connect();
        local.Exchange();
        Assert.Equal("1 2 3 4", Seen(local));
        await left.PublishAsync("t", "5"u8);
        local.Exchange();
        Assert.Equal("1 2 3 4 5", Seen(local));
    }

    [Fact]
    public void An_event_for_many_sessions_allocates_nothing_per_session()
    {
        Peer[] peers = [.. Enumerable.Range(0, 500).Select(_ => Subscribe(OverflowPolicy.DropOldest))];
        foreach (Peer peer in peers)
        {
            for (int i = 0; i < 4; i++) Publish("warm");
            peer.Exchange();
        }

        foreach (Peer peer in peers) peer.Exchange();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Publish("x");
        Publish("y");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4000);
        Assert.All(peers, peer => Assert.True(peer.Carrier!.IsReady));
    }

    private static string Seen(Peer peer) =>
        string.Join(' ', peer.Events.Select(line => line.Split(' ')).Select(parts => parts[0] == "gap" ? $"gap:{parts[2]}" : parts[2]));

    private Peer Open()
    {
        var peer = new Peer(_hub, _clock);
        peer.Connect();
        peer.Exchange();
        return peer;
    }

    private Peer Subscribe(OverflowPolicy policy)
    {
        _application.Topics = _ => new TopicOptions { Overflow = policy, BacklogEvents = 3 };
        Peer peer = Open();
        peer.Client.Subscribe("t");
        peer.Exchange();
        return peer;
    }

    private void Publish(string text, string? key = null)
    {
        Assert.Equal(SessionCode.Ok, _hub.PublishAsync("t", Encoding.UTF8.GetBytes(text), MessageFlags.Text, key).Now());
    }
}
