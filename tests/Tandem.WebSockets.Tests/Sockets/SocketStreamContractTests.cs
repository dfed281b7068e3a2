using System.Net.Sockets;

namespace Tandem.WebSockets.Tests.Sockets;

/// <summary>What a <see cref="SocketStream"/> has in common with a <see cref="NetworkStream"/>: each behaviour is run against both.</summary>
public sealed class SocketStreamContractTests
{
    public enum Maker
    {
        Bcl,
        Tandem,
    }

    public static TheoryData<Maker> Makers => [Maker.Bcl, Maker.Tandem];

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_read_takes_what_there_is_and_no_more_than_fits(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        await pair.Peer.SendAsync("abcdef"u8.ToArray());
        Assert.Equal("abcd"u8.ToArray(), await pair.ReadAsync(4));
        byte[] rest = new byte[10];
        Assert.Equal(2, await pair.Stream.ReadAsync(rest).InTime());
        Assert.Equal("ef"u8.ToArray(), rest[..2]);
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_read_waits_for_bytes_again_and_again(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        for (int i = 0; i < 100; i++)
        {
            byte[] buffer = new byte[10];
            ValueTask<int> read = pair.Stream.ReadAsync(buffer);
            Assert.False(read.IsCompleted);
            await pair.Peer.SendAsync(new[] { (byte)i });
            Assert.Equal(1, await read.InTime());
            Assert.Equal(i, buffer[0]);
        }
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_read_of_no_bytes_waits_and_takes_nothing(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        for (int i = 0; i < 3; i++)
        {
            ValueTask<int> wait = pair.Stream.ReadAsync(Memory<byte>.Empty);
            Assert.False(wait.IsCompleted);
            await pair.Peer.SendAsync("abc"u8.ToArray());
            Assert.Equal(0, await wait.InTime());
            Assert.Equal(0, await pair.Stream.ReadAsync(Memory<byte>.Empty).InTime()); // there still is something
            Assert.Equal("abc"u8.ToArray(), await pair.ReadAsync(3));
        }

        ValueTask<int> last = pair.Stream.ReadAsync(Memory<byte>.Empty);
        Assert.False(last.IsCompleted);
        pair.Peer.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await last.InTime());
        Assert.Equal(0, await pair.Stream.ReadAsync(Memory<byte>.Empty).InTime()); // and stays
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task The_end_comes_behind_all_bytes_and_stays(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        await pair.Peer.SendAsync("abc"u8.ToArray());
        pair.Peer.Shutdown(SocketShutdown.Send);
        Assert.Equal("abc"u8.ToArray(), await pair.ReadAsync(3));
        for (int i = 0; i < 3; i++) Assert.Equal(0, await pair.Stream.ReadAsync(new byte[10]).InTime());
        await pair.Stream.WriteAsync("still"u8.ToArray()).InTime(); // only its side has ended
        byte[] heard = new byte[10];
        Assert.Equal(5, await pair.Peer.ReceiveAsync(heard).InTime());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_write_that_the_peer_does_not_take_waits_and_reads_go_on(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        byte[] sent = Noise(20 * 1024 * 1024);
        Task write = pair.Stream.WriteAsync(sent).AsTask();
        Assert.False(write.IsCompleted);
        await pair.Peer.SendAsync("abc"u8.ToArray());
        Assert.Equal("abc"u8.ToArray(), await pair.ReadAsync(3));
        Assert.False(write.IsCompleted);
        byte[] received = new byte[sent.Length];
        using var peer = new NetworkStream(pair.Peer);
        await peer.ReadExactlyAsync(received).InTime();
        await write.InTime();
        Assert.True(sent.AsSpan().SequenceEqual(received));
        await pair.Stream.WriteAsync("more"u8.ToArray()).InTime();
        Assert.Equal(4, await pair.Peer.ReceiveAsync(received.AsMemory(0, 10)).InTime());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_reset_fails_a_read_that_waits_and_what_follows(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        Task<int> read = pair.Stream.ReadAsync(new byte[10]).AsTask();
        pair.Reset();
        Assert.Equal(SocketError.ConnectionReset, await ErrorOf(read));
        Assert.Equal(SocketError.Shutdown, await ErrorOf(pair.Stream.WriteAsync(new byte[10]).AsTask()));
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_reset_fails_a_write_that_waits(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        Task write = pair.Stream.WriteAsync(new byte[20 * 1024 * 1024]).AsTask();
        Assert.False(write.IsCompleted);
        pair.Reset();
        Assert.Equal(SocketError.ConnectionReset, await ErrorOf(write));
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_read_that_is_cancelled_takes_nothing_and_the_stream_goes_on(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        for (int i = 0; i < 20; i++)
        {
            using var source = new CancellationTokenSource();
            Task<int> read = pair.Stream.ReadAsync(new byte[i % 2 * 10], source.Token).AsTask();
            await source.CancelAsync();
            OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.InTime());
            Assert.Equal(source.Token, exception.CancellationToken);
            Assert.True(pair.Stream.ReadAsync(new byte[10], source.Token).AsTask().IsCanceled);
            Assert.True(pair.Stream.WriteAsync(new byte[10], source.Token).AsTask().IsCanceled);
        }

        await pair.Peer.SendAsync("abc"u8.ToArray());
        Assert.Equal("abc"u8.ToArray(), await pair.ReadAsync(3));
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_write_that_is_cancelled_ends(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        using var source = new CancellationTokenSource();
        Task write = pair.Stream.WriteAsync(new byte[20 * 1024 * 1024], source.Token).AsTask();
        Assert.False(write.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.InTime());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task Disposing_ends_what_waits_and_nothing_begins_any_more(Maker maker)
    {
        using SocketPair pair = await CreateAsync(maker);
        Task<int> read = pair.Stream.ReadAsync(new byte[10]).AsTask();
        Task write = pair.Stream.WriteAsync(new byte[20 * 1024 * 1024]).AsTask();
        await pair.Stream.DisposeAsync();
        await Record.ExceptionAsync(() => Task.WhenAll(read, write).InTime());
        Assert.True(read.IsCompleted && write.IsCompleted);
        if (maker == Maker.Tandem)
        {
            // A NetworkStream shuts its socket down before it closes it, so what waits there may see the end of the stream instead.
            Assert.Equal(SocketError.OperationAborted, await ErrorOf(read));
            Assert.Equal(SocketError.OperationAborted, await ErrorOf(write));
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Stream.ReadAsync(new byte[10]).InTime());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Stream.WriteAsync(new byte[10]).InTime());
        // The peer is told, by FIN or by a reset.
        byte[] heard = new byte[1024 * 1024];
        await Assert.ThrowsAnyAsync<SocketException>(async () =>
        {
            while (await pair.Peer.ReceiveAsync(heard).InTime() != 0)
            {
            }

            throw new SocketException((int)SocketError.ConnectionReset);
        });
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task A_socket_that_is_not_the_streams_outlives_it_and_may_have_another(Maker maker)
    {
        using SocketPair pair = await SocketPair.CreateAsync(socket => maker == Maker.Tandem ? new SocketStream(socket, ownsSocket: false) : new NetworkStream(socket, ownsSocket: false));
        await pair.Stream.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Stream.ReadAsync(new byte[10]).InTime());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Stream.WriteAsync(new byte[10]).InTime());
        using Stream other = maker == Maker.Tandem ? new SocketStream(pair.Own, ownsSocket: true) : new NetworkStream(pair.Own, ownsSocket: true);
        byte[] buffer = new byte[10];
        ValueTask<int> read = other.ReadAsync(buffer);
        await pair.Peer.SendAsync("abc"u8.ToArray());
        Assert.Equal(3, await read.InTime());
        await other.WriteAsync("de"u8.ToArray()).InTime();
        Assert.Equal(2, await pair.Peer.ReceiveAsync(buffer).InTime());
    }

    [Theory]
    [MemberData(nameof(Makers))]
    public async Task What_was_written_before_it_is_disposed_of_arrives_and_then_the_end_whatever_it_has_not_read(Maker maker)
    {
        for (int i = 0; i < 20; i++)
        {
            using SocketPair pair = await CreateAsync(maker);
            await pair.Peer.SendAsync("not read"u8.ToArray());
            Assert.Equal(1, await pair.Stream.ReadAsync(new byte[1]).InTime());
            await pair.Stream.WriteAsync("abc"u8.ToArray()).InTime();
            await pair.Stream.DisposeAsync();
            byte[] heard = new byte[10];
            Assert.Equal(3, await pair.Peer.ReceiveAsync(heard).InTime());
            Assert.Equal(0, await pair.Peer.ReceiveAsync(heard).InTime());
        }
    }

    private static Task<SocketPair> CreateAsync(Maker maker) => maker == Maker.Tandem
        ? SocketPair.CreateAsync()
        : SocketPair.CreateAsync(socket => new NetworkStream(socket, ownsSocket: true));

    private static async Task<SocketError> ErrorOf(Task operation)
    {
        IOException exception = await Assert.ThrowsAsync<IOException>(() => operation.InTime());
        return Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode;
    }

    private static byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
