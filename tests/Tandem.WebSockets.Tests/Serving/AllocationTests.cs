using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>In the steady state the loop allocates nothing for a message: measured on its own thread, between two of its callbacks.</summary>
[Collection(nameof(Alone))]
public sealed class AllocationTests
{
    [Theory]
    [InlineData(20, 1_000, 11_000, 0)]
    [InlineData(1_000, 1_000, 6_000, 0)]
    // Over several receives: pooled, so a trimmed or contended pool may cost a buffer now and then, but not one a message.
    [InlineData(16 * 1024, 500, 4_500, 40 * 1024)]
    [InlineData(1 << 20, 20, 120, 6 << 20)]
    public async Task Echoing_allocates_nothing_for_a_message(int size, int from, int to, long allowed)
    {
        int count = 0;
        long allocated = -1;
        // A bare handler: the recorder of the other tests is not to be measured.
        var handler = new Measured((peer, type, payload) =>
        {
            count++;
            if (count == from) allocated = -GC.GetAllocatedBytesForCurrentThread();
            if (count == to) allocated += GC.GetAllocatedBytesForCurrentThread();
            peer.Send(type, payload);
        });
        await Run(handler, async client =>
        {
            byte[] frame = Wire.Binary(Wire.Noise(size));
            byte[] back = new byte[size + (size < 126 ? 2 : size < 65_536 ? 4 : 10)];
            for (int i = 0; i < to; i++)
            {
                Task sending = client.Send(frame);
                await ReadExactly(client, back);
                await sending;
            }
        });
        Assert.InRange(allocated, 0, allowed);
    }

    [Fact]
    public async Task Without_epoll_too_an_echo_allocates_nothing_for_a_message()
    {
        // Of the process, because turns move from thread to thread; so the client's socket has only ever been used synchronously, which leaves
        // it blocking and without allocations. What is allowed is a segment of 64 KiB for each of ten threads, spread over the messages.
        const int Messages = 10_000;
        await using var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = TestServer.AnyPort }, onStreams: true);
        server.Map(new WebSocketRoute("/ws", new Measured((peer, type, payload) => peer.Send(type, payload))));
        server.Start();
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)Eventually.Deadline.TotalMilliseconds };
        client.Connect(server.EndPoints[0]);
        client.Send(Wire.Ascii(Wire.Request("/ws")));
        byte[] back = new byte[1024];
        Assert.StartsWith("HTTP/1.1 101", Encoding.ASCII.GetString(back, 0, client.Receive(back)), StringComparison.Ordinal);
        byte[] frame = Wire.Binary(new byte[100]);
        long allocated = 0;
        for (int i = 0; i < 2 * Messages; i++)
        {
            if (i == Messages) allocated = -GC.GetTotalAllocatedBytes(precise: true);
            client.Send(frame);
            for (int count = 0; count < 102;) count += client.Receive(back);
        }

        allocated += GC.GetTotalAllocatedBytes(precise: true);
        Assert.InRange(allocated / Messages, 0, 64);
    }

    [Fact]
    public async Task Sends_from_another_thread_allocate_a_constant_on_either_side()
    {
        const int Messages = 20_000;
        WebSocketPeer? peer = null;
        long loop = 0;
        var handler = new Measured((sender, _, _) =>
        {
            peer = sender;
            loop = GC.GetAllocatedBytesForCurrentThread() - loop;
        });
        long sender = 0;
        await Run(handler, async client =>
        {
            byte[] back = new byte[22 * 20];
            await client.Send(Wire.Text("who are you"));
            await Eventually.True(() => Volatile.Read(ref peer) is not null, "the peer");
            async Task Produce(int batches)
            {
                for (int i = 0; i < batches; i++)
                {
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    SendTwenty(peer!);
                    sender += GC.GetAllocatedBytesForCurrentThread() - before;
                    await ReadExactly(client, back);
                }
            }

            await Produce(500);
            loop = sender = 0;
            await client.Send(Wire.Text("begin"));
            await Eventually.True(() => Volatile.Read(ref loop) != 0, "the loop's figure");
            await Produce(Messages / 20);
            long begin = loop;
            await client.Send(Wire.Text("end"));
            await Eventually.True(() => Volatile.Read(ref loop) != begin, "the loop's figure");
        });
        // Far less than a byte a message: a segment of the queue or an array of the pool here and there.
        Assert.InRange(loop, 0, Messages / 2);
        Assert.InRange(sender, 0, Messages * 2L);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_prepared_message_costs_an_allocation_each_and_none_for_a_peer(bool compresses)
    {
        const int Peers = 20;
        List<WebSocketPeer> peers = [];
        long allocated = 0;
        int count = 0;
        byte[] payload = new byte[1_000];
        var handler = new Measured((peer, _, _) =>
        {
            if (!peers.Contains(peer)) peers.Add(peer);
            if (peers.Count < Peers) return;
            if (++count == 500) allocated = -GC.GetAllocatedBytesForCurrentThread();
            if (count == 1_400) allocated += GC.GetAllocatedBytesForCurrentThread();
            var prepared = new PreparedMessage(WebSocketMessageType.Binary, payload);
            foreach (WebSocketPeer other in peers) other.Send(prepared);
        });
        var options = new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, Deflate = compresses ? new() : null };
        await using var server = new WebSocketServer(options);
        server.Map(new WebSocketRoute("/ws", handler));
        server.Start();
        List<RawClient> clients = [];
        for (int i = 0; i < Peers; i++)
        {
            clients.Add(await RawClient.Connect(server.EndPoints[0]));
            await clients[i].Upgrade("/ws", compresses ? ["Sec-WebSocket-Extensions: permessage-deflate"] : []);
            await clients[i].Send(Wire.Text("here"));
        }

        if (compresses) clients.ForEach(client => client.ExpectDeflate(15, keepsContext: true));
        for (int i = 1; i < 1_500; i++)
        {
            foreach (RawClient client in clients) Assert.Equal(payload.Length, (await client.Read()).Payload.Length);
            await clients[0].Send(Wire.Text("next"));
        }

        foreach (RawClient client in clients) client.Dispose();
        // The message and its array of windows, and where it is compressed its one compressed form: less than 16 bytes for a peer.
        Assert.InRange(allocated / 900, 1, 300);
    }

    // As many as the shared pool of arrays keeps over from one thread to the other; a longer burst allocates what is over it.
    private static void SendTwenty(WebSocketPeer peer)
    {
        Span<byte> payload = stackalloc byte[20];
        for (int i = 0; i < 20; i++) peer.Send(WebSocketMessageType.Binary, payload);
    }

    private static async Task Run(Measured handler, Func<RawClient, Task> use)
    {
        await using var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1 });
        server.Map(new WebSocketRoute("/ws", handler));
        server.Start();
        using RawClient client = await RawClient.Connect(server.EndPoints[0]);
        await client.Upgrade();
        await use(client);
    }

    private static async Task ReadExactly(RawClient client, Memory<byte> buffer)
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        for (; !buffer.IsEmpty;)
        {
            int count = await client.Socket.ReceiveAsync(buffer, deadline.Token);
            Assert.NotEqual(0, count);
            buffer = buffer[count..];
        }
    }

    private sealed class Measured(TestHandler.PayloadAction action) : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => action(peer, type, payload);
    }
}
