using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Keep-alive (RFC 6455 section 5.5.2) and the deadline of a close, by a clock that the test moves.</summary>
public sealed class KeepAliveTests
{
    private readonly ManualClock _clock = new();

    private WebSocketConnectionOptions Options => new() { TimeProvider = _clock };

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public async Task A_silent_peer_is_pinged_and_then_dropped(WebSocketRole role)
    {
        using Subject subject = Subject.Create(Options with { Role = role });
        Task receive = subject.Socket.TakeAsync();
        _clock.Advance(29.9);
        Assert.Equal(0, ((DuplexStream)subject.Own).Writes);
        _clock.Advance(0.1);
        Assert.Equal(0x89, (await subject.Peer.ReadFrameAsync()).FirstByte);
        _clock.Advance(19.9);
        Assert.False(receive.IsCompleted);
        _clock.Advance(0.1);
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive);
        Assert.Equal(CloseInitiator.Timeout, Assert.IsType<ConnectionEndedException>(exception.InnerException).Cause.Initiator);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        Assert.True(await subject.Peer.IsEndedAsync());
        Assert.Equal(0, _clock.Timers);
    }

    [Fact]
    public async Task A_pong_or_anything_else_from_the_peer_keeps_the_connection()
    {
        using Subject subject = Subject.Create(Options);
        for (int i = 0; i < 5; i++)
        {
            Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync();
            _clock.Advance(30);
            Assert.Equal(0x89, (await subject.Peer.ReadFrameAsync()).FirstByte);
            _clock.Advance(19);
            if (i % 2 == 0) await subject.Peer.SendFrameAsync(0x8A);
            await subject.Peer.SendFrameAsync(0x82, 1);
            (await receive).Is(1, WebSocketMessageType.Binary, true);
        }

        Assert.Equal(WebSocketState.Open, subject.Socket.State);
    }

    [Fact]
    public async Task While_bytes_come_there_are_no_pings()
    {
        using Subject subject = Subject.Create(Options);
        for (int i = 0; i < 20; i++)
        {
            await subject.Peer.SendFrameAsync(0x82, 1);
            await subject.Socket.TakeAsync();
            _clock.Advance(29);
        }

        Assert.Equal(0, ((DuplexStream)subject.Own).Writes);
    }

    [Fact]
    public async Task A_peer_whose_answers_nobody_reads_is_pinged_and_not_dropped()
    {
        using Subject subject = Subject.Create(Options);
        _clock.Advance(300);
        Assert.Equal(0x89, (await subject.Peer.ReadFrameAsync()).FirstByte);
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
        await subject.Peer.SendFrameAsync(0x8A);
        await subject.Peer.SendFrameAsync(0x82, 1);
        (await subject.Socket.TakeAsync()).Is(1, WebSocketMessageType.Binary, true);
        // From here on somebody reads.
        Task receive = subject.Socket.TakeAsync();
        _clock.Advance(70);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive);
    }

    [Fact]
    public async Task Without_a_timeout_pings_go_on()
    {
        using Subject subject = Subject.Create(Options with { KeepAliveTimeout = Timeout.InfiniteTimeSpan });
        Task receive = subject.Socket.TakeAsync();
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(30);
            Assert.Equal(0x89, (await subject.Peer.ReadFrameAsync()).FirstByte);
        }

        Assert.False(receive.IsCompleted);
    }

    [Fact]
    public void Without_an_interval_there_is_no_timer()
    {
        using Subject subject = Subject.Create(Options with { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        Assert.Equal(0, _clock.Timers);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(-1)]
    public async Task A_peer_that_does_not_answer_a_close_is_dropped(int keepAliveSeconds)
    {
        TimeSpan interval = keepAliveSeconds < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(keepAliveSeconds);
        using Subject subject = Subject.Create(Options with { KeepAliveInterval = interval, CloseTimeout = TimeSpan.FromSeconds(7) });
        Task close = subject.Socket.ShutAsync();
        Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
        _clock.Advance(6.9);
        Assert.False(close.IsCompleted);
        _clock.Advance(0.1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => close);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        Assert.Equal(CloseInitiator.Timeout, subject.Ours.CloseCause!.Value.Initiator);
    }

    [Fact]
    public async Task A_client_waits_a_second_for_the_server_to_end_TCP()
    {
        using Subject subject = Subject.Create(Options with { Role = WebSocketRole.Client });
        Task close = subject.Socket.ShutAsync();
        await subject.Peer.SendCloseAsync(1000);
        await Waits.UntilAsync(() => subject.Socket.State == WebSocketState.Closed && _clock.Timers == 2);
        _clock.Advance(0.9);
        Assert.False(close.IsCompleted);
        _clock.Advance(0.1);
        await close;
        Assert.True(((DuplexStream)subject.Own).IsDisposed);
    }

    [Fact]
    public async Task After_a_violation_the_stream_is_let_go_in_time_even_if_nobody_disposes()
    {
        Subject subject = Subject.Create(Options);
        await subject.Peer.SendFrameAsync(0x83);
        await Waits.FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
        Assert.Equal(1002, await subject.Peer.ReadCloseCodeAsync());
        Assert.False(((DuplexStream)subject.Own).IsDisposed);
        _clock.Advance(30);
        Assert.True(((DuplexStream)subject.Own).IsDisposed);
        Assert.Equal(CloseInitiator.ProtocolFault, subject.Ours.CloseCause!.Value.Initiator);
    }
}
