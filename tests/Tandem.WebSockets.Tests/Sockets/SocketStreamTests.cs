using System.ComponentModel;
using System.Net.Sockets;

namespace Tandem.WebSockets.Tests.Sockets;

/// <summary>What is a <see cref="SocketStream"/>'s own: who goes on where, and what is told of the peer's end.</summary>
public sealed class SocketStreamTests
{
    [Fact]
    public async Task Bytes_that_are_held_come_first_in_pieces_of_any_size()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        ((SocketStream)pair.Stream).Hold("before"u8.ToArray());
        await pair.Peer.SendAsync(" and after"u8.ToArray());
        Assert.Equal(0, await pair.Stream.ReadAsync(Memory<byte>.Empty).InTime());
        for (int i = 0; i < 2; i++) Assert.Equal(3, await pair.Stream.ReadAsync(new byte[3]).InTime());
        Assert.Equal(" and after"u8.ToArray(), await pair.ReadAsync(10));
    }

    [Fact]
    public async Task A_socket_has_one_stream_and_a_second_is_told_why_it_is_none()
    {
        const int alreadyExists = 17; // EEXIST
        using SocketPair pair = await SocketPair.CreateAsync();
        var refused = Assert.Throws<IOException>(() => new SocketStream(pair.Own, ownsSocket: true));
        Assert.Equal(alreadyExists, Assert.IsType<Win32Exception>(refused.InnerException).NativeErrorCode);
        Assert.Contains(refused.InnerException.Message, refused.Message, StringComparison.Ordinal);
        await pair.Peer.SendAsync("abc"u8.ToArray());
        Assert.Equal("abc"u8.ToArray(), await pair.ReadAsync(3));
    }

    [Fact]
    public async Task Holding_no_bytes_is_no_end()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        ((SocketStream)pair.Stream).Hold([]);
        ValueTask<int> read = pair.Stream.ReadAsync(new byte[10]);
        Assert.False(read.IsCompleted);
        await pair.Peer.SendAsync("abc"u8.ToArray());
        Assert.Equal(3, await read.InTime());
    }

    [Fact]
    public async Task What_is_held_ends_with_the_stream()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        ((SocketStream)pair.Stream).Hold("before"u8.ToArray());
        pair.Stream.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Stream.ReadAsync(new byte[10]).InTime());
    }

    [Fact]
    public async Task A_socket_that_its_owner_has_closed_is_not_used_any_more()
    {
        using SocketPair pair = await SocketPair.CreateAsync(static socket => new SocketStream(socket, ownsSocket: false));
        pair.Own.Dispose(); // its descriptor may be another connection's by now
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Stream.WriteAsync(new byte[10]).InTime());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Stream.ReadAsync(new byte[10]).InTime());
    }

    [Fact]
    public async Task Bytes_and_the_end_that_come_together_are_all_read()
    {
        // An event tells of both at once and does not come again, and the first read takes less than it has room for.
        for (int i = 0; i < 200; i++)
        {
            using SocketPair pair = await SocketPair.CreateAsync();
            Task<int> first = i % 2 == 0 ? pair.Stream.ReadAsync(new byte[100]).AsTask() : pair.Stream.ReadAsync(Memory<byte>.Empty).AsTask();
            await pair.Peer.SendAsync("abc"u8.ToArray());
            pair.Peer.Shutdown(SocketShutdown.Both);
            int count = await first.InTime();
            if (count == 0) count = await pair.Stream.ReadAsync(new byte[100]).InTime();
            Assert.Equal(3, count);
            Assert.Equal(0, await pair.Stream.ReadAsync(new byte[100]).InTime());
        }
    }

    [Fact]
    public async Task What_is_sent_is_received_whatever_the_pieces()
    {
        // Both directions of many connections at once, reads and writes of all sizes, with and without a wait for bytes before.
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async seed =>
        {
            using SocketPair left = await SocketPair.CreateAsync();
            using var right = new SocketStream(left.Peer, ownsSocket: false);
            await Task.WhenAll(
                TransferAsync(left.Stream, right, 2 * seed),
                TransferAsync(right, left.Stream, (2 * seed) + 1));
        })).InTime();
    }

    [Fact]
    public async Task Operations_that_end_as_they_are_cancelled_do_so_once_and_lose_nothing()
    {
        using SocketPair pair = await SocketPair.CreateAsync();
        byte sent = 0;
        byte expected = 0;
        byte[] buffer = new byte[1];
        for (int i = 0; i < 2000; i++)
        {
            using var source = new CancellationTokenSource();
            Task<int> read = pair.Stream.ReadAsync(buffer, source.Token).AsTask();
            Task cancel = Task.Run(source.Cancel);
            if (i % 3 != 0) await pair.Peer.SendAsync(new[] { sent++ });
            await cancel;
            Exception? exception = await Record.ExceptionAsync(() => read.InTime());
            if (exception is null) Assert.Equal(expected++, buffer[0]);
            else Assert.IsType<OperationCanceledException>(exception, exactMatch: false);
        }

        while (expected != sent) Assert.Equal(expected++, (await pair.ReadAsync(1))[0]);
    }

    [Fact]
    public async Task Who_blocks_a_thread_holds_nobody_else_up()
    {
        // More of them than there are processors, and each needs the next one's bytes to go on.
        SocketPair[] pairs = await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount + 3).Select(_ => SocketPair.CreateAsync()));
        using var last = new ManualResetEventSlim();
        Task[] blocked = [.. pairs[1..].Select(async pair =>
        {
            await pair.Stream.ReadAsync(new byte[1]).ConfigureAwait(false);
            Assert.True(last.Wait(Eventually.Deadline));
        })];
        Task frees = FreeAsync();
        foreach (SocketPair pair in pairs[1..]) await pair.Peer.SendAsync(new byte[1]);
        await pairs[0].Peer.SendAsync(new byte[1]);
        await frees.InTime();
        await Task.WhenAll(blocked).InTime();
        foreach (SocketPair pair in pairs) pair.Dispose();

        async Task FreeAsync()
        {
            await pairs[0].Stream.ReadAsync(new byte[1]).ConfigureAwait(false);
            last.Set();
        }
    }

    [Fact]
    public async Task A_read_can_be_waited_for_where_a_write_has_gone_on()
    {
        // Both by one event, and the thread that has gone on with the one blocks for the other.
        for (int i = 0; i < 20; i++)
        {
            using SocketPair pair = await SocketPair.CreateAsync();
            byte[] sent = new byte[8 * 1024 * 1024];
            Task<int> read = pair.Stream.ReadAsync(new byte[1]).AsTask();
            Task<bool> done = WriteThenBlockAsync(pair.Stream, sent, read);
            await pair.Peer.SendAsync(new byte[1]);
            using var peer = new NetworkStream(pair.Peer);
            await peer.ReadExactlyAsync(new byte[sent.Length]).InTime();
            Assert.True(await done.InTime());
        }

        static async Task<bool> WriteThenBlockAsync(Stream stream, byte[] bytes, Task read)
        {
            await stream.WriteAsync(bytes).ConfigureAwait(false);
            return read.Wait(Eventually.Deadline);
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task The_peers_end_is_told_where_nobody_reads(bool resets, bool readsFirst)
    {
        var gone = new TaskCompletionSource();
        using SocketPair pair = await SocketPair.CreateAsync(gone.SetResult); // a second call would throw
        if (readsFirst) await pair.Peer.SendAsync("abc"u8.ToArray());
        if (resets) pair.Reset();
        else pair.Peer.Shutdown(SocketShutdown.Send);
        if (readsFirst) Assert.Equal("abc"u8.ToArray(), await pair.ReadAsync(3)); // and not on, to the end
        await gone.Task.InTime();
    }

    [Fact]
    public async Task The_peers_end_is_told_as_soon_as_a_read_comes_upon_it()
    {
        // At once is on the thread that the read has gone on with. Not always: another thread may be at an older event of the stream right then, and looks a second later.
        bool[] atOnce = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            var gone = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            using SocketPair pair = await SocketPair.CreateAsync(() => gone.SetResult(Environment.CurrentManagedThreadId));
            Task<int> read = ReadEndAsync(pair.Stream);
            pair.Peer.Shutdown(SocketShutdown.Send);
            return await read.InTime() == await gone.Task.InTime();
        }));
        Assert.InRange(atOnce.Count(told => told), 15, 20);

        static async Task<int> ReadEndAsync(Stream stream)
        {
            Assert.Equal(0, await stream.ReadAsync(new byte[10]).ConfigureAwait(false));
            return Environment.CurrentManagedThreadId;
        }
    }

    [Fact]
    public async Task The_peers_end_is_told_once_whatever_comes_behind_it()
    {
        int told = 0;
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using SocketPair pair = await SocketPair.CreateAsync(() =>
            {
                Interlocked.Increment(ref told);
                gone.TrySetResult();
            });
            Task<int> read = pair.Stream.ReadAsync(new byte[10]).AsTask();
            pair.Peer.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await read.InTime());
            Task write = pair.Stream.WriteAsync(new byte[20 * 1024 * 1024]).AsTask();
            pair.Reset(); // another event
            await Assert.ThrowsAsync<IOException>(() => write.InTime());
            await gone.Task.InTime();
        }));
        Assert.Equal(50, Volatile.Read(ref told));
    }

    [Fact]
    public async Task The_peers_end_is_not_told_before_what_came_before_it_has_been_read()
    {
        var gone = new TaskCompletionSource();
        using SocketPair pair = await SocketPair.CreateAsync(gone.SetResult);
        await pair.Peer.SendAsync("abc"u8.ToArray());
        pair.Peer.Shutdown(SocketShutdown.Send);
        for (int i = 0; i < 2; i++)
        {
            // Looked at later than the first, and for as long.
            var later = new TaskCompletionSource();
            using SocketPair other = await SocketPair.CreateAsync(later.SetResult);
            other.Peer.Shutdown(SocketShutdown.Send);
            await later.Task.InTime();
        }

        Assert.False(gone.Task.IsCompleted);
        Assert.Equal("abc"u8.ToArray(), await pair.ReadAsync(3));
        await gone.Task.InTime();
    }

    private static async Task TransferAsync(Stream from, Stream to, int seed)
    {
        byte[] bytes = new byte[600_000];
        new Random(seed).NextBytes(bytes);
        await Task.WhenAll(WriteAsync(), ReadAsync());

        async Task WriteAsync()
        {
            var random = new Random(seed);
            for (int at = 0; at < bytes.Length;)
            {
                int count = Math.Min(bytes.Length - at, random.Next(4) == 0 ? random.Next(200_000) : random.Next(300));
                await from.WriteAsync(bytes.AsMemory(at, count));
                at += count;
            }
        }

        async Task ReadAsync()
        {
            var random = new Random(-seed);
            byte[] buffer = new byte[70_000];
            for (int at = 0; at < bytes.Length;)
            {
                if (random.Next(2) == 0) Assert.Equal(0, await to.ReadAsync(Memory<byte>.Empty));
                int count = await to.ReadAsync(buffer.AsMemory(0, random.Next(3) == 0 ? 1 + random.Next(buffer.Length - 1) : 1 + random.Next(300)));
                Assert.NotEqual(0, count);
                Assert.True(bytes.AsSpan(at, count).SequenceEqual(buffer.AsSpan(0, count)));
                at += count;
            }
        }
    }
}
