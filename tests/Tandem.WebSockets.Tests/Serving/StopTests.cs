using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>Beginning and end of a server: ports, what reaches the peers when it stops, and that it always comes to an end.</summary>
public abstract class StopTests(Driver driver)
{
    [Fact]
    public async Task Everyone_gets_1001_and_the_port_is_free_again()
    {
        var handler = new TestHandler();
        // A port that is free again is anybody's, where the system chooses.
        IPEndPoint[] endPoints = [new IPEndPoint(IPAddress.Loopback, Ports.Free())];
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = endPoints, Loops = 2 });
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => server.Open()));
        await Eventually.Equal(20, () => handler.Opened.Count, "OnOpen");
        Task stopped = server.Server.StopAsync();
        Task again = server.Server.StopAsync();
        foreach (RawClient client in clients) Assert.Equal("the server is stopping", (await client.ReadClose(1001)).Reason);
        SocketException refused = await Assert.ThrowsAsync<SocketException>(() => server.Connect());
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        foreach (RawClient client in clients)
        {
            Assert.False(stopped.IsCompleted);
            await client.Send(Wire.Close(1001));
            await client.ReadEnd();
            client.Dispose();
        }

        await stopped.InTime();
        await again.InTime();
        Assert.True(server.Server.Stopped.IsCompletedSuccessfully);
        Assert.Equal(0, server.Server.ConnectionCount);
        Assert.All(handler.Closed, closed => Assert.Equal((CloseInitiator.Local, WebSocketCloseStatus.EndpointUnavailable), (closed.Cause.Initiator, closed.Cause.Status)));
        using var next = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        next.Bind(server.EndPoint);
        next.Listen();
    }

    [Fact]
    public async Task Everything_sent_before_arrives_before_the_close_frame_from_all_threads_under_load()
    {
        const int Threads = 4;
        var handler = TestHandler.Echo();
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 2, MaxBufferedBytes = int.MaxValue });
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => server.Open()));
        await Eventually.Equal(4, () => handler.Opened.Count, "OnOpen");
        WebSocketPeer[] peers = [.. handler.Opened];
        int[,] accepted = new int[Threads, peers.Length];
        using var stop = new ManualResetEventSlim();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            byte[] payload = new byte[3000];
            while (!stop.IsSet)
            {
                for (int i = 0; i < peers.Length; i++)
                {
                    // Who asks for all of them may be slow to see that it is enough.
                    if (peers[i].BufferedBytes > 16 << 20) continue;
                    BitConverter.TryWriteBytes(payload, thread);
                    BitConverter.TryWriteBytes(payload.AsSpan(4), accepted[thread, i]);
                    BitConverter.TryWriteBytes(payload.AsSpan(8), Array.IndexOf(peers, peers[i]));
                    if (peers[i].Send(WebSocketMessageType.Binary, payload) is SendStatus.Sent or SendStatus.Buffered) accepted[thread, i]++;
                }
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        // The clients read nothing yet: some of it waits in queues when the end comes.
        await Eventually.True(() => peers.All(peer => peer.BufferedBytes > 4 << 20), "BufferedBytes");
        stop.Set();
        foreach (Thread thread in threads) thread.Join();
        Task stopped = server.Server.StopAsync();
        foreach (RawClient client in clients)
        {
            int[] next = new int[Threads];
            int index = -1;
            Received received;
            while ((received = await client.Read()).Kind == Got.Binary)
            {
                Assert.Equal(next[BitConverter.ToInt32(received.Payload)]++, BitConverter.ToInt32(received.Payload, 4));
                index = BitConverter.ToInt32(received.Payload, 8);
            }

            Assert.Equal((Got.Close, 1001), (received.Kind, received.Status));
            for (int thread = 0; thread < Threads; thread++) Assert.Equal(accepted[thread, index], next[thread]);
            client.Dispose();
        }

        await stopped.InTime();
    }

    [Fact]
    public async Task Who_does_not_answer_is_dropped_at_the_deadline()
    {
        var time = new ManualTime();
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, TimeProvider = time, TickInterval = ManualTime.Tick,
            StopTimeout = TimeSpan.FromSeconds(3), CloseTimeout = Timeout.InfiniteTimeSpan,
        });
        using RawClient polite = await server.Open();
        using RawClient silent = await server.Open();
        using RawClient refused = await server.Connect();
        await refused.Send(Wire.Request("/none"));
        Assert.StartsWith("HTTP/1.1 404 ", await refused.ReadToEnd(), StringComparison.Ordinal);
        await Eventually.Equal(2, () => handler.Opened.Count, "OnOpen");
        Task stopped = server.Server.StopAsync();
        await polite.ReadClose(1001);
        await polite.Send(Wire.Close(1001));
        await polite.ReadEnd();
        polite.Dispose();
        await Eventually.Equal(1, () => handler.Closed.Count, "OnClose");
        await silent.ReadClose(1001);
        await time.AdvanceAndSweep(TimeSpan.FromSeconds(2.9));
        Assert.False(stopped.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));
        await stopped.InTime();
        Assert.Equal([CloseInitiator.Local, CloseInitiator.Timeout], handler.Closed.Select(closed => closed.Cause.Initiator));
        Assert.Equal(0, server.Server.ConnectionCount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancellation_drops_at_once_who_has_not_answered(bool beforehand)
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 2, StopTimeout = Timeout.InfiniteTimeSpan, CloseTimeout = Timeout.InfiniteTimeSpan,
        });
        using RawClient first = await server.Open();
        using RawClient second = await server.Open();
        await Eventually.Equal(2, () => handler.Opened.Count, "OnOpen");
        using var cancellation = new CancellationTokenSource();
        if (beforehand) await cancellation.CancelAsync();
        Task stopped = server.Server.StopAsync(cancellation.Token);
        await first.ReadClose(1001);
        await second.ReadClose(1001);
        if (!beforehand)
        {
            Assert.False(stopped.IsCompleted);
            await cancellation.CancelAsync();
        }

        await stopped.InTime();
        Assert.All(handler.Closed, closed => Assert.Equal(CloseInitiator.Timeout, closed.Cause.Initiator));
    }

    [Fact]
    public async Task A_handler_may_stop_its_own_server()
    {
        TestServer? server = null;
        var handler = new TestHandler { Message = (_, _, _) => _ = server!.Server.StopAsync() };
        server = driver.Start(handler);
        await using TestServer disposed = server;
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("stop"));
        await client.AnswerClose(1001);
        client.Dispose();
        await server.Server.Stopped.InTime();
    }

    [Fact]
    public async Task Connections_that_come_while_it_stops_are_refused_or_cut_and_none_stays()
    {
        await using TestServer server = driver.Start(TestHandler.Echo(), new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 2, StopTimeout = TimeSpan.FromSeconds(2) });
        bool stopping = false;
        Task[] visitors = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                try
                {
                    using RawClient client = await server.Connect();
                    await client.Send(Wire.Request());
                    string head = await client.ReadHead();
                    Assert.True(head.StartsWith("HTTP/1.1 101", StringComparison.Ordinal) || head.StartsWith("HTTP/1.1 503", StringComparison.Ordinal));
                }
                catch (Exception exception) when (Volatile.Read(ref stopping) && exception is SocketException or Xunit.Sdk.XunitException)
                {
                    return;
                }
            }
        }))];
        await Eventually.True(() => server.Handler.Opened.Count > 50, "visitors");
        Volatile.Write(ref stopping, true);
        await server.Server.StopAsync().InTime();
        await Task.WhenAll(visitors).InTime();
        Assert.Equal(0, server.Server.ConnectionCount);
    }

    [Fact]
    public async Task A_port_in_use_is_told_and_the_server_is_stopped()
    {
        await using TestServer first = driver.Start(new TestHandler());
        var second = new WebSocketServer(new WebSocketServerOptions { EndPoints = [new IPEndPoint(IPAddress.Loopback, 0), first.EndPoint] });
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(second.Start).SocketErrorCode);
        await second.Stopped.InTime();
        await second.StopAsync().InTime();
        Assert.Throws<InvalidOperationException>(second.Start);
        using RawClient client = await first.Open();
    }

    [Fact]
    public async Task A_server_that_was_never_started_stops_at_once()
    {
        var server = new WebSocketServer(new WebSocketServerOptions { Loops = 2 });
        await server.DisposeAsync();
        await server.StopAsync().InTime();
        await server.Stopped.InTime();
        Assert.Throws<InvalidOperationException>(server.Start);
        Assert.Empty(server.EndPoints);
    }

    [Fact]
    public async Task A_server_is_started_once()
    {
        await using TestServer server = driver.Start(new TestHandler());
        Assert.Throws<InvalidOperationException>(server.Server.Start);
        using RawClient client = await server.Open();
    }

    [Fact]
    public async Task After_the_end_sends_from_other_threads_are_refused()
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        client.Dispose();
        await server.Server.StopAsync().InTime();
        Assert.Equal(SendStatus.Closed, handler.Peer.Send("x"));
        Assert.Equal(SendStatus.Closed, handler.Peer.Ping());
        handler.Peer.Close();
        handler.Peer.Abort();
    }
}

public sealed class StopOnLoops() : StopTests(Driver.Loops);

public sealed class StopOnStreams() : StopTests(Driver.Streams);
