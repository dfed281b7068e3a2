using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>In steady state a message costs no allocation, and an idle connection holds no buffer.</summary>
[Collection(nameof(Alone))]
public sealed class ConnectionAllocationTests
{
    [Theory]
    [InlineData(WebSocketRole.Server, 20)]
    [InlineData(WebSocketRole.Client, 20)]
    [InlineData(WebSocketRole.Server, 100_000)]
    [InlineData(WebSocketRole.Client, 100_000)]
    public void A_message_is_sent_without_allocation(WebSocketRole role, int length)
    {
        SkipInDebugBuilds();
        using var connection = new WebSocketConnection(new RepeatingStream([]), new WebSocketConnectionOptions { Role = role });
        byte[] message = new byte[length];
        using var source = new CancellationTokenSource();
        Assert.Equal(0, InSteadyState(() => Finish(connection.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, default))));
        Assert.Equal(0, InSteadyState(() => Finish(connection.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, source.Token))));
    }

    [Theory]
    [InlineData(WebSocketRole.Server, 20)]
    [InlineData(WebSocketRole.Client, 20)]
    [InlineData(WebSocketRole.Client, 100_000)]
    public void A_message_is_received_without_allocation(WebSocketRole role, int length)
    {
        SkipInDebugBuilds();
        using var raw = new RawPeer(Stream.Null, role);
        using var connection = new WebSocketConnection(new RepeatingStream(raw.Frame(0x82, new byte[length])), new WebSocketConnectionOptions { Role = role });
        byte[] buffer = new byte[length];
        using var source = new CancellationTokenSource();
        Assert.Equal(0, InSteadyState(() => Finish(connection.ReceiveAsync(buffer.AsMemory(), default))));
        Assert.Equal(0, InSteadyState(() => Finish(connection.ReceiveAsync(buffer.AsMemory(), source.Token))));
        Assert.Equal(0, InSteadyState(() => Finish(connection.ReceiveAsync(Memory<byte>.Empty, default))));
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public void Answers_that_gather_cost_no_allocation(WebSocketRole role)
    {
        SkipInDebugBuilds();
        using var raw = new RawPeer(Stream.Null, role);
        byte[] frames = [.. Enumerable.Range(0, 64).SelectMany(_ => raw.Frame(0x82, new byte[20]))];
        using var connection = new WebSocketConnection(new RepeatingStream(frames), new WebSocketConnectionOptions { Role = role });
        byte[] buffer = new byte[100];
        Assert.Equal(0, InSteadyState(() =>
        {
            Finish(connection.ReceiveAsync(buffer.AsMemory(), default));
            ValueTask send = connection.SendAsync(buffer.AsMemory(0, 20), WebSocketMessageType.Binary, true, default);
            while (!send.IsCompleted) Thread.Yield(); // the pool is writing what was gathered so far
            Finish(send);
        }));
    }

    [Theory]
    [InlineData(WebSocketRole.Server, true)]
    [InlineData(WebSocketRole.Client, true)]
    [InlineData(WebSocketRole.Server, false)]
    [InlineData(WebSocketRole.Client, false)]
    public void A_compressed_message_costs_no_allocation_whether_contexts_are_kept_or_not(WebSocketRole role, bool keeps)
    {
        SkipInDebugBuilds();
        byte[] message = new byte[5000];
        using var pool = new DeflaterPool(new DeflateOptions());
        using var deflate = new OutboundDeflate(pool, 15, keepsContext: false); // whoever keeps contexts reads it as well
        Assert.True(deflate.TryCompress(message, endOfMessage: true, out ReadOnlySpan<byte> compressed));
        using var raw = new RawPeer(Stream.Null, role);
        using var connection = new WebSocketConnection(
            new RepeatingStream(raw.Frame(0xC2, compressed.ToArray())),
            new WebSocketConnectionOptions { Role = role, Deflate = new DeflateParameters(!keeps, !keeps, 15, 15) });
        Assert.Equal(0, InSteadyState(() => Finish(connection.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, default))));
        Assert.Equal(0, InSteadyState(() => Finish(connection.ReceiveAsync(message.AsMemory(), default))));
    }

    [Fact]
    public async Task Messages_that_are_waited_for_cost_nothing_either()
    {
        SkipInDebugBuilds();
        (Stream left, Stream right) = await Subject.StreamsAsync(Transport.Tcp);
        using var client = new WebSocketConnection(left, new WebSocketConnectionOptions { Role = WebSocketRole.Client });
        using var server = new WebSocketConnection(right, new WebSocketConnectionOptions());
        Task echo = Task.Run(async () =>
        {
            byte[] buffer = new byte[100];
            while (true)
            {
                ValueWebSocketReceiveResult result = await server.ReceiveAsync(buffer.AsMemory(), default);
                if (result.MessageType == WebSocketMessageType.Close) return;
                await server.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, true, default);
            }
        });
        await Task.Run(async () =>
        {
            const int messages = 2000;
            byte[] buffer = new byte[100];
            long least = long.MaxValue;
            for (int round = 0; round < 8; round++)
            {
                long before = GC.GetTotalAllocatedBytes(precise: true);
                for (int i = 0; i < messages; i++)
                {
                    await client.SendAsync(buffer.AsMemory(0, 20), WebSocketMessageType.Binary, true, default);
                    await client.ReceiveAsync(buffer.AsMemory(), default);
                }

                least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
            }

            // The runtime's own threads allocate now and then; a single object for each message would be 48,000 bytes or more.
            Assert.True(least < messages, $"{least} bytes for {messages} round trips");
        }).InTime();
        await client.ShutOutputAsync();
        await echo.InTime();
    }

    [Fact]
    public async Task An_idle_connection_holds_no_buffer_and_little_memory()
    {
        const int count = 1000;
        var pairs = new (DuplexStream Own, DuplexStream Peer)[count];
        for (int i = 0; i < count; i++) pairs[i] = DuplexStream.Pair();
        var connections = new WebSocketConnection[count];
        var receives = new Task[count];
        byte[] shared = new byte[100];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < count; i++)
        {
            connections[i] = new WebSocketConnection(pairs[i].Own, new WebSocketConnectionOptions());
            receives[i] = connections[i].ReceiveAsync(shared.AsMemory(), default).AsTask();
        }

        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        Assert.True(each < 2500, $"{each} bytes for an idle connection with a pending receive"); // a buffer alone would be 16 KiB
        for (int i = 0; i < count; i++) connections[i].Abort();
        foreach (Task receive in receives) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive.InTime());
        GC.KeepAlive(pairs);
    }

    private static void SkipInDebugBuilds()
    {
#if DEBUG
        Assert.Skip("In a debug build every asynchronous method allocates: its state is a class.");
#endif
    }

    private static void Finish(ValueTask task)
    {
        Assert.True(task.IsCompletedSuccessfully);
        task.GetAwaiter().GetResult();
    }

    private static void Finish(ValueTask<ValueWebSocketReceiveResult> task)
    {
        Assert.True(task.IsCompletedSuccessfully);
        task.GetAwaiter().GetResult();
    }

    private static long InSteadyState(Action act)
    {
        long least = long.MaxValue;
        for (int round = 0; round < 10 && least != 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++) act();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    /// <summary>Gives the same bytes over and over, and takes everything, at once.</summary>
    private sealed class RepeatingStream(byte[] bytes) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = Math.Min(buffer.Length, bytes.Length - _at);
            bytes.AsSpan(_at, count).CopyTo(buffer.Span);
            _at = (_at + count) % bytes.Length;
            return ValueTask.FromResult(count);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => default;

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
