using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.ClientLoop;

/// <summary>What a client's loop is for: many connections, and messages that cost no memory.</summary>
[Collection(nameof(Alone))]
public sealed class LoadTests
{
    [Fact]
    public async Task A_thousand_connections_of_one_thread_echo_and_are_all_closed_in_order()
    {
        const int Count = 1_000;
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Driver.Loops.Start(handler);
        int echoes = 0;
        HashSet<int> threads = [];
        await using LoopClient client = new LoopClient
        {
            Open = peer => peer.Send($"number {peer.State}"),
            Message = (peer, _, payload) =>
            {
                threads.Add(Environment.CurrentManagedThreadId);
                if (System.Text.Encoding.UTF8.GetString(payload) == $"number {peer.State}") Interlocked.Increment(ref echoes);
            },
        }.Start(server);
        for (int i = 0; i < Count; i++) client.Loop.Connect(i);
        await Eventually.Equal(Count, () => Volatile.Read(ref echoes), "echoes");
        Assert.Equal(Count, client.Loop.ConnectionCount);
        Assert.Single(threads);
        await client.Loop.StopAsync().InTime();
        await Eventually.Equal(Count, () => handler.Closed.Count, "closes");
        Assert.All(handler.Closed, closed => Assert.Equal(WebSocketCloseStatus.NormalClosure, closed.Cause.Status));
    }

    [Theory]
    [InlineData(20, 1_000, 11_000, false, 0)]
    [InlineData(1_000, 1_000, 6_000, false, 0)]
    [InlineData(1_000, 1_000, 6_000, true, 0)]
    // Over several receives: pooled, so a trimmed or contended pool may cost a buffer now and then, but not one a message.
    [InlineData(16 * 1024, 500, 4_500, false, 80 * 1024)]
    [InlineData(1 << 20, 20, 120, false, 6 << 20)]
    public async Task A_message_there_and_back_allocates_nothing(int size, int from, int to, bool compressed, long allowed)
    {
        DeflateOptions? deflate = compressed ? new DeflateOptions() : null;
        await using var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, Deflate = deflate });
        server.Map(new WebSocketRoute("/ws", new Echo()));
        server.Start();
        int count = 0;
        long allocated = 0;
        byte[] message = new byte[size];
        var done = new TaskCompletionSource();
        await using LoopClient client = new LoopClient
        {
            Open = peer => peer.Send(WebSocketMessageType.Binary, message),
            Message = (peer, type, payload) =>
            {
                if (++count == from) allocated = -GC.GetAllocatedBytesForCurrentThread();
                if (count == to)
                {
                    allocated += GC.GetAllocatedBytesForCurrentThread();
                    done.SetResult();
                }

                if (count < to) peer.Send(type, payload);
            },
        }.Start(new Uri($"ws://{server.EndPoints[0]}/ws"), server.EndPoints[0], new WebSocketClientOptions { Deflate = deflate });
        await client.Connect();
        await done.Task.InTime();
        Assert.InRange(allocated, 0, allowed);
    }

    [Fact]
    public async Task What_is_due_by_time_is_sent_in_the_turn_that_it_is_due_in()
    {
        await using TestServer server = Driver.Loops.Start(TestHandler.Echo());
        WebSocketPeer? open = null;
        int sent = 0;
        await using LoopClient client = new LoopClient
        {
            Open = peer => open = peer,
            // Without a wait, so that the test is over soon; what it is about is that nothing but the turn makes it go.
            Turn = () =>
            {
                if (open is null || sent == 100) return Timeout.InfiniteTimeSpan;
                open.Send($"{sent++}");
                return TimeSpan.Zero;
            },
        }.Start(server);
        await client.Connect();
        await Eventually.Equal(100, () => client.Messages.Count, "echoes");
    }

    private sealed class Echo : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);
    }
}
