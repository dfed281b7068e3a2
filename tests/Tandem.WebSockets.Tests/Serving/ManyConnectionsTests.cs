using System.Diagnostics;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>Five thousand connections at once, both ends in this process.</summary>
[Collection(nameof(Alone))]
public sealed class ManyConnectionsTests
{
    private const int Count = 5_000;

    [Fact]
    public async Task All_echo_correctly_in_bounded_time_and_memory_and_then_all_are_gone()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = TestServer.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 2, KeepAliveInterval = TimeSpan.FromMinutes(5) });
        var watch = Stopwatch.StartNew();
        GC.Collect();
        GC.WaitForPendingFinalizers(); // what earlier tests left would hide what this one takes
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var clients = new List<RawClient>(Count);
        for (int i = 0; i < Count; i += 250)
        {
            clients.AddRange(await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => server.Open())));
        }

        Assert.Equal(Count, server.Server.ConnectionCount);
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < Count; i++) await clients[i].Send(Wire.Text($"{round}:{i}"));
            for (int i = 0; i < Count; i++) await clients[i].ReadText($"{round}:{i}");
        }

        // Both ends of each, the 8 KiB buffer of this test's client included. What earlier tests left may have been freed meanwhile.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, Count * 16L * 1024);
        for (int i = 0; i < Count; i++)
        {
            if (i % 3 == 0) await clients[i].Send(Wire.Close(1000));
            else if (i % 3 == 1) clients[i].Reset();
            else clients[i].Dispose();
        }

        for (int i = 0; i < Count; i += 3)
        {
            await clients[i].ReadClose(1000);
            await clients[i].ReadEnd();
            clients[i].Dispose();
        }

        await server.NoConnections();
        Assert.Equal(Count, handler.Closed.Count);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }
}
