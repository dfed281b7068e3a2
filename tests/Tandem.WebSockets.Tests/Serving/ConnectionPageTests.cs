using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>Who looks at the connections of a server sees those that there are, and holds up none of them.</summary>
public abstract class ConnectionPageTests(Driver driver)
{
    [Fact]
    public async Task The_one_that_does_not_read_is_first_and_the_total_counts_those_that_are_not_shown()
    {
        var sent = new TaskCompletionSource();
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                // Some megabytes more than the kernel takes.
                for (int i = 0; i < 100; i++) peer.Send(WebSocketMessageType.Binary, new byte[100_000]);
                sent.SetResult();
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient handshake = await server.Connect(); // which is no connection yet
        var clients = new List<RawClient>();
        for (int i = 0; i < 5; i++) clients.Add(await server.Open(receiveBuffer: 32 * 1024));
        await Eventually.Equal(5, () => handler.Opened.Count, "OnOpen"); // which may run behind the answer
        await clients[3].Send(Wire.Text("go"));
        await sent.Task.InTime();
        int before = handler.Opened.Max(peer => peer.BufferedBytes);

        ConnectionPage page = await server.Server.GetConnectionsAsync(2, ConnectionOrder.MostBuffered, Eventually.Deadline);
        WebSocketPeer stalled = handler.Opened.Single(peer => peer.BufferedBytes > 0);
        Assert.Equal((5, 2, 0), (page.Total, page.Connections.Count, page.SilentLoops));
        Assert.Same(stalled, page.Connections[0].Peer);
        Assert.Equal(("/ws", WebSocketState.Open, 0), (page.Connections[0].Path, page.Connections[0].State, page.Connections[0].CompressionBytes));
        Assert.InRange(page.Connections[0].BufferedBytes, stalled.BufferedBytes, before); // the kernel may still be taking some
        Assert.Equal(0, page.Connections[1].BufferedBytes);

        foreach (RawClient client in clients) client.Reset();
        await server.NoConnections();
        Assert.Equal(0, (await server.Server.GetConnectionsAsync(2, ConnectionOrder.MostBuffered, Eventually.Deadline)).Total);
    }

    [Fact]
    public async Task What_compression_may_hold_is_shown_of_each()
    {
        await using TestServer server = driver.Start(TestHandler.Echo(), new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Deflate = new DeflateOptions() });
        using DeflateClient kept = await DeflateClient.Open(server);
        using DeflateClient forgotten = await DeflateClient.Open(server, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
        using RawClient plain = await server.Open();
        await Eventually.Equal(3, () => server.Handler.Opened.Count, "OnOpen");
        ConnectionPage page = await server.Server.GetConnectionsAsync(10, ConnectionOrder.Newest, Eventually.Deadline);
        int[] bytes = [.. page.Connections.Select(connection => connection.CompressionBytes).Order()];
        Assert.Equal((3, 0), (bytes.Length, bytes[0]));
        Assert.True(bytes[2] > bytes[1], "who keeps contexts holds most");
    }

    [Fact]
    public async Task The_newest_are_shown_with_their_age()
    {
        var time = new ManualTime();
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, TimeProvider = time, TickInterval = ManualTime.Tick, KeepAliveInterval = Timeout.InfiniteTimeSpan,
        });
        var clients = new List<RawClient>();
        for (int i = 0; i < 4; i++)
        {
            clients.Add(await server.Open());
            int count = i + 1;
            await Eventually.Equal(count, () => handler.Opened.Count, "OnOpen");
            await time.AdvanceAndSweep(TimeSpan.FromSeconds(60));
        }

        ConnectionPage page = await server.Server.GetConnectionsAsync(3, ConnectionOrder.Newest, Eventually.Deadline);
        Assert.Equal(4, page.Total);
        Assert.Equal([1, 2, 3], page.Connections.Select(connection => (int)connection.Age.TotalMinutes));
        Assert.Equal(handler.Opened.Reverse().Take(3), page.Connections.Select(connection => connection.Peer));
        foreach (RawClient client in clients) client.Dispose();
    }

    [Fact]
    public async Task Many_are_all_looked_at_once()
    {
        const int Count = 2_500; // more than are looked at in a turn
        await using TestServer server = driver.Start(TestHandler.Echo(), new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, Backlog = Count });
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => server.Open()));
        await Eventually.Equal(Count, () => server.Handler.Opened.Count, "OnOpen");
        ConnectionPage page = await server.Server.GetConnectionsAsync(10_000, ConnectionOrder.MostBuffered, Eventually.Deadline);
        Assert.Equal(Count, page.Total);
        Assert.Equal(Count, page.Connections.Select(connection => connection.Peer).Distinct().Count());
        foreach (RawClient client in clients) client.Dispose();
    }

    [Fact]
    public async Task A_server_that_has_not_begun_or_has_ended_has_none()
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        await server.Server.StopAsync(new CancellationToken(canceled: true)).InTime();
        Assert.Equal((0, 0), await LookAsync(server.Server));
        await using var unstarted = new WebSocketServer(new WebSocketServerOptions { EndPoints = TestServer.AnyPort });
        Assert.Equal((0, 0), await LookAsync(unstarted));

        static async Task<(long, int)> LookAsync(WebSocketServer server)
        {
            ConnectionPage page = await server.GetConnectionsAsync(1, ConnectionOrder.Newest, Eventually.Deadline).InTime();
            return (page.Total, page.SilentLoops);
        }
    }
}

public sealed class ConnectionPageOnStreams() : ConnectionPageTests(Driver.Streams);

public sealed class ConnectionPageOnLoops() : ConnectionPageTests(Driver.Loops)
{
    [Fact]
    public async Task A_loop_that_a_handler_keeps_is_left_out_in_time_and_its_connections_still_count()
    {
        using var gate = new ManualResetEventSlim();
        var entered = new SemaphoreSlim(0);
        var handler = new TestHandler
        {
            Message = (_, _, _) =>
            {
                entered.Release();
                gate.Wait();
            },
        };
        await using TestServer server = Driver.Loops.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 2 });
        using RawClient kept = await server.Open();
        using RawClient other = await server.Open(); // on the other loop: they are dealt in turn
        await kept.Send(Wire.Text("wait"));
        await entered.WaitAsync(Eventually.Deadline);
        try
        {
            // Long enough for the other loop on a busy machine.
            ConnectionPage page = await server.Server.GetConnectionsAsync(10, ConnectionOrder.MostBuffered, TimeSpan.FromSeconds(5)).InTime();
            Assert.Equal((2, 1, 1), (page.Total, page.Connections.Count, page.SilentLoops));
            Assert.Same(handler.Opened.Last(), page.Connections[0].Peer);
        }
        finally
        {
            gate.Set();
        }
    }
}
