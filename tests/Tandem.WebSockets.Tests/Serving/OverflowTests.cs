using System.Collections.Concurrent;
using System.Net.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>What waits for a peer that does not read is bounded, by whatever thread it is sent, and the policy says what gives.</summary>
public abstract class OverflowTests(Driver driver)
{
    private const int SmallBuffer = 32 * 1024;

    [Fact]
    public async Task Overflow_drops_the_connection_by_default_and_calls_nothing_back_within_Send()
    {
        SendStatus last = SendStatus.Sent;
        int sent = 0;
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                do last = peer.Send(WebSocketMessageType.Binary, new byte[50_000]);
                while (last != SendStatus.Closed && ++sent < 10_000);
                Assert.Equal(WebSocketState.Aborted, peer.ConnectionState);
                Assert.Equal(SendStatus.Closed, peer.Send("x"));
            },
        };
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, MaxBufferedBytes = 1 << 20 });
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        await client.Send(Wire.Text("go"));
        Assert.Equal((CloseInitiator.Overflow, CloseCause.Abnormal), ((await handler.CloseCause()) is var cause ? (cause.Initiator, cause.Status) : default));
        Assert.Equal(SendStatus.Closed, last);
        Assert.Empty(handler.Errors);
        await server.NoConnections();
    }

    [Fact]
    public async Task Overflow_drops_only_the_message_when_so_configured()
    {
        var taken = new List<int>();
        var dropped = new List<int>();
        var handler = new TestHandler
        {
            Message = (peer, _, payload) =>
            {
                if (payload.Length == 0)
                {
                    peer.Send("alive");
                    return;
                }

                for (int i = 0; dropped.Count < 20; i++)
                {
                    SendStatus status = peer.Send(WebSocketMessageType.Binary, Wire.Noise(50_000, i));
                    (status == SendStatus.Dropped ? dropped : taken).Add(i);
                    Assert.NotEqual(SendStatus.Closed, status);
                    Assert.True(peer.BufferedBytes <= 1 << 20);
                }
            },
        };
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, MaxBufferedBytes = 1 << 20, OverflowPolicy = OverflowPolicy.DropMessage,
        });
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        await client.Send(Wire.Text("go"));
        await Eventually.Equal(20, () => dropped.Count, "dropped");
        foreach (int i in taken) await client.ReadMessage(Got.Binary, Wire.Noise(50_000, i));
        await client.Send(Wire.Text(""));
        await client.ReadText("alive");
        Assert.Empty(handler.Errors);
    }

    [Theory]
    [InlineData(OverflowPolicy.Close)]
    [InlineData(OverflowPolicy.DropMessage)]
    public async Task Sends_from_another_thread_are_bounded_even_while_the_loop_does_not_look(OverflowPolicy policy)
    {
        using var entered = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        var handler = new TestHandler
        {
            Message = (_, _, _) =>
            {
                entered.Set();
                gate.Wait(Eventually.Deadline);
            },
        };
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, MaxBufferedBytes = 1 << 20, OverflowPolicy = policy,
        });
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        await client.Send(Wire.Text("hold the loop"));
        Assert.True(entered.Wait(Eventually.Deadline));
        byte[] payload = new byte[100_000];
        List<SendStatus> statuses = [];
        for (int i = 0; i < 12; i++) statuses.Add(handler.Peer.Send(WebSocketMessageType.Binary, payload));
        Assert.Equal(Enumerable.Repeat(SendStatus.Sent, 10), statuses[..10]);
        Assert.Equal(Enumerable.Repeat(policy == OverflowPolicy.Close ? SendStatus.Closed : SendStatus.Dropped, 2), statuses[10..]);
        Assert.Equal(10 * payload.Length, handler.Peer.BufferedBytes);
        gate.Set();
        for (int i = 0; i < 10; i++) await client.ReadMessage(Got.Binary, payload);
        if (policy == OverflowPolicy.DropMessage)
        {
            handler.Peer.Send("alive");
            await client.ReadText("alive");
        }
        else
        {
            Assert.Equal(CloseInitiator.Overflow, (await handler.CloseCause()).Initiator);
        }
    }

    [Fact]
    public async Task One_message_of_any_size_is_taken_where_nothing_waits()
    {
        var handler = new TestHandler { Message = (peer, _, _) => Assert.NotEqual(SendStatus.Closed, peer.Send(WebSocketMessageType.Binary, new byte[8 << 20])) };
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, MaxBufferedBytes = 0 });
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("x"));
        Assert.Equal(8 << 20, (await client.Read()).Payload.Length);
        Assert.Empty(handler.Errors);
    }

    [Fact]
    public async Task Answers_gathered_in_one_turn_do_not_count_as_waiting_for_the_peer()
    {
        // With no bytes allowed to wait at all, a burst of messages and pings is still answered: the kernel takes it.
        await using TestServer server = driver.Start(TestHandler.Echo(), new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, MaxBufferedBytes = 0 });
        using RawClient client = await server.Open();
        await client.Send(Wire.Concat(Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? Wire.Text($"{i}") : Wire.Ping($"{i}"))));
        for (int i = 0; i < 100; i++)
        {
            Received received = await client.Read();
            Assert.Equal((i % 2 == 0 ? Got.Text : Got.Pong, $"{i}"), (received.Kind, received.Text));
        }
    }

    [Fact]
    public async Task Ping_says_what_became_of_it_like_Send()
    {
        var statuses = new ConcurrentQueue<SendStatus>();
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                statuses.Enqueue(peer.Ping());
                while (peer.Send(WebSocketMessageType.Binary, new byte[50_000]) != SendStatus.Dropped)
                {
                }

                statuses.Enqueue(peer.Ping());
                while (peer.BufferedBytes <= 1 << 20) peer.Ping(new byte[125]);
                statuses.Enqueue(peer.Ping());
            },
        };
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, MaxBufferedBytes = 1 << 20, OverflowPolicy = OverflowPolicy.DropMessage,
        });
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        await client.Send(Wire.Text("go"));
        await Eventually.Equal(3, () => statuses.Count, "pings");
        Assert.Equal([SendStatus.Sent, SendStatus.Buffered, SendStatus.Dropped], statuses);
    }
}

public sealed class OverflowOnLoops() : OverflowTests(Driver.Loops);

public sealed class OverflowOnStreams() : OverflowTests(Driver.Streams);
