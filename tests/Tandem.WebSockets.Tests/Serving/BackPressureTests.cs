using System.Collections.Concurrent;
using System.Net.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>Peers that read more slowly than they are sent to: what waits is in order, bounded and told to the application; nobody else waits.</summary>
public abstract class BackPressureTests(Driver driver)
{
    protected const int SmallBuffer = 32 * 1024;

    [Theory]
    [InlineData(100)]
    [InlineData(5_000)]
    [InlineData(200_000)]
    public async Task Send_says_Buffered_and_OnDrain_comes_when_all_has_gone(int size)
    {
        var waitingAtDrain = new ConcurrentQueue<int>();
        int sent = 0;
        int filled = 0;
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                SendStatus status;
                do
                {
                    status = peer.Send(WebSocketMessageType.Binary, Wire.Noise(size, sent));
                    sent++;
                }
                while (status == SendStatus.Sent);
                Assert.Equal(SendStatus.Buffered, status);
                for (int i = 0; i < 10; i++) Assert.Equal(SendStatus.Buffered, peer.Send(WebSocketMessageType.Binary, Wire.Noise(size, sent++)));
                Assert.True(peer.BufferedBytes > 10 * size);
                Volatile.Write(ref filled, filled + 1);
            },
            Drain = peer =>
            {
                waitingAtDrain.Enqueue(peer.BufferedBytes);
                peer.Send("drained");
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        for (int round = 1; round <= 2; round++)
        {
            int first = sent;
            await client.Send(Wire.Text("go"));
            await Eventually.Equal(round, () => Volatile.Read(ref filled), "rounds");
            Assert.Equal(round - 1, waitingAtDrain.Count);
            for (int i = first; i < sent; i++) await client.ReadMessage(Got.Binary, Wire.Noise(size, i));
            await client.ReadText("drained");
            Assert.Equal(Enumerable.Repeat(0, round), waitingAtDrain);
            await Eventually.Equal(0, () => handler.Peer.BufferedBytes, "BufferedBytes");
        }

        Assert.Empty(handler.Errors);
    }

    [Fact]
    public async Task Whoever_was_told_Buffered_on_another_thread_is_told_OnDrain()
    {
        var drained = new SemaphoreSlim(0);
        var handler = new TestHandler { Drain = _ => drained.Release() };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        WebSocketPeer peer = handler.Peer;
        const int Messages = 1500;
        // Sends whenever it may and waits whenever it is told to: one missing OnDrain and it waits for ever.
        Task producing = Task.Run(async () =>
        {
            byte[] payload = new byte[40_000];
            for (int i = 0; i < Messages; i++)
            {
                BitConverter.TryWriteBytes(payload, i);
                SendStatus status = peer.Send(WebSocketMessageType.Binary, payload);
                Assert.True(status is SendStatus.Sent or SendStatus.Buffered);
                if (status == SendStatus.Sent && peer.BufferedBytes < 1 << 20) continue;
                if (status == SendStatus.Buffered) Assert.True(await drained.WaitAsync(Eventually.Deadline), $"no OnDrain, {i}");
                else await Eventually.True(() => peer.BufferedBytes < 1 << 20, "room");
                while (drained.Wait(0))
                {
                }
            }
        });
        for (int i = 0; i < Messages; i++) Assert.Equal(i, BitConverter.ToInt32((await client.Read()).Payload));
        await producing.InTime();
    }

    [Fact]
    public async Task Who_does_not_read_the_answers_cannot_go_on_asking()
    {
        const int Size = 10_000;
        const int Messages = 3_000; // 30 MB, far more than the buffers of both kernels and the pause take together
        int received = 0;
        var handler = TestHandler.Echo();
        handler.Message = (peer, type, payload) =>
        {
            Interlocked.Increment(ref received);
            peer.Send(type, payload);
        };
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, ReceivePauseBytes = 256 * 1024 });
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        using RawClient other = await server.Open();
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Messages; i++)
            {
                for (ReadOnlyMemory<byte> rest = Wire.Binary(Wire.Noise(Size, i)); !rest.IsEmpty;) rest = rest[await client.Socket.SendAsync(rest)..];
            }
        });
        WebSocketPeer peer = handler.Opened.First();
        await Eventually.True(() => peer.BufferedBytes > 256 * 1024, "the pause");
        // Others are served meanwhile, and the one that waits is not read any further, once it has been told of what was read before.
        int stalled;
        do
        {
            stalled = Volatile.Read(ref received);
            for (int i = 0; i < 100; i++)
            {
                await other.Send(Wire.Text("x"));
                await other.ReadText("x");
            }
        }
        while (Volatile.Read(ref received) != stalled + 100);
        Assert.False(sending.IsCompleted);
        Assert.InRange(peer.BufferedBytes, 256 * 1024, 1 << 20);
        for (int i = 0; i < Messages; i++) await client.ReadMessage(Got.Binary, Wire.Noise(Size, i));
        await sending.InTime();
        await Eventually.Equal(0, () => peer.BufferedBytes, "BufferedBytes");
    }

    [Fact]
    public async Task A_writer_of_single_bytes_holds_nobody_up()
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient slow = await server.Open();
        using RawClient fast = await server.Open();
        byte[] text = Wire.TextBytes(500);
        Task dripping = slow.SendInPieces(Wire.Message(WebSocketMessageType.Text, text), 1);
        for (int i = 0; i < 500; i++)
        {
            await fast.Send(Wire.Text($"{i}"));
            await fast.ReadText($"{i}");
        }

        await dripping;
        await slow.ReadMessage(Got.Text, text);
    }
}

public sealed class BackPressureOnLoops() : BackPressureTests(Driver.Loops)
{
    [Fact]
    public async Task OnDrain_comes_even_when_all_had_gone_before_the_loop_took_the_message_that_was_Buffered()
    {
        using var entered = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        int drains = 0;
        int sent = 0;
        var handler = new TestHandler
        {
            Message = (peer, type, _) =>
            {
                if (type == WebSocketMessageType.Text)
                {
                    entered.Set();
                    gate.Wait(Eventually.Deadline);
                    return;
                }

                do sent++;
                while (peer.Send(WebSocketMessageType.Binary, new byte[50_000]) == SendStatus.Sent);
            },
            Drain = _ => Interlocked.Increment(ref drains),
        };
        await using TestServer server = TestServer.Start(handler);
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        WebSocketPeer peer = handler.Peer;
        using RawClient holder = await server.Open();
        await client.Send(Wire.Binary([]));
        await Eventually.True(() => peer.BufferedBytes > 0, "BufferedBytes");
        await holder.Send(Wire.Text("hold the loop"));
        Assert.True(entered.Wait(Eventually.Deadline));
        // While the loop is held: the client makes room, of which the loop knows nothing, and another thread sends.
        for (int i = 1; i < sent; i++) await client.Read();
        Assert.Equal(SendStatus.Buffered, peer.Send("buffered"));
        gate.Set();
        // The loop sends the rest first, and tells of it; what was posted needs an OnDrain of its own.
        await client.Read();
        await client.ReadText("buffered");
        await Eventually.Equal(2, () => Volatile.Read(ref drains), "OnDrain");
    }
}

public sealed class BackPressureOnStreams() : BackPressureTests(Driver.Streams);
