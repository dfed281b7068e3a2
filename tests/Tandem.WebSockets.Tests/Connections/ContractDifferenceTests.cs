using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using static System.Net.WebSockets.WebSocketMessageType;
using static Tandem.WebSockets.Tests.Connections.Waits;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Where ours differs from the BCL's on purpose: each entry of docs/websocket-contract.md, with both behaviours.</summary>
public sealed class ContractDifferenceTests
{
    private const WebSocketRole Server = WebSocketRole.Server;

    public static TheoryData<Maker> Makers => [Maker.Bcl, Maker.Tandem];

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_second_receive_at_once(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        Task<ValueWebSocketReceiveResult> first = subject.Socket.TakeAsync();
        Task<ValueWebSocketReceiveResult> second = subject.Socket.TakeAsync();
        if (maker == Maker.Tandem) await Assert.ThrowsAsync<InvalidOperationException>(() => second);
        else Assert.False(second.IsCompleted);
        await subject.Peer.SendFrameAsync(0x81, 65);
        (await first).Is(1, Text, true);
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_receive_while_CloseAsync_waits(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        Task close = subject.Socket.ShutAsync();
        Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
        await UntilAsync(() => subject.Socket.State == WebSocketState.CloseSent);
        Task<ValueWebSocketReceiveResult> receive = subject.Socket.TakeAsync();
        await subject.Peer.SendCloseAsync(1000);
        await close;
        if (maker == Maker.Tandem) (await receive).Is(0, Close, true);
        else await Assert.ThrowsAnyAsync<Exception>(() => receive);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task An_empty_close_code_on_the_wire(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Socket.ShutOutputAsync((int)WebSocketCloseStatus.Empty);
        byte[] payload = (await subject.Peer.ReadFrameAsync()).Payload;
        Assert.Equal(maker == Maker.Tandem ? [] : [0x03, 0xED], payload); // 1005 "MUST NOT be set in a close frame" (section 7.4.1)
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task Reserved_close_codes(Maker maker)
    {
        foreach (int code in (int[])[-1, 1004, 1016, 2999, 5000])
        {
            using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
            if (maker == Maker.Tandem) await Assert.ThrowsAsync<ArgumentException>(() => subject.Socket.ShutOutputAsync(code));
            else await subject.Socket.ShutOutputAsync(code);
        }
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_length_in_a_longer_form_than_it_needs(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Peer.SendAsync(0x82, 0xFE, 0, 1, 0, 0, 0, 0, 65); // section 5.2: "the minimal number of bytes MUST be used"
        if (maker == Maker.Tandem) await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
        else (await subject.Socket.TakeAsync()).Is(1, Binary, true);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task When_an_unmasked_frame_is_refused(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        Task receive = subject.Socket.TakeAsync();
        await subject.Peer.SendAsync(0x82, 1); // the second byte says it; the BCL waits for the masking key that does not come
        if (maker == Maker.Bcl)
        {
            await subject.Peer.SendAsync(1, 2, 3, 4);
        }

        await FailsAsync(WebSocketError.Faulted, () => receive);
        Assert.Equal(1002, await subject.Peer.ReadCloseCodeAsync());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task When_text_that_is_not_UTF8_is_refused(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Peer.SendFrameAsync(0x81, 65, 66, 0xFF);
        if (maker == Maker.Bcl) (await subject.Socket.TakeAsync(2)).Is(2, Text, false); // what comes before the wrong byte
        await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync(2));
        Assert.Equal(1007, await subject.Peer.ReadCloseCodeAsync());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task Text_that_an_empty_fragment_ends_within_a_code_point(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Peer.SendFrameAsync(0x01, 0xE2, 0x82);
        await subject.Peer.SendFrameAsync(0x80);
        (await subject.Socket.TakeAsync(10)).Is(2, Text, false);
        if (maker == Maker.Bcl) (await subject.Socket.TakeAsync(10)).Is(0, Text, true);
        else await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync(10));
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_close_frame_that_breaks_off_after_this_ends(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Socket.ShutOutputAsync();
        await subject.Peer.SendAsync(subject.Peer.Frame(0x88, 3, 0xE8)[..^1]);
        subject.Peer.Dispose();
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => subject.Socket.TakeAsync());
        Assert.Equal(maker == Maker.Tandem ? WebSocketState.Aborted : WebSocketState.Closed, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task CloseOutputAsync_when_half_of_the_peers_close_frame_has_come(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        byte[] close = subject.Peer.Frame(0x88, 3, 0xE9);
        Task receive = subject.Socket.TakeAsync();
        await subject.Peer.SendAsync(close[..^1]);
        if (maker == Maker.Bcl) await Eventually.Equal(WebSocketState.CloseReceived, () => subject.Socket.State, "State");
        await subject.Socket.ShutOutputAsync();
        Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
        if (maker == Maker.Bcl)
        {
            Assert.Equal(WebSocketState.Closed, subject.Socket.State);
            await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => receive);
            Assert.Null(subject.Socket.CloseStatus);
            return;
        }

        Assert.Equal(WebSocketState.CloseSent, subject.Socket.State);
        await subject.Peer.SendAsync(close[^1..]);
        await receive;
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, subject.Socket.CloseStatus);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_ping_after_this_ends_close_frame(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Socket.ShutOutputAsync();
        Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
        await subject.Peer.SendFrameAsync(0x89, 65);
        await subject.Peer.SendFrameAsync(0x82, 1); // the receive that comes by the ping ends with this
        (await subject.Socket.TakeAsync()).Is(1, Binary, true);
        if (maker == Maker.Bcl) Assert.Equal(0x8A, (await subject.Peer.ReadFrameAsync()).FirstByte);
        subject.Socket.Dispose();
        Assert.True(await subject.Peer.IsEndedAsync());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task CloseAsync_beside_a_receive_that_fails(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        Task receive = subject.Socket.TakeAsync();
        Task close = subject.Socket.ShutAsync();
        Assert.Equal(1000, await subject.Peer.ReadCloseCodeAsync());
        subject.Peer.Dispose();
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => receive);
        if (maker == Maker.Tandem) await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => close);
        else await Assert.ThrowsAnyAsync<OperationCanceledException>(() => close);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task The_token_of_a_cancelled_receive(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        using var source = new CancellationTokenSource();
        Task receive = subject.Socket.TakeAsync(100, source.Token);
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive);
        // With the BCL's it depends on whether the stream itself looks at the token; this one does not.
        Assert.Equal(maker == Maker.Tandem ? source.Token : default, exception.CancellationToken);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_broken_close_frame(Maker maker)
    {
        foreach ((byte[] payload, int ours, int theirs) in ((byte[], int, int)[])[([3], 1002, 1002), ([3, 0xEE], 1002, 1002), ([3, 0xE8, 0xFF], 1007, 1002)])
        {
            using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
            await subject.Peer.SendFrameAsync(0x88, payload);
            await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
            Assert.Equal(maker == Maker.Tandem ? WebSocketState.Aborted : WebSocketState.Closed, subject.Socket.State);
            Assert.Equal(maker == Maker.Tandem ? ours : theirs, await subject.Peer.ReadCloseCodeAsync());
        }
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_send_that_fails(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        subject.Peer.Dispose();
        await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => subject.Socket.PutAsync("x"));
        Assert.Equal(maker == Maker.Tandem ? WebSocketState.Aborted : WebSocketState.Open, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task The_state_while_a_close_frame_is_being_written(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task close = subject.Socket.ShutOutputAsync();
        Assert.Equal(maker == Maker.Tandem ? WebSocketState.CloseSent : WebSocketState.Open, subject.Socket.State);
        stream.Resume();
        await close;
        Assert.Equal(WebSocketState.CloseSent, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task The_end_of_the_stream_when_a_server_receives_the_answer_to_its_close(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Socket.ShutOutputAsync();
        await subject.Peer.SendCloseAsync(1000);
        (await subject.Socket.TakeAsync()).Is(0, Close, true);
        Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        Assert.Equal(maker == Maker.Tandem, ((DuplexStream)subject.Own).IsDisposed);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_lone_surrogate_in_a_close_reason(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        if (maker == Maker.Bcl)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => subject.Socket.ShutOutputAsync(1000, "\ud800"));
            return;
        }

        await subject.Socket.ShutOutputAsync(1000, "\ud800");
        Assert.Equal([0x03, 0xE8, 0xEF, 0xBF, 0xBD], (await subject.Peer.ReadFrameAsync()).Payload); // U+FFFD, as .NET's UTF-8 writes it
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task What_an_exception_knows(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Peer.SendFrameAsync(0x83);
        WebSocketException exception = await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
        if (maker == Maker.Bcl)
        {
            Assert.Null(exception.InnerException);
            return;
        }

        var ended = Assert.IsType<ConnectionEndedException>(exception.InnerException);
        Assert.Equal(ProtocolFault.ReservedOpcode, ended.Cause.Fault);
        Assert.Equal(subject.Ours.CloseCause, ended.Cause);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_cancelled_fragment_behind_another_send(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        ((DuplexStream)subject.Own).Stall();
        using var source = new CancellationTokenSource();
        Task first = subject.Socket.PutAsync("whole");
        Task fragment = subject.Socket.PutAsync("fragment", endOfMessage: false, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fragment);
        Assert.Equal(maker == Maker.Tandem ? WebSocketState.Aborted : WebSocketState.Open, subject.Socket.State);
        subject.Socket.Abort();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_message_of_more_fragments_than_131_072(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        const int most = 131_072;
        byte[] empty = subject.Peer.Frame(0x00);
        await subject.Peer.SendAsync([.. subject.Peer.Frame(0x02), .. Enumerable.Repeat(empty, most - 1).SelectMany(frame => frame)]);
        for (int i = 0; i < most; i++) (await subject.Socket.TakeAsync()).Is(0, Binary, false);
        await subject.Peer.SendFrameAsync(0x80);
        if (maker == Maker.Bcl)
        {
            (await subject.Socket.TakeAsync()).Is(0, Binary, true);
            return;
        }

        await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
        Assert.Equal(1008, await subject.Peer.ReadCloseCodeAsync());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task The_reason_of_the_close_frame_after_a_violation(Maker maker)
    {
        using Subject subject = await Subject.CreateAsync(maker, Server, Transport.Memory);
        await subject.Peer.SendFrameAsync(0x83);
        await FailsAsync(WebSocketError.Faulted, () => subject.Socket.TakeAsync());
        byte[] reason = (await subject.Peer.ReadFrameAsync()).Payload[2..];
        Assert.Equal(maker == Maker.Tandem ? ProtocolFault.ReservedOpcode.Text() : "", System.Text.Encoding.UTF8.GetString(reason));
    }
}
