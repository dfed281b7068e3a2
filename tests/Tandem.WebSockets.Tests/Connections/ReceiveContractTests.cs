using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using static System.Net.WebSockets.WebSocketMessageType;
using static Tandem.WebSockets.Tests.Connections.Waits;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Receiving, as consumers of the BCL's WebSocket know it.</summary>
public sealed class ReceiveContractTests : Contract
{
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_message_is_received_with_its_type(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendFrameAsync(0x81, "hello"u8.ToArray());
        await subject.Peer.SendFrameAsync(0x82, 1, 2);
        byte[] buffer = new byte[10];
        (await subject.Socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().InTime()).Is(5, Text, true);
        Assert.Equal("hello"u8.ToArray(), buffer[..5]);
        WebSocketReceiveResult result = await subject.Socket.ReceiveAsync(new ArraySegment<byte>(buffer, 3, 4), default).InTime();
        Assert.Equal((2, Binary, true, null, null), (result.Count, result.MessageType, result.EndOfMessage, result.CloseStatus, result.CloseStatusDescription));
        Assert.Equal([1, 2], buffer[3..5]);
        Assert.Equal("chat", subject.Socket.SubProtocol);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_small_buffer_takes_a_message_in_parts(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendFrameAsync(0x82, 1, 2, 3, 4, 5);
        (await subject.Socket.TakeAsync(2)).Is(2, Binary, false);
        (await subject.Socket.TakeAsync(2)).Is(2, Binary, false);
        (await subject.Socket.TakeAsync(1)).Is(1, Binary, true);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_receive_fills_its_buffer_as_far_as_the_frame_goes(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        byte[] frame = subject.Peer.Frame(0x82, 1, 2, 3, 4, 5);
        Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync(4);
        foreach (byte b in frame[..^2])
        {
            Assert.False(receive.IsCompleted);
            await subject.Peer.SendAsync(b);
        }

        await subject.Peer.SendAsync(frame[^2..]);
        (await receive).Is(4, Binary, false);
        (await subject.Socket.TakeAsync()).Is(1, Binary, true);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Fragments_are_received_one_by_one(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendFrameAsync(0x01, "ab"u8.ToArray());
        await subject.Peer.SendFrameAsync(0x00);
        await subject.Peer.SendFrameAsync(0x89); // a ping between them
        await subject.Peer.SendFrameAsync(0x80, "c"u8.ToArray());
        (await subject.Socket.TakeAsync()).Is(2, Text, false);
        (await subject.Socket.TakeAsync()).Is(0, Text, false);
        (await subject.Socket.TakeAsync()).Is(1, Text, true);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task An_empty_receive_waits_for_a_frame_and_takes_nothing_of_it(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync(0);
        Assert.False(receive.IsCompleted);
        await subject.Peer.SendFrameAsync(0x81, 65);
        (await receive).Is(0, Text, false);
        (await subject.Socket.TakeAsync(0)).Is(0, Text, false);
        (await subject.Socket.TakeAsync()).Is(1, Text, true);
        await subject.Peer.SendFrameAsync(0x82);
        (await subject.Socket.TakeAsync(0)).Is(0, Binary, true);
        await subject.Peer.SendCloseAsync(1000);
        (await subject.Socket.TakeAsync(0)).Is(0, Close, true);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Pings_are_answered_while_a_receive_is_pending(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync();
        await subject.Peer.SendFrameAsync(0x89, 1, 2, 3);
        (int first, byte[] payload) = await subject.Peer.ReadFrameAsync();
        Assert.Equal(0x8A, first);
        Assert.Equal([1, 2, 3], payload);
        await subject.Peer.SendFrameAsync(0x8A, 9); // an unsolicited pong says nothing to the application
        await subject.Peer.SendFrameAsync(0x81, 65);
        (await receive).Is(1, Text, true);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_close_frame_is_received_and_not_answered(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Assert.Null(subject.Socket.CloseStatus);
        Assert.Null(subject.Socket.CloseStatusDescription);
        await subject.Peer.SendCloseAsync(1001, "away");
        WebSocketReceiveResult result = await subject.Socket.ReceiveAsync(new ArraySegment<byte>(new byte[9]), default).InTime();
        Assert.Equal(
            (0, Close, true, WebSocketCloseStatus.EndpointUnavailable, "away"),
            (result.Count, result.MessageType, result.EndOfMessage, result.CloseStatus!.Value, result.CloseStatusDescription));
        Assert.Equal(WebSocketState.CloseReceived, subject.Socket.State);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, subject.Socket.CloseStatus);
        Assert.Equal("away", subject.Socket.CloseStatusDescription);
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.TakeAsync());
        await subject.Socket.PutAsync("x"); // sending is still allowed, and what comes first at the peer
        Assert.Equal(0x81, (await subject.Peer.ReadFrameAsync()).FirstByte);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_close_frame_without_a_code_reads_as_1000(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendFrameAsync(0x88);
        (await subject.Socket.TakeAsync()).Is(0, Close, true);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, subject.Socket.CloseStatus);
        Assert.Equal("", subject.Socket.CloseStatusDescription);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_end_of_the_transport_fails_a_receive(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task receive = subject.Socket.TakeAsync();
        subject.Peer.Dispose();
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => receive);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.TakeAsync());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_end_of_the_transport_inside_a_frame_fails_a_receive(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendAsync(subject.Peer.Frame(0x82, 1, 2, 3)[..^1]);
        subject.Peer.Dispose();
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => subject.Socket.TakeAsync());
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_cancelled_receive_aborts_the_connection(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        using var source = new CancellationTokenSource();
        Task receive = subject.Socket.TakeAsync(100, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        Assert.True(await subject.Peer.IsEndedAsync());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_receive_that_is_cancelled_before_it_begins_aborts_too(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subject.Socket.TakeAsync(100, new CancellationToken(true)));
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Text_is_refused_as_soon_as_it_cannot_be_UTF8(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendFrameAsync(0x01, 0x61, 0xFF); // not the last fragment
        await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        Assert.Equal(1007, await subject.Peer.ReadCloseCodeAsync());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_violation_is_answered_with_a_close_frame_and_aborts(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendFrameAsync(0x83, 1);
        await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        Assert.Equal(1002, await subject.Peer.ReadCloseCodeAsync());
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.TakeAsync());
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.PutAsync("x"));
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.ShutAsync());
    }
}
