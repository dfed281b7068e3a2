using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using static Tandem.WebSockets.Tests.Connections.Waits;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Sending, as consumers of the BCL's WebSocket know it.</summary>
public sealed class SendContractTests : Contract
{
    // More than loopback TCP holds when nobody reads.
    private const int Unsendable = 64 * 1024 * 1024;

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Messages_of_all_length_forms_arrive(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        foreach (int length in (int[])[0, 1, 125, 126, 16384, 16385, 65535, 65536, 200_000])
        {
            byte[] payload = new byte[length];
            Random.Shared.NextBytes(payload);
            byte[] before = [.. payload];
            Task send = subject.Socket.SendAsync(new ArraySegment<byte>(payload), WebSocketMessageType.Binary, true, default);
            (int first, byte[] arrived) = await subject.Peer.ReadFrameAsync();
            await send.InTime();
            Assert.Equal(0x82, first);
            Assert.True(before.AsSpan().SequenceEqual(arrived));
            Assert.True(before.AsSpan().SequenceEqual(payload)); // masking must not touch the caller's
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_message_is_sent_in_parts(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        await subject.Socket.PutAsync("a", endOfMessage: false);
        await subject.Socket.SendAsync("b"u8.ToArray().AsMemory(), WebSocketMessageType.Binary, WebSocketMessageFlags.None, default).InTime();
        await subject.Socket.PutAsync("c");
        await subject.Socket.PutAsync("d");
        Assert.Equal(0x01, (await subject.Peer.ReadFrameAsync()).FirstByte);
        Assert.Equal(0x00, (await subject.Peer.ReadFrameAsync()).FirstByte); // the type of what continues a message is not looked at
        Assert.Equal(0x80, (await subject.Peer.ReadFrameAsync()).FirstByte);
        Assert.Equal(0x81, (await subject.Peer.ReadFrameAsync()).FirstByte);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_send_that_is_cancelled_before_it_begins_harms_nobody(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        var cancelled = new CancellationToken(true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subject.Socket.PutAsync("x", true, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subject.Socket.ShutOutputAsync(1000, null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subject.Socket.ShutAsync(1000, null, cancelled));
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
        await subject.Socket.PutAsync("y");
        Assert.Equal("y"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_send_that_is_cancelled_on_its_way_aborts_the_connection(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        using var source = new CancellationTokenSource();
        Task send = BeginUnsendable(subject, source.Token);
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.InTime());
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_send_that_is_cancelled_behind_another_harms_nobody(Maker maker, WebSocketRole role, Transport transport)
    {
        using Subject subject = await Subject.CreateAsync(maker, role, transport);
        Task first = BeginUnsendable(subject, default);
        using var source = new CancellationTokenSource();
        Task second = subject.Socket.PutAsync("x", true, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
        Assert.False(first.IsCompleted);
        subject.Socket.Abort();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.InTime());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Abort_and_Dispose_end_a_pending_send(Maker maker, WebSocketRole role, Transport transport)
    {
        using (Subject subject = await Subject.CreateAsync(maker, role, transport))
        {
            Task send = BeginUnsendable(subject, default);
            subject.Socket.Abort();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.InTime());
            Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        }

        using (Subject subject = await Subject.CreateAsync(maker, role, transport))
        {
            Task send = BeginUnsendable(subject, default);
            subject.Socket.Dispose();
            await FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => send.InTime());
            Assert.Equal(WebSocketState.Closed, subject.Socket.State);
        }
    }

    private static Task BeginUnsendable(Subject subject, CancellationToken cancellationToken)
    {
        if (subject.Own is DuplexStream memory) memory.Stall();
        Task send = subject.Socket.SendAsync(new byte[Unsendable].AsMemory(), WebSocketMessageType.Binary, true, cancellationToken).AsTask();
        Assert.False(send.IsCompleted);
        return send;
    }
}
