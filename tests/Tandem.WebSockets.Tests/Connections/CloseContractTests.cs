using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using static System.Net.WebSockets.WebSocketMessageType;
using static Tandem.WebSockets.Tests.Connections.Waits;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Closing, aborting and disposing, as consumers of the BCL's WebSocket know them.</summary>
public sealed class CloseContractTests : Contract
{
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CloseAsync_waits_for_the_answer_and_discards_what_comes_before_it(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task close = subject.Socket.ShutAsync(1000, "bye");
        (int first, byte[] payload) = await subject.Peer.ReadFrameAsync();
        Assert.Equal(0x88, first);
        Assert.Equal([3, 0xE8, .. "bye"u8], payload);
        Assert.Equal(WebSocketState.CloseSent, subject.Socket.State);
        await subject.Peer.SendFrameAsync(0x81, 65);
        await subject.Peer.SendFrameAsync(0x82, new byte[10_000]);
        Assert.False(close.IsCompleted);
        await subject.Peer.SendCloseAsync(1001, "too");
        if (role == WebSocketRole.Client) subject.Peer.Dispose(); // the server ends TCP first
        await close;
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        Assert.Equal((WebSocketCloseStatus.EndpointUnavailable, "too"), (subject.Socket.CloseStatus!.Value, subject.Socket.CloseStatusDescription));
        if (role == WebSocketRole.Server) Assert.True(await subject.Peer.IsEndedAsync());
        await AllInvalidAsync(subject.Socket);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CloseAsync_leaves_data_and_answer_to_a_pending_receive(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync();
        Task close = subject.Socket.ShutAsync();
        await subject.Peer.SendCloseAsync(1000);
        if (role == WebSocketRole.Client) subject.Peer.Dispose();
        (await receive).Is(0, Close, true);
        await close;
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CloseAsync_goes_on_where_a_pending_receive_got_data(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync();
        Task close = subject.Socket.ShutAsync();
        await subject.Peer.SendFrameAsync(0x81, 65);
        (await receive).Is(1, Text, true);
        await subject.Peer.SendCloseAsync(1000);
        if (role == WebSocketRole.Client) subject.Peer.Dispose();
        await close;
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CloseOutputAsync_ends_sending_and_receiving_goes_on(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Socket.ShutOutputAsync(3000, "done");
        Assert.Equal(WebSocketState.CloseSent, subject.Socket.State);
        Assert.Equal(3000, await subject.Peer.ReadCloseCodeAsync());
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.PutAsync("x"));
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.ShutOutputAsync());
        await subject.Peer.SendFrameAsync(0x81, 65);
        (await subject.Socket.TakeAsync()).Is(1, Text, true);
        Assert.Equal(WebSocketState.CloseSent, subject.Socket.State);
        await subject.Peer.SendCloseAsync(1000);
        if (role == WebSocketRole.Client) subject.Peer.Dispose();
        (await subject.Socket.TakeAsync()).Is(0, Close, true);
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        await FailsAsync(WebSocketError.InvalidState, () => subject.Socket.TakeAsync());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CloseAsync_after_CloseOutputAsync_only_waits(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Socket.ShutOutputAsync(3000);
        Task close = subject.Socket.ShutAsync(4000);
        Assert.Equal(3000, await subject.Peer.ReadCloseCodeAsync());
        await subject.Peer.SendCloseAsync(1000);
        if (role == WebSocketRole.Client) subject.Peer.Dispose();
        await close;
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_application_answers_a_close_with_either_method(Maker maker, WebSocketRole role, Transport transport)
    {
        foreach (bool output in (bool[])[true, false])
        {
            using Subject subject = await Subject.CreateAsync(maker, role, transport);
            await subject.Peer.SendCloseAsync(1000);
            (await subject.Socket.TakeAsync()).Is(0, Close, true);
            Task close = output ? subject.Socket.ShutOutputAsync(1001) : subject.Socket.ShutAsync(1001);
            Assert.Equal(1001, await subject.Peer.ReadCloseCodeAsync());
            if (role == WebSocketRole.Client) subject.Peer.Dispose();
            await close;
            Assert.Equal(WebSocketState.Closed, subject.Socket.State);
            if (role == WebSocketRole.Server) Assert.True(await subject.Peer.IsEndedAsync());
            await AllInvalidAsync(subject.Socket);
            subject.Socket.Abort();
            Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CloseAsync_fails_when_the_transport_ends_first(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task close = subject.Socket.ShutAsync();
        Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
        subject.Peer.Dispose();
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => close);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_cancelled_CloseAsync_aborts_and_takes_a_pending_receive_with_it(Maker maker, WebSocketRole role, Transport transport)
    {
        foreach (bool receives in (bool[])[false, true])
        {
            using Subject subject = await Subject.CreateAsync(maker, role, transport);
            Task receive = receives ? subject.Socket.TakeAsync() : Task.CompletedTask;
            using var source = new CancellationTokenSource();
            Task close = subject.Socket.ShutAsync(1000, null, source.Token);
            Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
            await UntilAsync(() => subject.Socket.State == WebSocketState.CloseSent);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => close);
            if (receives) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive);
            Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Abort_unblocks_a_pending_receive(Maker maker, WebSocketRole role, Transport transport)
    {
        foreach (int size in (int[])[0, 100])
        {
            using Subject subject = await Subject.CreateAsync(maker, role, transport);
            Task receive = subject.Socket.TakeAsync(size);
            subject.Socket.Abort();
            OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive);
            Assert.False(exception.CancellationToken.IsCancellationRequested);
            Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
            Assert.True(await subject.Peer.IsEndedAsync());
            await AllInvalidAsync(subject.Socket);
            subject.Socket.Dispose();
            Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Dispose_fails_a_pending_receive_and_leaves_Closed(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task receive = subject.Socket.TakeAsync();
        subject.Socket.Dispose();
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => receive);
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        Assert.True(await subject.Peer.IsEndedAsync());
        await AllInvalidAsync(subject.Socket);
        subject.Socket.Dispose();
        subject.Socket.Abort();
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Dispose_without_an_answer_to_a_close_leaves_Closed(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Peer.SendCloseAsync(1000);
        (await subject.Socket.TakeAsync()).Is(0, Close, true);
        subject.Socket.Dispose();
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, subject.Socket.CloseStatus);
    }

    private static async Task AllInvalidAsync(WebSocket socket)
    {
        await FailsAsync(WebSocketError.InvalidState, () => socket.TakeAsync());
        await FailsAsync(WebSocketError.InvalidState, () => socket.PutAsync("x"));
        await FailsAsync(WebSocketError.InvalidState, () => socket.ShutAsync());
        await FailsAsync(WebSocketError.InvalidState, () => socket.ShutOutputAsync());
    }
}
