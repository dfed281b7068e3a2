using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>docs/session-protocol.md: topics of several nodes, and clients that move between them.</summary>
public sealed class NodeTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new();
    private readonly InProcessBackplane _backplane;
    private readonly SessionHub _left;
    private readonly SessionHub _middle;
    private readonly SessionHub _right;

    public NodeTests()
    {
        _backplane = new InProcessBackplane(isShared: true, timeProvider: _clock);
        (_left, _middle, _right) = (Start(), Start(), Start());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SessionHub hub in new[] { _left, _middle, _right }) await hub.DisposeAsync();
        await _backplane.DisposeAsync();
    }

    [Fact]
    public void A_publish_that_is_repeated_on_a_node_which_did_not_have_the_topic_is_one_event()
    {
        Peer listener = Subscribe(_left), publisher = Open(_left);
        long request = publisher.Client.Publish("t", "1"u8);
        Send(publisher);
        Move(publisher, _right);
        Assert.Equal(SessionCode.Ok, publisher.Replies[request]);
        listener.Exchange();
        Move(listener, _right);
        Move(listener, _middle);
        Assert.Equal("1", Seen(listener));
    }

    [Fact]
    public void A_repeated_publish_from_before_a_node_had_the_topic_is_answered_as_done()
    {
        Peer publisher = Open(_left);
        publisher.Client.Publish("t", "1"u8);
        Send(publisher);
        Peer listener = Subscribe(_right);
        publisher.Client.Publish("t", "2"u8);
        Send(publisher);
        Move(publisher, _right);
        listener.Exchange();
        Assert.Equal([SessionCode.Ok, SessionCode.Ok], publisher.Replies.Values);
        Assert.Equal("2", Seen(listener));
    }

    [Fact]
    public void What_one_node_refused_is_not_answered_as_done_by_another()
    {
        _application.Topics = _ => new TopicOptions { Overflow = OverflowPolicy.Wait, BacklogEvents = 3 };
        Peer slow = Subscribe(_left), listener = Subscribe(_right), publisher = Open(_left);
        for (int i = 1; i <= 7; i++) Publish(_left, $"{i}").Now();
        long refused = publisher.Client.Publish("t", "refused"u8);
        Send(publisher);
        _clock.Advance(6);
        slow.CatchUp(_clock);
        listener.CatchUp(_clock);
        long done = publisher.Client.Publish("t", "done"u8);
        Send(publisher);
        Move(publisher, _right);
        listener.CatchUp(_clock);
        Assert.Equal("1 2 3 4 5 6 7 done", Seen(listener));
        Assert.Equal((SessionCode.Unavailable, SessionCode.Ok), (publisher.Replies[refused], publisher.Replies[done]));
    }

    [Fact]
    public void Nodes_that_publish_at_the_same_time_do_not_wait_for_each_other()
    {
        _application.Topics = _ => new TopicOptions { Overflow = OverflowPolicy.Wait, BacklogEvents = 3 };
        Peer slow = Subscribe(_left), listener = Subscribe(_right);
        for (int i = 1; i <= 7; i++) Publish(_left, $"{i}").Now();
        listener.CatchUp(_clock);
        Task<SessionCode> here = Publish(_left, "8"), there = Publish(_right, "9");
        Assert.False(here.IsCompleted || there.IsCompleted);
        slow.CatchUp(_clock);
        listener.CatchUp(_clock);
        Assert.Equal((SessionCode.Ok, SessionCode.Ok), (here.Now(), there.Now()));
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7", "8", "9"], Seen(slow).Split(' ').Order());
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7", "8", "9"], Seen(listener).Split(' ').Order());
    }

    [Fact]
    public void What_only_another_node_still_has_follows_the_gap_before_it()
    {
        _application.Topics = _ => new TopicOptions { HistoryEvents = 2 };
        Peer listener = Subscribe(_left);
        listener.Drop();
        for (int i = 1; i <= 3; i++) Publish(_left, $"{i}").Now();
        Move(listener, _right);
        Assert.Equal("gap:1 2 3", Seen(listener));
    }

    [Fact]
    public void An_event_that_is_under_way_reaches_a_subscriber_of_a_node_that_joins_meanwhile()
    {
        _application.Topics = _ => new TopicOptions { Overflow = OverflowPolicy.Wait, BacklogEvents = 3 };
        Peer moves = Subscribe(_left), slow = Subscribe(_middle), late = Open(_right);
        moves.Drop();
        _clock.Advance(12);
        for (int i = 1; i <= 7; i++) Publish(_middle, $"{i}").Now();
        Task<SessionCode> eighth = Publish(_left, "8");
        Assert.False(eighth.IsCompleted);
        late.Client.Subscribe("t");
        late.Exchange();
        Move(moves, _right);
        slow.CatchUp(_clock);
        Assert.Equal(SessionCode.Ok, eighth.Now());
        Publish(_left, "9").Now();
        moves.CatchUp(_clock);
        late.CatchUp(_clock);
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7", "8", "9"], Seen(moves).Split(' ').Order());
        Assert.Equal("9", Seen(late));
    }

    [Fact]
    public void A_repeated_publish_whose_first_is_under_way_on_another_node_is_one_event()
    {
        _application.Topics = _ => new TopicOptions { Overflow = OverflowPolicy.Wait, BacklogEvents = 3 };
        Peer slow = Subscribe(_middle), publisher = Open(_left);
        for (int i = 1; i <= 7; i++) Publish(_middle, $"{i}").Now();
        long request = publisher.Client.Publish("t", "8"u8);
        Send(publisher);
        Move(publisher, _right);
        Assert.Equal(SessionCode.Ok, publisher.Replies[request]);
        slow.CatchUp(_clock);
        Assert.Equal("1 2 3 4 5 6 7 8", Seen(slow));
    }

    [Fact]
    public async Task A_subscriber_that_comes_back_to_a_node_sees_nothing_twice()
    {
        Peer listener = Subscribe(_right);
        Publish(_left, "1").Now();
        listener.Exchange();
        await _left.DisposeAsync();
        // A node that knows of the one that has ended only by what the others say.
        await using SessionHub other = Start();
        Move(listener, other);
        Move(listener, _right);
        Publish(other, "2").Now();
        listener.Exchange();
        Assert.Equal("1 2", Seen(listener));
    }

    [Fact]
    public async Task What_a_node_that_has_ended_published_is_recovered_from_the_others_on_one_that_did_not_exist_then()
    {
        Peer listener = Subscribe(_left);
        Subscribe(_right);
        Publish(_left, "1").Now();
        listener.Exchange();
        // In the order in which it was published, on whichever node.
        Publish(_right, "2").Now();
        Publish(_left, "3").Now();
        Publish(_right, "4").Now();
        await _left.DisposeAsync();
        await using SessionHub other = Start();
        Move(listener, other);
        Assert.Equal("1 2 3 4", Seen(listener));
    }

    [Fact]
    public void Histories_that_overlap_are_merged_into_one_with_each_origin_in_its_order()
    {
        List<TopicMessage> merged = HistoryMerge.Events([History("a3 b1 a4 b2"), History("a1 a2 a3 a4 c1"), History("b1 a4 b2 b3")]);
        Assert.Equal("a1 a2 a3 b1 a4 b2 b3 c1".Split(' ').Order(), merged.Select(message => $"{(char)message.Origin}{message.Offset}").Order());
        foreach (IGrouping<uint, TopicMessage> origin in merged.GroupBy(message => message.Origin)) Assert.Equal(origin.Select(message => message.Offset).Order(), origin.Select(message => message.Offset));
        Assert.Equal(merged.FindIndex(message => message is { Origin: 'b', Offset: 1 }) + 1, merged.FindIndex(message => message is { Origin: 'a', Offset: 4 }));
    }

    [Fact]
    public void Where_nodes_saw_origins_mixed_in_different_ways_each_origin_is_in_its_order_still()
    {
        List<TopicMessage> merged = HistoryMerge.Events([History("b1 a3 b2 b3"), History("a3 a4 b1")]);
        Assert.Equal([3, 4], merged.Where(message => message.Origin == 'a').Select(message => message.Offset));
        Assert.Equal([1, 2, 3], merged.Where(message => message.Origin == 'b').Select(message => message.Offset));
    }

    [Fact]
    public async Task A_subscriber_of_a_node_that_ended_before_it_counted_anything_is_told_of_no_gap()
    {
        Subscribe(_right);
        Peer listener = Subscribe(_left);
        await _left.DisposeAsync();
        Move(listener, _right);
        Publish(_right, "1").Now();
        listener.Exchange();
        Assert.Equal("1", Seen(listener));
    }

    [Fact]
    public async Task A_subscriber_whose_node_ended_alone_with_its_topic_is_told_of_a_gap_of_unknown_size()
    {
        Peer listener = Subscribe(_left);
        Publish(_left, "1").Now();
        listener.Exchange();
        await _left.DisposeAsync();
        Move(listener, _right);
        Assert.Equal("1 gap:0", Seen(listener));
    }

    [Fact]
    public async Task A_publish_that_is_repeated_after_its_node_has_ended_is_one_event_where_somebody_recovered_it()
    {
        Peer listener = Subscribe(_left), publisher = Open(_left);
        listener.Drop();
        publisher.Client.Publish("t", "1"u8);
        Send(publisher);
        Move(listener, _right);
        await _left.DisposeAsync();
        Move(publisher, _right);
        listener.Exchange();
        Assert.Equal("1", Seen(listener));
        Assert.Equal(SessionCode.Ok, publisher.Replies.Single().Value);
    }

    [Fact]
    public async Task A_subscriber_ahead_of_the_node_that_it_comes_to_sees_nothing_twice_and_is_told_of_no_gap()
    {
        Peer listener = Subscribe(_left), other = Subscribe(_right);
        await DeliverAsync(_left, 1, "1");
        await DeliverAsync(_left, 2, "2");
        await DeliverAsync(_right, 1, "1");
        listener.Exchange();
        Move(listener, _right);
        await DeliverAsync(_right, 2, "2");
        await DeliverAsync(_right, 3, "3");
        listener.Exchange();
        other.Exchange();
        Assert.Equal("1 2 3", Seen(listener));
        Assert.Equal("1 2 3", Seen(other));
    }

    [Fact]
    public async Task An_offset_of_a_repetition_is_neither_missed_nor_replayed()
    {
        _application.Topics = _ => new TopicOptions { HistoryEvents = 1 };
        Peer listener = Subscribe(_left), publisher = Open(_left), absent = Subscribe(_left);
        absent.Drop();
        long request = publisher.Client.Publish("t", "1"u8);
        publisher.Exchange();
        await DeliverAsync(_left, 1, "1", publisher.Client.Publisher, request);
        await DeliverAsync(_left, 2, "2");
        await DeliverAsync(_left, 3, "3");
        listener.Exchange();
        Assert.Equal("1 2 3", Seen(listener));
        _clock.Advance(20);
        absent.Connect();
        absent.Exchange();
        Assert.Equal("gap:2 3", Seen(absent));
    }

    [Fact]
    public async Task What_came_from_another_node_while_it_waited_here_is_one_event()
    {
        _application.Topics = _ => new TopicOptions { Overflow = OverflowPolicy.Wait, BacklogEvents = 3 };
        Peer slow = Subscribe(_left), publisher = Open(_left);
        for (int i = 1; i <= 7; i++) Publish(_left, $"{i}").Now();
        ValueTask first = DeliverAsync(_left, 1, "8", publisher.Client.Publisher, 1);
        Assert.Equal(1, publisher.Client.Publish("t", "8"u8));
        publisher.Exchange();
        Assert.Empty(publisher.Replies);
        slow.CatchUp(_clock);
        await first;
        publisher.Exchange();
        Assert.Equal(SessionCode.Ok, publisher.Replies[1]);
        Assert.Equal("1 2 3 4 5 6 7 8", Seen(slow));
    }

    [Fact]
    public async Task What_came_from_another_node_while_it_was_with_the_backplane_is_one_event()
    {
        _application.Topics = _ => new TopicOptions { Overflow = OverflowPolicy.Wait, BacklogEvents = 3 };
        Peer listener = Subscribe(_left), slow = Subscribe(_right), publisher = Open(_left);
        for (int i = 1; i <= 7; i++)
        {
            Publish(_left, $"{i}").Now();
            listener.CatchUp(_clock);
        }

        Assert.Equal(1, publisher.Client.Publish("t", "8"u8));
        publisher.Exchange();
        await DeliverAsync(_left, 1, "8", publisher.Client.Publisher, 1);
        slow.CatchUp(_clock);
        listener.CatchUp(_clock);
        publisher.Exchange();
        Assert.Equal(SessionCode.Ok, publisher.Replies[1]);
        Assert.Equal("1 2 3 4 5 6 7 8", Seen(listener));
    }

    [Fact]
    public async Task A_gap_of_unknown_size_stays_one_when_more_is_dropped_behind_it()
    {
        _application.Topics = name => new TopicOptions { BacklogEvents = 3, HistoryEvents = name == "t" ? 1 : 100 };
        Peer listener = Open(_left);
        listener.Client.Subscribe("first");
        listener.Client.Subscribe("t");
        listener.Exchange();
        Publish(_left, "0").Now();
        listener.Exchange();
        listener.Drop();
        await _left.DisposeAsync();
        for (int i = 1; i <= 6; i++) _right.PublishAsync("first", "x"u8).Now();
        for (int i = 1; i <= 3; i++) Publish(_right, $"{i}").Now();
        // It takes OPENED alone: the window fills, and behind it wait a gap of unknown size, one of two, and an event.
        listener.Hub = _right;
        listener.Connect();
        listener.Send();
        listener.MoveUp();
        listener.Serve();
        listener.MoveDown();
        Send(listener);
        for (int i = 4; i <= 9; i++) Publish(_right, $"{i}").Now();
        listener.CatchUp(_clock);
        Assert.Equal("0 gap:0 gap:6 7 8 9", Seen(listener));
    }

    [Fact]
    public async Task Subscribers_of_nodes_that_are_replaced_again_and_again_miss_nothing_and_see_nothing_twice()
    {
        SessionHub[] hubs = [_left, _middle, _right];
        Peer[] listeners = [Subscribe(_left), Subscribe(_middle), Subscribe(_right)];
        List<string> published = [];
        // More nodes than a position has room for origins.
        for (int round = 0; round < ProtocolLimits.MaxPositions + 40; round++)
        {
            int next = round % hubs.Length;
            await hubs[next].DisposeAsync();
            _backplane.Detach(hubs[next].Node);
            PublishOn(hubs[(next + 1) % hubs.Length]);
            hubs[next] = Start();
            PublishOn(hubs[(next + 2) % hubs.Length]);
            // One comes back to its node, another one moves.
            Move(listeners[next], hubs[next]);
            Move(listeners[(next + 1) % hubs.Length], hubs[round % 2 == 0 ? next : (next + 1) % hubs.Length]);
            foreach (SessionHub hub in hubs) PublishOn(hub);
            foreach (Peer listener in listeners) listener.CatchUp(_clock);
            foreach (Peer listener in listeners) Assert.Equal(string.Join(' ', published), Seen(listener));
        }

        void PublishOn(SessionHub hub)
        {
            published.Add($"{published.Count}");
            Assert.Equal(SessionCode.Ok, Publish(hub, published[^1]).Now());
        }
    }

    private SessionHub Start() => new(
        _application,
        new SessionHubOptions { TimeProvider = _clock, WindowFrames = 4, TimeToLive = TimeSpan.FromSeconds(10), Heartbeat = TimeSpan.FromSeconds(1000) }, _backplane);

    private Peer Open(SessionHub hub)
    {
        var peer = new Peer(hub, _clock);
        peer.Connect();
        peer.Exchange();
        return peer;
    }

    private Peer Subscribe(SessionHub hub)
    {
        Peer peer = Open(hub);
        peer.Client.Subscribe("t");
        peer.Exchange();
        return peer;
    }

    /// <summary>What the client has to send arrives; answers do not.</summary>
    private static void Send(Peer peer)
    {
        peer.Send();
        while (peer.MoveUp())
        {
        }
    }

    private void Move(Peer peer, SessionHub hub)
    {
        peer.Drop();
        peer.Hub = hub;
        peer.Connect();
        peer.CatchUp(_clock);
    }

    private static Task<SessionCode> Publish(SessionHub hub, string text) => hub.PublishAsync("t", Encoding.UTF8.GetBytes(text), MessageFlags.Text).AsTask();

    /// <summary>As a backplane does it whose nodes do not all get an event at the same time.</summary>
    private static ValueTask DeliverAsync(SessionHub hub, long offset, string text, ulong publisher = 0, long number = 0) =>
        hub.Node.DeliverAsync(new TopicMessage("t", 77, offset, publisher, number, MessageFlags.Text, null, Encoding.UTF8.GetBytes(text)));

    private static BackplaneHistory History(string events) =>
        new([.. events.Split(' ').Select(text => new TopicMessage("t", text[0], text[1] - '0', 0, 0, MessageFlags.None, null, default))], []);

    private static string Seen(Peer peer) => string.Join(
        ' ', peer.Events.Select(line => line.Split(' ')).Where(parts => parts[1] == "t").Select(parts => parts[0] == "gap" ? $"gap:{parts[2]}" : parts[2]));
}
