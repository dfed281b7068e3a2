using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>docs/session-protocol.md: the life of a session, counting, carriers.</summary>
public sealed class SessionTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly TestApplication _application = new();
    private SessionHub _hub;

    public SessionTests() => _hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock });

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public void A_session_subscribes_publishes_and_gets_its_own_event()
    {
        Peer peer = Open();
        long subscribe = peer.Client.Subscribe("chat"), publish = peer.Client.Publish("chat", "hi"u8, MessageFlags.Text);
        peer.Exchange();
        Assert.Equal(["opened", "event chat hi"], peer.Log);
        Assert.Equal([(subscribe, SessionCode.Ok), (publish, SessionCode.Ok)], peer.Replies.Select(reply => (reply.Key, reply.Value)));
    }

    [Fact]
    public void What_was_under_way_when_the_carrier_broke_comes_once_and_in_order_on_the_next()
    {
        Peer peer = Open();
        peer.Client.Subscribe("chat");
        peer.Exchange();
        for (int i = 0; i < 10; i++) peer.Client.Publish("chat", [(byte)('a' + i)]);
        peer.Send();
        for (int i = 0; i < 4; i++) peer.MoveUp();
        peer.Serve();
        for (int i = 0; i < 3; i++) peer.MoveDown();
        peer.Connect();
        peer.Exchange();
        Assert.Equal("abcdefghij".Select(letter => $"event chat {letter}"), peer.Events);
        Assert.Equal(["opened", "resumed"], peer.Log.Where(line => !line.StartsWith("event", StringComparison.Ordinal)));
        Assert.Equal(11, peer.Replies.Count);
        Assert.Equal(1, _hub.Sessions);
    }

    [Fact]
    public void A_newer_carrier_supersedes_the_older_one_whose_frames_are_ignored_from_then_on()
    {
        Peer peer = Open();
        TestCarrier older = peer.Carrier!;
        peer.Connect(detach: false);
        peer.Exchange();
        Assert.Equal(SessionCode.Superseded, older.End!.Value.Code);
        Assert.False(older.TryTake(out _, out _));
        older.Receive(new ClientMessageFrame { Payload = "late"u8 }.ToShared().Span);
        older.Detach();
        Assert.Equal(0, older.Session!.Received);
        Assert.Same(peer.Carrier, older.Session.Carrier);
    }

    [Fact]
    public void A_client_that_closes_before_it_is_answered_hears_nothing_more()
    {
        Peer peer = Open();
        peer.Connect();
        peer.Send();
        peer.MoveUp();
        peer.Client.Close();
        peer.Serve();
        Assert.True(peer.MoveDown());
        peer.Exchange();
        Assert.Equal(["opened"], peer.Log);
        Assert.Equal(0, _hub.Sessions);
    }

    [Fact]
    public void A_detached_session_expires_after_its_time_to_live_and_not_before()
    {
        Peer peer = Open();
        peer.Client.Subscribe("chat");
        peer.Exchange();
        peer.Drop();
        _clock.Advance(58);
        Assert.Equal((1, 1), (_hub.Sessions, _hub.Subscribers("chat")));
        _clock.Advance(4);
        Assert.Equal((0, 0), (_hub.Sessions, _hub.Subscribers("chat")));
        Assert.Equal(SessionCode.Expired, _application.Closed.Single().Code);
        peer.Connect();
        peer.Exchange();
        Assert.Equal(["opened", "lost 0", "opened"], peer.Log);
        Assert.Equal(1, _hub.Subscribers("chat"));
    }

    [Fact]
    public void A_lost_session_is_restored_from_positions_and_unanswered_requests_are_done_once()
    {
        Peer peer = Open(), other = Open();
        peer.Client.Subscribe("chat");
        peer.Exchange();
        long first = peer.Client.Publish("chat", "1"u8);
        peer.Send();
        peer.MoveUp();
        peer.Client.Send("to the application"u8);
        peer.Send();
        peer.Drop();
        _clock.Advance(62);
        other.Connect();
        other.Client.Publish("chat", "2"u8);
        other.Exchange();
        Assert.DoesNotContain(first, peer.Replies.Keys);
        peer.Connect();
        peer.Exchange();
        Assert.Equal(["event chat 1", "event chat 2"], peer.Events);
        Assert.Equal(SessionCode.Ok, peer.Replies[first]);
        Assert.Contains("lost 1", peer.Log);
    }

    [Fact]
    public void History_that_is_gone_is_a_gap_whose_count_is_exact()
    {
        _application.Topics = _ => new TopicOptions { HistoryEvents = 3 };
        Peer peer = Open();
        peer.Client.Subscribe("chat");
        peer.Exchange();
        peer.Drop();
        _clock.Advance(62);
        for (int i = 1; i <= 10; i++) Publish("chat", i.ToString());
        peer.Connect();
        peer.Exchange();
        Assert.Equal(["gap chat 7", "event chat 8", "event chat 9", "event chat 10"], peer.Events);
    }

    [Fact]
    public async Task A_node_that_starts_again_reports_a_gap_of_unknown_size()
    {
        Peer peer = Open();
        peer.Client.Subscribe("chat");
        peer.Exchange();
        Publish("chat", "1");
        peer.Exchange();
        await _hub.DisposeAsync();
        peer.Exchange();
        Assert.Contains("closed GoingAway", peer.Log);
        _hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock });
        var moved = new Peer(_hub, _clock);
        peer.Hub = _hub;
        moved.Connect();
        moved.Client.Publish("chat", "2"u8);
        moved.Exchange();
        peer.Connect();
        peer.Exchange();
        Assert.Equal(["event chat 1", "gap chat 0", "event chat 2"], peer.Events);
    }

    [Fact]
    public void The_older_token_is_good_until_the_client_has_shown_that_it_has_the_new_one()
    {
        Peer peer = Open();
        byte[] first = peer.Client.Token.ToArray();
        // The answer is lost twice: each time the client comes with the token that it has.
        for (int i = 0; i < 2; i++)
        {
            peer.Connect();
            peer.Send();
            peer.MoveUp();
        }

        peer.Connect();
        peer.Exchange();
        Assert.Equal(["opened", "resumed"], peer.Log);
        Assert.NotEqual(first, peer.Client.Token.ToArray());

        var thief = new TestCarrier(_hub, new CarrierContext());
        thief.Receive(new OpenFrame { Version = 1, Publisher = peer.Client.Publisher, Received = peer.Client.Received, Token = first }.ToShared().Span);
        Assert.NotSame(peer.Carrier!.Session, thief.Session);
        Assert.Null(peer.Carrier.End);
    }

    [Fact]
    public void A_wrong_secret_another_publisher_or_another_owner_resumes_nothing()
    {
        Peer peer = Open(new CarrierContext { Owner = "alice" });
        string token = Encoding.ASCII.GetString(peer.Client.Token);
        char[] changed = token.ToCharArray();
        changed[30] = changed[30] == 'A' ? 'B' : 'A';
        Try(peer.Client.Publisher, new string(changed), "alice");
        Try(peer.Client.Publisher + 1, token, "alice");
        Try(peer.Client.Publisher, token, "bob");
        void Try(ulong publisher, string token, string owner)
        {
            var carrier = new TestCarrier(_hub, new CarrierContext { Owner = owner });
            carrier.Receive(new OpenFrame { Version = 1, Publisher = publisher, Token = Encoding.ASCII.GetBytes(token) }.ToShared().Span);
            Assert.NotSame(peer.Carrier!.Session, carrier.Session);
            Assert.Null(peer.Carrier.End);
        }
    }

    [Fact]
    public void An_idle_carrier_is_pinged_and_one_that_stays_silent_is_given_up()
    {
        Peer peer = Open();
        peer.Exchange();
        _clock.Advance(26);
        peer.Serve();
        Assert.Equal((byte)FrameType.Ping, peer.Down.Single()[0]);
        peer.MoveDown();
        peer.Exchange();
        _clock.Advance(49);
        Assert.Null(peer.Carrier!.End);
        _clock.Advance(3);
        Assert.Equal(SessionCode.Silent, peer.Carrier.End!.Value.Code);
        Assert.Equal(1, _hub.Sessions);
    }

    [Fact]
    public void The_client_pings_after_its_own_silence_and_gives_up_a_dead_carrier()
    {
        Peer peer = Open();
        peer.Exchange();
        _clock.Advance(26);
        Assert.True(peer.Client.Tick());
        peer.Send();
        Assert.Equal((byte)FrameType.Ping, peer.Up.Single()[0]);
        peer.Exchange();
        _clock.Advance(49);
        Assert.True(peer.Client.Tick());
        _clock.Advance(1);
        Assert.False(peer.Client.Tick());
    }

    [Fact]
    public void An_acknowledgement_comes_after_64_frames_at_once_and_otherwise_within_200_ms()
    {
        Peer peer = Open();
        peer.Client.Send("x"u8);
        peer.Send();
        peer.MoveUp();
        Assert.False(peer.Carrier!.TryTake(out _, out _));
        _clock.Advance(0.2);
        Assert.True(peer.Carrier.IsReady);
        Assert.True(peer.Carrier.TryTake(out SharedFrame? ack, out _));
        Assert.Equal([3, 1], ack.Span.ToArray());
        for (int i = 0; i < 64; i++) peer.Client.Send("x"u8);
        peer.Send();
        while (peer.MoveUp())
        {
        }

        Assert.True(peer.Carrier.TryTake(out ack, out _));
        Assert.Equal([3, 65], ack.Span.ToArray());
    }

    [Theory]
    [InlineData("03ff01", SessionCode.ProtocolError)] // ACK of what was never sent
    [InlineData("00", SessionCode.ProtocolError)]
    [InlineData("2001", SessionCode.ProtocolError)]
    [InlineData("0101000000000000000001000000", SessionCode.ProtocolError)] // a second OPEN
    [InlineData("10010401" + "78", SessionCode.ProtocolError)]
    public void A_broken_rule_ends_the_session(string hex, SessionCode code)
    {
        Peer peer = Open();
        peer.Carrier!.Receive(Convert.FromHexString(hex));
        Assert.Equal(code, peer.Carrier.End!.Value.Code);
        peer.Exchange();
        Assert.Contains($"closed {code}", peer.Log);
        Assert.Equal(0, _hub.Sessions);
    }

    [Fact]
    public void A_frame_above_the_bound_ends_the_session()
    {
        Peer peer = Open();
        peer.Carrier!.Receive(new byte[128 * 1024 + 1]);
        Assert.Equal(SessionCode.FrameTooLarge, peer.Carrier.End!.Value.Code);
    }

    [Theory]
    [InlineData("03" + "00", SessionCode.ProtocolError)]
    [InlineData("0102", SessionCode.UnsupportedVersion)]
    [InlineData("010100", SessionCode.ProtocolError)]
    public void A_carrier_that_does_not_begin_with_OPEN_of_this_version_is_refused(string hex, SessionCode code)
    {
        var carrier = new TestCarrier(_hub, new CarrierContext());
        carrier.Receive(Convert.FromHexString(hex));
        Assert.Equal(code, carrier.End!.Value.Code);
        Assert.True(carrier.TryTake(out SharedFrame? close, out _));
        Assert.Equal((FrameType.Close, (byte)code), (close.Type, close.Span[1]));
        Assert.False(carrier.TryTake(out _, out _));
        Assert.Equal(0, _hub.Sessions);
    }

    [Fact]
    public async Task Sessions_are_bounded_in_all_and_for_each_owner_and_address()
    {
        await using var hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock, MaxSessions = 4, MaxSessionsPerOwner = 2 });
        Assert.Equal(["ok", "ok", "no", "ok", "ok", "no"],
            Enumerable.Range(0, 6).Select(i => Connect(i < 3 ? new CarrierContext { Owner = "alice", Address = "192.0.2.1" } : new CarrierContext { Address = $"192.0.2.{i}" })));
        Assert.Equal(4, hub.Sessions);
        string Connect(CarrierContext context)
        {
            var peer = new Peer(hub, _clock, context);
            peer.Connect();
            peer.Exchange();
            return peer.Client.IsOpen ? "ok" : peer.Log.Single() == "closed TooManySessions" ? "no" : "?";
        }
    }

    [Fact]
    public async Task A_ticket_is_good_once_for_30_seconds_and_for_its_origin()
    {
        await using var hub = new SessionHub(_application, new SessionHubOptions { TimeProvider = _clock, RequireTicket = true });
        string Issue() => hub.IssueTicket(new CarrierContext { Principal = "Alice", Owner = "alice", Origin = "https://a.example" })!;
        bool Try(string ticket, string? origin)
        {
            var peer = new Peer(hub, _clock, new CarrierContext { Origin = origin });
            peer.Connect(ticket);
            peer.Exchange();
            return peer.Client.IsOpen;
        }

        string good = Issue(), elsewhere = Issue(), old = Issue();
        Assert.False(Try("", "https://a.example"));
        Assert.True(Try(good, "https://a.example"));
        Assert.Equal(("Alice", "alice"), (_application.Opened.Single().Principal, _application.Opened.Single().Owner));
        Assert.False(Try(good, "https://a.example"));
        Assert.False(Try(elsewhere, "https://b.example"));
        Assert.False(Try(elsewhere, "https://a.example"));
        _clock.Advance(30.1);
        Assert.False(Try(old, "https://a.example"));
    }

    [Fact]
    public void Replies_that_are_not_taken_end_the_session()
    {
        Peer peer = Open();
        for (long request = 1; request <= 1024; request++) peer.Carrier!.Receive(new UnsubscribeFrame { Request = request, TopicId = 1 }.ToShared().Span);
        Assert.Null(peer.Carrier!.End);
        peer.Carrier.Receive(new UnsubscribeFrame { Request = 1025, TopicId = 1 }.ToShared().Span);
        Assert.Equal(SessionCode.TooSlow, peer.Carrier.End!.Value.Code);
    }

    [Fact]
    public void A_message_of_the_application_is_refused_when_the_window_is_full_and_room_is_told()
    {
        Peer peer = Open();
        Session session = peer.Carrier!.Session!;
        for (int i = 0; i < 256; i++) Assert.Equal(SessionSend.Sent, session.Send("x"u8));
        Assert.Equal(SessionSend.Full, session.Send("x"u8));
        Assert.Empty(_application.Drained);
        peer.Exchange();
        Assert.Equal(256, peer.Log.Count(line => line == "message x"));
        Assert.Equal([session], _application.Drained);
        session.Close(SessionCode.Forbidden, "enough");
        Assert.Equal(SessionSend.Over, session.Send("x"u8));
        peer.Exchange();
        Assert.Equal("closed Forbidden", peer.Log[^1]);
    }

    [Fact]
    public void What_the_application_does_not_allow_is_forbidden_and_what_it_throws_is_its_own_fault()
    {
        _application.Allowed = (_, action, _) => action == SessionAction.Publish ? throw new InvalidOperationException() : false;
        Peer peer = Open();
        long[] requests = [peer.Client.Subscribe("x"), peer.Client.SendToMailbox("x", "x"u8), peer.Client.OpenMailbox("x"), peer.Client.Publish("x", "x"u8)];
        peer.Exchange();
        Assert.Equal([SessionCode.Forbidden, SessionCode.Forbidden, SessionCode.Forbidden, SessionCode.InternalError], requests.Select(request => peer.Replies[request]));
        Assert.Single(_application.Faults);
        _application.Message = (_, _) => throw new InvalidOperationException();
        peer.Client.Send("x"u8);
        peer.Exchange();
        Assert.Contains("closed InternalError", peer.Log);
    }

    [Fact]
    public void Bodies_that_come_twice_or_out_of_order_change_nothing()
    {
        List<string> messages = [];
        _application.Message = (_, message) => messages.Add(message);
        Peer peer = Open();
        peer.Client.Send("1"u8);
        peer.Client.Send("2"u8);
        Assert.Equal(BodyStatus.Received, peer.Post(twice: true, loseAnswer: true));
        peer.Client.Send("3"u8);
        Assert.Equal(BodyStatus.Received, peer.Post());
        byte[] message = new ClientMessageFrame { Payload = "5"u8 }.ToShared().Span.ToArray();
        Assert.Equal(BodyStatus.OutOfOrder, peer.Carrier!.ReceiveBody(Protocol.Vectors.Body(5, [message])));
        Assert.Equal(["1", "2", "3"], messages);
        Assert.Equal(BodyStatus.Malformed, peer.Carrier.ReceiveBody(Protocol.Vectors.Body(0, [message])));
        Assert.Equal(SessionCode.ProtocolError, peer.Carrier.End!.Value.Code);
        Assert.Equal(["1", "2", "3"], messages);
    }

    [Fact]
    public void An_HTTP_carrier_that_was_given_up_as_silent_is_taken_up_again_by_a_request_with_its_token()
    {
        Peer peer = Open();
        string token = Encoding.ASCII.GetString(peer.Client.Token);
        Session session = _hub.Find(token, out _)!;
        Assert.Same(peer.Carrier!.Session, session);
        _clock.Advance(52);
        Assert.Null(session.Carrier);
        var again = new TestCarrier(_hub, new CarrierContext());
        Assert.True(_hub.Find(token, out _)!.TryReattach(again));
        Assert.False(session.TryReattach(new TestCarrier(_hub, new CarrierContext())));
        Assert.Equal(BodyStatus.Received, again.ReceiveBody([0]));
        peer.Connect();
        peer.Exchange();
        Assert.Null(_hub.Find(token, out bool isSuperseded));
        Assert.True(isSuperseded);
        Assert.Null(_hub.Find("", out isSuperseded));
        Assert.False(isSuperseded);
    }

    private Peer Open(CarrierContext? context = null)
    {
        var peer = new Peer(_hub, _clock, context);
        peer.Connect();
        peer.Exchange();
        Assert.True(peer.Client.IsOpen);
        return peer;
    }

    private void Publish(string topic, string text)
    {
        Assert.Equal(SessionCode.Ok, _hub.PublishAsync(topic, Encoding.UTF8.GetBytes(text), MessageFlags.Text).Now());
    }
}
