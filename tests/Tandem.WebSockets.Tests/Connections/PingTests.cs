using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;
using static Tandem.WebSockets.Tests.Connections.Waits;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>The application's own pings (RFC 6455 sections 5.5.2 and 5.5.3), by a clock that the test moves.</summary>
public sealed class PingTests
{
    private const int Ping = 0x89;
    private const int Pong = 0x8A;

    private readonly ManualClock _clock = new();

    private WebSocketConnectionOptions Options => new() { TimeProvider = _clock, KeepAliveInterval = Timeout.InfiniteTimeSpan };

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public async Task A_ping_completes_with_its_pong_and_tells_the_time_between(WebSocketRole role)
    {
        using Subject subject = Subject.Create(Options with { Role = role });
        Task receive = subject.Socket.TakeAsync();
        Task<TimeSpan> ping = subject.Ours.PingAsync(new byte[] { 1, 2, 3 });
        await ReadPingAsync(subject, [1, 2, 3]);
        Assert.False(ping.IsCompleted);
        _clock.Advance(0.25);
        await subject.Peer.SendFrameAsync(Pong, 1, 2, 3);
        Assert.Equal(TimeSpan.FromSeconds(0.25), await ping.InTime());
        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public async Task Without_a_payload_each_ping_has_one_of_its_own()
    {
        using Subject subject = Subject.Create(Options);
        Task receive = subject.Socket.TakeAsync();
        Task<TimeSpan> first = subject.Ours.PingAsync();
        Task<TimeSpan> second = subject.Ours.PingAsync();
        byte[] one = (await subject.Peer.ReadFrameAsync()).Payload;
        byte[] two = (await subject.Peer.ReadFrameAsync()).Payload;
        Assert.Equal((8, 8), (one.Length, two.Length));
        Assert.NotEqual(one, two);
        await subject.Peer.SendFrameAsync(Pong, one);
        await first.InTime();
        Assert.False(second.IsCompleted);
        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public async Task RFC6455_5_5_3_a_pong_for_a_later_ping_answers_the_earlier_ones_too_and_no_later_ones()
    {
        using Subject subject = Subject.Create(Options);
        Task receive = subject.Socket.TakeAsync();
        Task<TimeSpan>[] pings = [.. Enumerable.Range(0, 4).Select(i =>
        {
            _clock.Advance(1);
            return subject.Ours.PingAsync(new byte[] { (byte)i });
        })];
        _clock.Advance(1);
        await subject.Peer.SendFrameAsync(Pong, 2);
        Assert.Equal([4, 3, 2], (await Task.WhenAll(pings[..3]).InTime()).Select(time => time.TotalSeconds));
        Assert.False(pings[3].IsCompleted);
        await subject.Peer.SendFrameAsync(Pong, 3);
        await pings[3].InTime();
        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public async Task RFC6455_5_5_3_a_pong_that_nobody_asked_for_is_ignored()
    {
        using Subject subject = Subject.Create(Options);
        await subject.Peer.SendFrameAsync(Pong, 7);
        await subject.Peer.SendFrameAsync(Pong);
        await subject.Peer.SendFrameAsync(0x82, 1);
        await subject.Socket.TakeAsync();
        Task<TimeSpan> ping = subject.Ours.PingAsync(new byte[] { 7 });
        foreach (byte[] payload in (byte[][])[[], [8], [7, 7]]) await subject.Peer.SendFrameAsync(Pong, payload);
        await subject.Peer.SendFrameAsync(0x82, 1);
        await subject.Socket.TakeAsync();
        Assert.False(ping.IsCompleted);
        await subject.Peer.SendFrameAsync(Pong, 7);
        Task receive = subject.Socket.TakeAsync();
        await ping.InTime();
        // Its answer has come: a second one is a pong that nobody asked for.
        Task<TimeSpan> next = subject.Ours.PingAsync(new byte[] { 8 });
        await subject.Peer.SendFrameAsync(Pong, 7);
        await subject.Peer.SendFrameAsync(0x82, 1);
        await receive;
        Assert.False(next.IsCompleted);
    }

    [Fact]
    public async Task A_peer_that_answers_keep_alive_only_has_answered_what_was_pinged_before_it()
    {
        using Subject subject = Subject.Create(Options with { KeepAliveInterval = TimeSpan.FromSeconds(30) });
        Task receive = subject.Socket.TakeAsync();
        Task<TimeSpan> before = subject.Ours.PingAsync(new byte[] { 1 });
        _clock.Advance(30);
        Task<TimeSpan> after = subject.Ours.PingAsync(new byte[] { 2 });
        foreach (byte[] payload in (byte[][])[[1], [], [2]]) await ReadPingAsync(subject, payload);
        await subject.Peer.SendFrameAsync(Pong);
        Assert.Equal(TimeSpan.FromSeconds(30), await before.InTime());
        await subject.Peer.SendFrameAsync(Pong);
        await subject.Peer.SendFrameAsync(0x82, 1);
        await receive;
        Assert.False(after.IsCompleted);
    }

    [Fact]
    public async Task A_ping_goes_behind_what_was_sent_before_it_and_between_the_fragments_of_a_message()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task first = subject.Socket.PutAsync("1");
        Task second = subject.Socket.PutAsync("2", endOfMessage: false);
        Task<TimeSpan> ping = subject.Ours.PingAsync(new byte[] { 9 });
        Task third = subject.Socket.PutAsync("3");
        stream.Resume();
        await Task.WhenAll(first, second, third);
        foreach (int expected in (int[])[0x81, 0x01, Ping, 0x80]) Assert.Equal(expected, (await subject.Peer.ReadFrameAsync()).FirstByte);
        Assert.False(ping.IsCompleted);
    }

    [Fact]
    public async Task The_time_begins_when_the_ping_is_handed_to_the_stream_and_no_guess_comes_before()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task send = subject.Socket.PutAsync("1");
        Task<TimeSpan> ping = subject.Ours.PingAsync(new byte[] { 9 });
        await subject.Peer.SendFrameAsync(Pong, 9);
        await subject.Peer.SendFrameAsync(0x82, 1);
        await subject.Socket.TakeAsync();
        Assert.False(ping.IsCompleted);
        _clock.Advance(60);
        stream.Resume();
        await send;
        await subject.Peer.ReadFrameAsync();
        Assert.Equal(Ping, (await subject.Peer.ReadFrameAsync()).FirstByte);
        _clock.Advance(1);
        await subject.Peer.SendFrameAsync(Pong, 9);
        Task receive = subject.Socket.TakeAsync();
        Assert.Equal(TimeSpan.FromSeconds(1), await ping.InTime());
        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public async Task A_pong_is_seen_only_while_a_receive_is_pending()
    {
        using Subject subject = Subject.Create(Options);
        Task<TimeSpan> ping = subject.Ours.PingAsync(new byte[] { 1 });
        await subject.Peer.SendFrameAsync(Pong, 1);
        _clock.Advance(10);
        Assert.False(ping.IsCompleted);
        Task receive = subject.Socket.TakeAsync();
        Assert.Equal(TimeSpan.FromSeconds(10), await ping.InTime());
        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public async Task So_many_wait_at_once_and_no_more()
    {
        using Subject subject = Subject.Create(Options);
        for (int i = 0; i < WebSocketConnection.MaxPendingPings; i++) _ = subject.Ours.PingAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => subject.Ours.PingAsync());
        byte[] payload = (await subject.Peer.ReadFrameAsync()).Payload;
        await subject.Peer.SendFrameAsync(Pong, payload);
        Task receive = subject.Socket.TakeAsync();
        await UntilAsync(() => !subject.Ours.PingAsync().IsFaulted); // one more
        await Assert.ThrowsAsync<InvalidOperationException>(() => subject.Ours.PingAsync());
        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public async Task Two_pings_that_wait_have_different_payloads()
    {
        using Subject subject = Subject.Create(Options);
        Task<TimeSpan> first = subject.Ours.PingAsync(new byte[] { 1 });
        await Assert.ThrowsAsync<InvalidOperationException>(() => subject.Ours.PingAsync(new byte[] { 1 }));
        await subject.Peer.SendFrameAsync(Pong, 1);
        Task receive = subject.Socket.TakeAsync();
        await first.InTime();
        Assert.Equal([1], (await subject.Peer.ReadFrameAsync()).Payload);
        _ = subject.Ours.PingAsync(new byte[] { 1 });
        Assert.Equal([1], (await subject.Peer.ReadFrameAsync()).Payload);
        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public async Task A_payload_of_125_bytes_is_the_largest()
    {
        using Subject subject = Subject.Create(Options);
        Assert.Throws<ArgumentException>("payload", () => { _ = subject.Ours.PingAsync(new byte[126]); });
        _ = subject.Ours.PingAsync(new byte[125]);
        Assert.Equal(125, (await subject.Peer.ReadFrameAsync()).Payload.Length);
    }

    [Fact]
    public async Task Who_stops_waiting_harms_nothing()
    {
        using Subject subject = Subject.Create(Options);
        using var source = new CancellationTokenSource();
        Task<TimeSpan> ping = subject.Ours.PingAsync(new byte[] { 1 }, source.Token);
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ping.InTime());
        Assert.Equal(source.Token, exception.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subject.Ours.PingAsync(default, source.Token));
        Assert.Equal(Ping, (await subject.Peer.ReadFrameAsync()).FirstByte);
        // Its place is free, and its payload too.
        for (int i = 0; i < WebSocketConnection.MaxPendingPings; i++) _ = subject.Ours.PingAsync(new byte[] { (byte)(i + 1) });
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
    }

    [Fact]
    public async Task Pings_that_are_cancelled_behind_a_stalled_write_do_not_fill_the_queue()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task send = subject.Socket.PutAsync("x");
        using var source = new CancellationTokenSource();
        Task[] pings = [.. Enumerable.Range(0, WebSocketConnection.MaxPendingPings).Select(_ => subject.Ours.PingAsync(default, source.Token))];
        await source.CancelAsync();
        foreach (Task ping in pings) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ping.InTime());
        await Assert.ThrowsAsync<InvalidOperationException>(() => subject.Ours.PingAsync());
        stream.Resume();
        await send;
        for (int i = 0; i <= pings.Length; i++) await subject.Peer.ReadFrameAsync();
        _ = subject.Ours.PingAsync(new byte[] { 1 });
        await ReadPingAsync(subject, [1]);
    }

    [Fact]
    public async Task A_ping_ends_with_the_connection_however_it_ends()
    {
        Dictionary<string, (Func<Subject, Task> End, WebSocketError? Error, CloseInitiator Initiator)> ends = new()
        {
            ["the peer closes"] = (subject => subject.Peer.SendCloseAsync(1001), WebSocketError.ConnectionClosedPrematurely, CloseInitiator.Peer),
            ["the peer is gone"] = (Gone, WebSocketError.ConnectionClosedPrematurely, CloseInitiator.TransportEnd),
            ["the peer breaks a rule"] = (subject => subject.Peer.SendFrameAsync(0x83), WebSocketError.Faulted, CloseInitiator.ProtocolFault),
            ["disposed"] = (Act(socket => socket.Dispose()), WebSocketError.ConnectionClosedPrematurely, CloseInitiator.Local),
            ["aborted"] = (Act(socket => socket.Abort()), null, CloseInitiator.Local),
        };
        foreach ((string how, (Func<Subject, Task> end, WebSocketError? error, CloseInitiator initiator)) in ends)
        {
            using Subject subject = Subject.Create(Options);
            Task receive = subject.Socket.TakeAsync();
            Task<TimeSpan> ping = subject.Ours.PingAsync();
            await end(subject);
            Exception? exception = await Record.ExceptionAsync(() => ping.InTime());
            Assert.True(error == (exception as WebSocketException)?.WebSocketErrorCode && (error is not null || exception is OperationCanceledException), $"{how}: {exception}");
            Assert.Equal(initiator, Assert.IsType<ConnectionEndedException>(exception!.InnerException).Cause.Initiator);
            await Record.ExceptionAsync(() => receive);
            await FailsAsync(WebSocketError.InvalidState, () => subject.Ours.PingAsync());
        }

        static Func<Subject, Task> Act(Action<WebSocket> act) => subject =>
        {
            act(subject.Socket);
            return Task.CompletedTask;
        };

        static Task Gone(Subject subject)
        {
            subject.Peer.Dispose();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task After_this_end_has_closed_a_pong_still_counts_and_there_are_no_new_pings()
    {
        using Subject subject = Subject.Create(Options);
        Task<TimeSpan> first = subject.Ours.PingAsync(new byte[] { 1 });
        Task<TimeSpan> second = subject.Ours.PingAsync(new byte[] { 2 });
        await subject.Socket.ShutOutputAsync();
        await FailsAsync(WebSocketError.InvalidState, () => subject.Ours.PingAsync());
        Task receive = subject.Socket.TakeAsync();
        await subject.Peer.SendFrameAsync(Pong, 1);
        await first.InTime();
        Assert.False(second.IsCompleted);
        await subject.Peer.SendCloseAsync(1000);
        await receive;
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => second.InTime());
    }

    [Fact]
    public async Task The_event_loop_answers()
    {
        var handler = TestHandler.Echo();
        await using TestServer server = TestServer.Start(handler);
        using WebSocketConnection connection = await WebSocketClient.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws"), new WebSocketClientOptions()).InTime();
        Task receive = connection.TakeAsync();
        for (int i = 0; i < 100; i++) Assert.InRange(await connection.PingAsync().InTime(), TimeSpan.Zero, Eventually.Deadline);
        await connection.ShutAsync();
        await receive;
    }

    private static async Task ReadPingAsync(Subject subject, byte[] payload)
    {
        (int first, byte[] actual) = await subject.Peer.ReadFrameAsync();
        Assert.Equal(Ping, first);
        Assert.Equal(payload, actual);
    }
}
