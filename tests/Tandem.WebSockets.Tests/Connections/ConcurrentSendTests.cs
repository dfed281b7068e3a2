using System.Buffers.Binary;
using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Sends at once, which the BCL forbids and ours queues.</summary>
public sealed class ConcurrentSendTests
{
    private static readonly WebSocketConnectionOptions Options = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };

    [Theory]
    [InlineData(WebSocketRole.Server, Transport.Memory)]
    [InlineData(WebSocketRole.Client, Transport.Memory)]
    [InlineData(WebSocketRole.Server, Transport.Tcp)]
    [InlineData(WebSocketRole.Client, Transport.Tcp)]
    public async Task Of_64_senders_at_once_each_keeps_its_order_and_nothing_is_lost_or_doubled(WebSocketRole role, Transport transport)
    {
        const int senders = 64;
        const int messages = 2000;
        (Stream left, Stream right) = await Subject.StreamsAsync(transport);
        WebSocketRole other = role == WebSocketRole.Server ? WebSocketRole.Client : WebSocketRole.Server;
        using var sender = new WebSocketConnection(left, Options with { Role = role });
        using var receiver = new WebSocketConnection(right, Options with { Role = other });
        Task[] sends = [.. Enumerable.Range(0, senders).Select(id => Task.Run(() => SendAsync(sender, id, messages)))];

        int[] next = new int[senders];
        byte[] buffer = new byte[40_000];
        for (int i = 0; i < senders * messages; i++)
        {
            ValueWebSocketReceiveResult result = await receiver.ReceiveAsync(buffer.AsMemory(), default).AsTask().InTime();
            Assert.True(result.EndOfMessage);
            int id = BinaryPrimitives.ReadInt32LittleEndian(buffer);
            Assert.Equal(next[id]++, BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(4)));
            Assert.Equal(LengthOf(id, next[id] - 1), result.Count);
        }

        await Task.WhenAll(sends).InTime();
        Assert.All(next, count => Assert.Equal(messages, count));
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public async Task A_million_messages_of_64_senders_over_TCP_keep_the_order_of_each_sender_and_none_is_lost_or_doubled(WebSocketRole role)
    {
        const int senders = 64;
        const int each = 15_625;
        (Stream left, Stream right) = await Subject.StreamsAsync(Transport.Tcp);
        WebSocketRole other = role == WebSocketRole.Server ? WebSocketRole.Client : WebSocketRole.Server;
        using var sender = new WebSocketConnection(left, Options with { Role = role });
        using var receiver = new WebSocketConnection(right, Options with { Role = other });
        Task[] sends = [.. Enumerable.Range(0, senders).Select(id => Task.Run(async () =>
        {
            byte[] message = new byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(message, id);
            for (int i = 0; i < each; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), i);
                await sender.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, default);
            }
        }))];
        int[] next = new int[senders];
        int wrong = 0;
        await Task.Run(async () =>
        {
            byte[] buffer = new byte[16];
            for (int i = 0; i < senders * each; i++)
            {
                ValueWebSocketReceiveResult result = await receiver.ReceiveAsync(buffer.AsMemory(), default);
                int id = BinaryPrimitives.ReadInt32LittleEndian(buffer);
                if (result.Count != 8 || !result.EndOfMessage || next[id]++ != BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(4))) wrong++;
            }

            await Task.WhenAll(sends);
            await sender.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
            Assert.Equal(WebSocketMessageType.Close, (await receiver.ReceiveAsync(buffer.AsMemory(), default)).MessageType); // nothing behind them
        }).WaitAsync(TimeSpan.FromMinutes(2)); // many seconds where many others run
        Assert.Equal(0, wrong);
        Assert.All(next, count => Assert.Equal(each, count));
    }

    [Fact]
    public async Task What_is_sent_while_a_write_is_on_its_way_leaves_with_the_next_one()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task first = subject.Socket.PutAsync("0");
        Task[] others = [.. Enumerable.Range(1, 100).Select(i => subject.Socket.PutAsync($"{i}"))];
        Assert.Equal(1, stream.Writes);
        Assert.DoesNotContain(others, task => task.IsCompleted);
        stream.Resume();
        await first;
        await Task.WhenAll(others);
        Assert.Equal(2, stream.Writes);
        for (int i = 0; i <= 100; i++) Assert.Equal($"{i}", System.Text.Encoding.UTF8.GetString((await subject.Peer.ReadFrameAsync()).Payload));
    }

    [Fact]
    public async Task Each_send_has_its_own_result()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        using var source = new CancellationTokenSource();
        Task first = subject.Socket.PutAsync("first");
        Task cancelled = subject.Socket.PutAsync("cancelled", true, source.Token);
        Task last = subject.Socket.PutAsync("last");
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        stream.Resume();
        await Task.WhenAll(first, last);
        Assert.Equal("first"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
        Assert.Equal("last"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
    }

    [Fact]
    public async Task A_fragment_that_is_cancelled_in_the_queue_aborts_because_the_rest_would_make_no_sense()
    {
        using Subject subject = Subject.Create(Options);
        ((DuplexStream)subject.Own).Stall();
        using var source = new CancellationTokenSource();
        Task first = subject.Socket.PutAsync("whole");
        Task fragment = subject.Socket.PutAsync("fragment", endOfMessage: false, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fragment);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
    }

    [Fact]
    public async Task A_cancellation_after_the_write_comes_too_late_to_harm()
    {
        using Subject subject = Subject.Create(Options);
        using var source = new CancellationTokenSource();
        ValueTask send = subject.Socket.SendAsync(new byte[1].AsMemory(), WebSocketMessageType.Binary, true, source.Token);
        Assert.Equal(0x82, (await subject.Peer.ReadFrameAsync()).FirstByte);
        await source.CancelAsync();
        await send.InTime();
        Assert.Equal(WebSocketState.Open, subject.Socket.State);
    }

    [Fact]
    public async Task A_failing_write_fails_everything_that_waits_behind_it()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task[] sends = [.. Enumerable.Range(0, 10).Select(i => subject.Socket.PutAsync($"{i}"))];
        subject.Peer.Dispose();
        stream.Resume();
        foreach (Task send in sends) await Waits.FailsAsync(WebSocketError.ConnectionClosedPrematurely, () => send);
        Assert.Equal(WebSocketState.Aborted, subject.Socket.State);
        Assert.Equal(CloseInitiator.TransportEnd, subject.Ours.CloseCause!.Value.Initiator);
    }

    [Fact]
    public async Task A_close_frame_goes_behind_what_was_sent_before_it()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task first = subject.Socket.PutAsync("1");
        Task second = subject.Socket.PutAsync("2");
        Task close = subject.Socket.ShutOutputAsync(1001);
        await Waits.FailsAsync(WebSocketError.InvalidState, () => subject.Socket.PutAsync("3"));
        stream.Resume();
        await Task.WhenAll(first, second, close);
        Assert.Equal("1"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
        Assert.Equal("2"u8.ToArray(), (await subject.Peer.ReadFrameAsync()).Payload);
        Assert.Equal(1001, await subject.Peer.ReadCloseCodeAsync());
    }

    [Fact]
    public async Task Of_pings_that_cannot_be_answered_yet_the_latest_is()
    {
        using Subject subject = Subject.Create(Options);
        var stream = (DuplexStream)subject.Own;
        stream.Stall();
        Task send = subject.Socket.PutAsync("x");
        Task receive = subject.Socket.TakeAsync();
        for (byte i = 0; i < 100; i++) await subject.Peer.SendFrameAsync(0x89, i);
        await subject.Peer.SendFrameAsync(0x82, 1);
        await receive;
        stream.Resume();
        await send;
        Assert.Equal(0x81, (await subject.Peer.ReadFrameAsync()).FirstByte);
        (int first, byte[] payload) = await subject.Peer.ReadFrameAsync();
        Assert.Equal((0x8A, 99), (first, payload.Single()));
    }

    private static async Task SendAsync(WebSocketConnection connection, int id, int messages)
    {
        for (int i = 0; i < messages; i++)
        {
            byte[] message = new byte[LengthOf(id, i)];
            BinaryPrimitives.WriteInt32LittleEndian(message, id);
            BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), i);
            await connection.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, default);
        }
    }

    // Small ones, and now and then one that is not copied.
    private static int LengthOf(int id, int i) => (i + id) % 200 == 0 ? 20_000 + id : 8 + (i % 100);
}
