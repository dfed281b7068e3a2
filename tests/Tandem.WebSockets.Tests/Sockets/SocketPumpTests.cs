namespace Tandem.WebSockets.Tests.Sockets;

/// <summary>The streams that a process has and had, and what tells them: the moments in which one takes the place of another.</summary>
[Collection(nameof(Alone))]
public sealed class SocketPumpTests
{
    [Fact]
    public async Task An_event_for_a_stream_that_has_gone_tells_its_successor_nothing()
    {
        // All by one worker, and events that one look at the kernel has brought: when it comes to that of the stream which was told second, the one has gone that has the next to last.
        for (int i = 0; i < 20; i++)
        {
            SocketPair[] pairs = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => SocketPair.CreateAsync()));
            Task last = TellAsync(pairs[^1], static () => { });
            Task others = Task.WhenAll(pairs[2..^2].Select(pair => TellAsync(pair, static () => { })));
            SocketStream? successor = null;
            Task<int> waits = Task.FromResult(-1);
            Task replaces = TellAsync(pairs[1], () =>
            {
                pairs[^2].Stream.Dispose();
                successor = new SocketStream(pairs[0].Peer, ownsSocket: false); // what is sent there comes from the first
                waits = successor.ReadAsync(Memory<byte>.Empty).AsTask();
            });
            Task begins = TellAsync(pairs[0], () =>
            {
                foreach (SocketPair pair in pairs[1..]) pair.Peer.Send(new byte[1]);
            });
            pairs[0].Peer.Send(new byte[1]);
            await Task.WhenAll(begins, replaces, others, last).InTime();
            Assert.False(waits.IsCompleted);
            await pairs[0].Stream.WriteAsync(new byte[1]).InTime();
            Assert.Equal(0, await waits.InTime());
            successor!.Dispose();
            foreach (SocketPair pair in pairs) pair.Dispose();
        }
    }

    [Fact]
    public async Task The_place_of_a_stream_that_has_gone_is_used_again_and_once()
    {
        var places = new HashSet<int>();
        for (int i = 0; i < 100; i++)
        {
            using SocketPair pair = await SocketPair.CreateAsync();
            places.Add(PlaceOf(pair));
            pair.Stream.Dispose(); // twice, with the pair
        }

        Assert.InRange(places.Count, 1, 10);
        using SocketPair one = await SocketPair.CreateAsync(), other = await SocketPair.CreateAsync();
        Assert.NotEqual(PlaceOf(one), PlaceOf(other));
    }

    [Fact]
    public async Task When_there_is_nothing_the_thread_that_waits_for_the_kernel_sleeps_for_as_long()
    {
        SocketPair[] pairs = await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount + 3).Select(_ => SocketPair.CreateAsync()));
        using var free = new ManualResetEventSlim();
        int entered = 0;
        Task[] blocked = [.. pairs.Select(pair => TellAsync(pair, () =>
        {
            Interlocked.Increment(ref entered);
            Assert.True(free.Wait(Eventually.Deadline));
        }))];
        foreach (SocketPair pair in pairs) pair.Peer.Send(new byte[1]);
        await Eventually.Equal(pairs.Length, () => Volatile.Read(ref entered), "who blocks");
        long until = Environment.TickCount64 + 30;
        SpinWait.SpinUntil(() => Environment.TickCount64 > until); // longer than a worker's turn, so that each ends it
        free.Set();
        await Task.WhenAll(blocked).InTime();
        foreach (SocketPair pair in pairs) pair.Dispose();
        string thread = Directory.GetDirectories("/proc/self/task").Single(task => NameOf(task) == "Tandem sockets");

        // proc_pid_syscall(5): the fourth argument of epoll_wait and of epoll_pwait is the time, -1 for ever.
        await Eventually.True(() => File.ReadAllText($"{thread}/syscall").Split(' ') is { Length: > 4 } call && call[4] == "0xffffffff", "a wait without an end");
    }

    private static string NameOf(string thread)
    {
        try
        {
            return File.ReadAllText($"{thread}/comm").Trim();
        }
        catch (IOException)
        {
            return ""; // it has ended meanwhile
        }
    }

    private static int PlaceOf(SocketPair pair) => (int)((SocketStream)pair.Stream).Key;

    // Does something on the very thread that tells the stream of its first byte.
    private static async Task TellAsync(SocketPair pair, Action then)
    {
        await pair.Stream.ReadAsync(new byte[1]).ConfigureAwait(false);
        then();
    }
}
