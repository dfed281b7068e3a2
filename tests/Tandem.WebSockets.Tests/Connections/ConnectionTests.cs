using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>What only ours has: bytes from the handshake, causes, odd streams, options.</summary>
public sealed class ConnectionTests
{
    private static readonly WebSocketConnectionOptions Options = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };

    [Fact]
    public async Task Bytes_that_came_behind_the_handshake_are_received_first()
    {
        (DuplexStream own, DuplexStream peer) = DuplexStream.Pair();
        using var raw = new RawPeer(peer, WebSocketRole.Server);
        byte[] frames = [.. raw.Frame(0x81, "one"u8.ToArray()), .. raw.Frame(0x82, new byte[70_000])];
        using var connection = new WebSocketConnection(own, Options, frames.AsSpan(0, 30_000));
        await raw.SendAsync(frames[30_000..]);
        (await connection.TakeAsync()).Is(3, WebSocketMessageType.Text, true);
        (await connection.TakeAsync(70_000)).Is(70_000, WebSocketMessageType.Binary, true);
    }

    [Theory]
    [InlineData(WebSocketRole.Server, StreamTraits.OneByteReads)]
    [InlineData(WebSocketRole.Client, StreamTraits.OneByteReads)]
    [InlineData(WebSocketRole.Server, StreamTraits.AsynchronousWrites)]
    [InlineData(WebSocketRole.Client, StreamTraits.AsynchronousWrites)]
    [InlineData(WebSocketRole.Server, StreamTraits.OneByteReads | StreamTraits.AsynchronousWrites)]
    public async Task Any_stream_will_do(WebSocketRole role, StreamTraits traits)
    {
        using Subject subject = Subject.Create(Options with { Role = role }, traits);
        foreach (int length in (int[])[0, 1, 126, 5000, 20_000, 70_000])
        {
            byte[] message = new byte[length];
            Random.Shared.NextBytes(message);
            await subject.Peer.SendFrameAsync(0x89, 7);
            await subject.Peer.SendFrameAsync(0x82, message);
            byte[] buffer = new byte[length + 1];
            ValueWebSocketReceiveResult result = await subject.Socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().InTime();
            result.Is(length, WebSocketMessageType.Binary, true);
            Assert.True(message.AsSpan().SequenceEqual(buffer.AsSpan(0, length)));
            await subject.Socket.SendAsync(buffer.AsMemory(0, length), WebSocketMessageType.Binary, true, default).InTime();
            Assert.Equal(0x8A, (await subject.Peer.ReadFrameAsync()).FirstByte);
            (_, byte[] echo) = await subject.Peer.ReadFrameAsync();
            Assert.True(message.AsSpan().SequenceEqual(echo));
        }

        Task close = subject.Socket.ShutAsync();
        Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
        await subject.Peer.SendCloseAsync(1000);
        subject.Peer.Dispose();
        await close;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task A_cancelled_receive_aborts_also_where_the_stream_ends_it_first(int size)
    {
        for (int i = 0; i < 100; i++)
        {
            using Subject subject = Subject.Create(Options, StreamTraits.CancellableReads);
            using var source = new CancellationTokenSource();
            Task receive = subject.Socket.TakeAsync(size, source.Token);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive);
            Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        }
    }

    [Fact]
    public async Task The_cause_says_who_closed_first_and_how()
    {
        using (Subject subject = Subject.Create(Options))
        {
            Assert.Null(subject.Ours.CloseCause);
            Task close = subject.Socket.ShutAsync(4001, "ours");
            await subject.Peer.SendCloseAsync(1001, "theirs");
            await close;
            Assert.Equal(new CloseCause(CloseInitiator.Local, (WebSocketCloseStatus)4001, "ours", ProtocolFault.None), subject.Ours.CloseCause);
        }

        using (Subject subject = Subject.Create(Options))
        {
            await subject.Peer.SendFrameAsync(0x88);
            await subject.Socket.TakeAsync();
            await subject.Socket.ShutOutputAsync();
            Assert.Equal(new CloseCause(CloseInitiator.Peer, WebSocketCloseStatus.Empty, "", ProtocolFault.None), subject.Ours.CloseCause);
        }

        using (Subject subject = Subject.Create(Options))
        {
            await subject.Socket.ShutOutputAsync();
            subject.Peer.Dispose();
            WebSocketException exception = await Waits.FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => subject.Socket.TakeAsync());
            Assert.Equal(CloseInitiator.TransportEnd, Assert.IsType<ConnectionEndedException>(exception.InnerException).Cause.Initiator);
        }

        using (Subject subject = Subject.Create(Options))
        {
            subject.Socket.Abort();
            Assert.Equal((CloseInitiator.Local, CloseCause.Abnormal), (subject.Ours.CloseCause!.Value.Initiator, subject.Ours.CloseCause!.Value.Status));
        }
    }

    [Fact]
    public async Task A_receive_takes_over_from_a_waiting_CloseAsync_between_two_frames()
    {
        for (int i = 0; i < 100; i++)
        {
            using Subject subject = Subject.Create(Options);
            Task close = subject.Socket.ShutAsync();
            Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
            Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync();
            await subject.Peer.SendFrameAsync(0x82, 1, 2, 3);
            await subject.Peer.SendFrameAsync(0x82, 4, 5);
            await subject.Peer.SendCloseAsync(1000);
            // Who of the two comes first between the frames is open; whatever the receive gets makes sense, and the close ends.
            ValueWebSocketReceiveResult result = await receive;
            Assert.True((result.Count, result.MessageType) is (2, WebSocketMessageType.Binary) or (0, WebSocketMessageType.Close));
            await close;
            Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        }
    }

    [Fact]
    public async Task A_code_without_a_frame_body_is_sent_for_Empty()
    {
        using Subject subject = Subject.Create(Options);
        await subject.Socket.ShutOutputAsync((int)WebSocketCloseStatus.Empty);
        Assert.Equal(1005, await subject.Peer.ReadCloseCodeAsync());
    }

    [Fact]
    public async Task A_close_frame_that_the_peer_does_not_take_does_not_keep_the_stream()
    {
        var clock = new ManualClock();
        using Subject subject = Subject.Create(Options with { TimeProvider = clock });
        await subject.Peer.SendCloseAsync(1000);
        await subject.Socket.TakeAsync();
        ((DuplexStream)subject.Own).Stall();
        Task close = subject.Socket.ShutOutputAsync();
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        clock.Advance(30);
        await Waits.FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => close);
        Assert.True(((DuplexStream)subject.Own).IsDisposed);
    }

    [Fact]
    public void Options_are_checked()
    {
        foreach (WebSocketConnectionOptions options in (WebSocketConnectionOptions[])
        [
            Options with { Role = (WebSocketRole)2 }, Options with { Subprotocol = "" }, Options with { MaxMessageSize = -1 }, Options with { MaxFragments = 0 },
            Options with { Deflate = default(DeflateParameters) }, Options with { Deflate = new DeflateParameters(false, false, 15, 16) },
            Options with { ReceiveBufferSize = 1023 }, Options with { ReceiveBufferSize = (1 << 20) + 1 }, Options with { TimeProvider = null! },
            Options with { KeepAliveInterval = TimeSpan.Zero }, Options with { KeepAliveTimeout = TimeSpan.FromSeconds(-2) },
            Options with { CloseTimeout = TimeSpan.FromDays(50) },
        ])
        {
            Assert.Throws<ArgumentException>(() => Subject.Create(options));
        }

        Assert.Throws<ArgumentNullException>("options", () => Subject.Create(null!));
    }
}
