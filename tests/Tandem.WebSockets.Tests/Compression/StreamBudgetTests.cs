using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Connections;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Compression;

/// <summary>
/// The process's compression memory, as far as connections over streams take it. Like <see cref="DeflateBudgetTests"/> these tests run alone.
/// </summary>
[Collection(nameof(Alone))]
public sealed class StreamBudgetTests
{
    private static readonly DeflateParameters Kept = new(false, false, 15, 15);
    private static readonly DeflateParameters Forgotten = new(true, true, 15, 15);

    [Theory]
    [InlineData(WebSocketRole.Server, false, false, 15, 9)]
    [InlineData(WebSocketRole.Client, false, false, 15, 9)]
    [InlineData(WebSocketRole.Server, true, false, 12, 10)]
    [InlineData(WebSocketRole.Client, true, false, 12, 10)]
    [InlineData(WebSocketRole.Server, false, true, 12, 10)]
    [InlineData(WebSocketRole.Client, false, true, 12, 10)]
    public async Task What_a_connection_may_come_to_hold_is_counted(WebSocketRole role, bool serverForgets, bool clientForgets, int serverBits, int clientBits)
    {
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved before");
        bool server = role == WebSocketRole.Server;
        int inbound = MessageInflater.MemoryFor(server ? clientBits : serverBits);
        int outbound = (server ? serverForgets : clientForgets) ? 0 : MessageDeflater.MemoryFor(server ? serverBits : clientBits, 3);
        using (Subject.Create(Options(new DeflateParameters(serverForgets, clientForgets, serverBits, clientBits)) with { Role = role, DeflateOptions = new DeflateOptions { MemoryLevel = 3 } }))
        {
            Assert.Equal(inbound + outbound, DeflateBudget.Reserved);
        }

        Assert.Equal(0, DeflateBudget.Reserved);
    }

    [Fact]
    public void Without_compression_nothing_is_counted()
    {
        using Subject subject = Subject.Create(new WebSocketConnectionOptions());
        Assert.Equal(0, DeflateBudget.Reserved);
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public async Task A_connection_gives_back_its_share_however_it_ends(WebSocketRole role)
    {
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved before");
        Dictionary<string, Func<Subject, Task>> ends = new()
        {
            ["abort"] = subject => Task.Run(subject.Socket.Abort),
            ["dispose"] = subject => Task.Run(subject.Socket.Dispose),
            ["the peer is gone"] = subject => Task.Run(subject.Peer.Dispose),
            ["a fault"] = async subject =>
            {
                await subject.Peer.SendFrameAsync(0x83);
                await subject.Peer.ReadFrameAsync();
                subject.Socket.Dispose();
            },
            ["a close from here"] = async subject =>
            {
                await subject.Socket.ShutOutputAsync();
                await subject.Peer.SendCloseAsync(1000);
                subject.Peer.Dispose();
            },
            ["a close from the peer"] = async subject =>
            {
                await subject.Peer.SendCloseAsync(1000);
                await Waits.UntilAsync(() => subject.Socket.State == WebSocketState.CloseReceived);
                await Task.WhenAll(subject.Socket.ShutOutputAsync(), Task.Run(subject.Peer.Dispose));
            },
        };
        foreach ((string how, Func<Subject, Task> end) in ends)
        {
            foreach (bool receives in (bool[])[false, true])
            {
                using Subject subject = Subject.Create(Options(Kept) with { Role = role });
                await subject.Socket.PutAsync(new string('x', 1000));
                await subject.Peer.ReadFrameAsync();
                Task receive = receives || how != "abort" && how != "dispose" ? subject.Socket.TakeAsync() : Task.CompletedTask;
                Assert.InRange(DeflateBudget.Reserved, 1, 1 << 20);
                await end(subject).InTime();
                await Record.ExceptionAsync(() => receive);
                await Eventually.Equal(0, () => DeflateBudget.Reserved, $"reserved after {how}");
            }
        }
    }

    [Fact]
    public async Task A_connection_that_its_owner_has_lost_gives_back_its_share_when_it_is_collected()
    {
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved before");
        Lose();
        await Eventually.True(Collected, "the share");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Lose()
        {
            _ = Subject.Create(Options(Kept));
            Assert.InRange(DeflateBudget.Reserved, 1, 1 << 20);
        }

        static bool Collected()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return DeflateBudget.Reserved == 0;
        }
    }

    [Fact]
    public async Task What_connections_over_streams_hold_the_event_loop_cannot_grant_any_more()
    {
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved before");
        var handler = TestHandler.Echo();
        await using TestServer server = TestServer.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Deflate = new DeflateOptions(), DeflateMemoryBudget = 1 << 20,
        });
        Assert.Equal("permessage-deflate", await AnswerAsync());
        using (Subject.Create(Options(Kept)))
        {
            using (Subject.Create(Options(Kept) with { Role = WebSocketRole.Client }))
            {
                Assert.Equal("permessage-deflate; server_no_context_takeover; client_no_context_takeover", await AnswerAsync());
                using (Subject.Create(Options(Kept))) Assert.Null(await AnswerAsync());
            }
        }

        Assert.Equal("permessage-deflate", await AnswerAsync());

        async Task<string?> AnswerAsync()
        {
            using DeflateClient client = await DeflateClient.Open(server);
            client.Dispose();
            await server.NoConnections();
            return client.Answer;
        }
    }

    [Fact]
    public void A_grant_is_what_was_asked_for_then_no_contexts_then_nothing()
    {
        var options = new DeflateOptions { ServerMaxWindowBits = 12, Level = 6 };
        int inbound = MessageInflater.MemoryFor(15);
        int kept = inbound + MessageDeflater.MemoryFor(12, 8);
        Assert.Same(options, DeflateBudget.Grant(DeflateBudget.DefaultBytes, options));
        long budget = (kept + 2) / 3 * 4; // three quarters of it are enough for one
        Assert.Same(options, DeflateBudget.Grant(budget, options));
        DeflateOptions forgetting = options with { ServerNoContextTakeover = true, ClientNoContextTakeover = true };
        Assert.Equal(forgetting, DeflateBudget.Grant(budget - 4, options));
        Assert.Equal(forgetting, DeflateBudget.Grant(inbound, options));
        Assert.Null(DeflateBudget.Grant(inbound - 1, options));
        Assert.Null(DeflateBudget.Grant(0, options));
        Assert.Throws<ArgumentNullException>(() => DeflateBudget.Grant(0, null!));
    }

    [Fact]
    public async Task Connections_that_keep_no_context_hold_none_between_messages()
    {
        const int count = 500;
        string text = new('x', 2_000);
        var pairs = new (WebSocketConnection Sender, WebSocketConnection Receiver)[count];
        long before = 0;
        for (int i = 0; i < count; i++)
        {
            (DuplexStream left, DuplexStream right) = DuplexStream.Pair();
            pairs[i] = (new WebSocketConnection(left, Options(Forgotten)), new WebSocketConnection(right, Options(Forgotten) with { Role = WebSocketRole.Client }));
            await pairs[i].Sender.PutAsync(text);
            (await pairs[i].Receiver.TakeAsync(3_000)).Is(2_000, WebSocketMessageType.Text, true);
            if (i == 20) before = Environment.WorkingSet;
        }

        // A compressor of each would be about 200 KB more.
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 40L << 20);
        foreach ((WebSocketConnection sender, WebSocketConnection receiver) in pairs)
        {
            sender.Dispose();
            receiver.Dispose();
        }
    }

    [Fact]
    public async Task Contexts_that_connections_share_serve_one_message_at_a_time()
    {
        const int count = 12;
        await Task.WhenAll(Enumerable.Range(0, count).Select(id => Task.Run(() => ExchangeAsync(id))));

        static async Task ExchangeAsync(int id)
        {
            (DuplexStream left, DuplexStream right) = DuplexStream.Pair(StreamTraits.AsynchronousWrites);
            using var sender = new WebSocketConnection(left, Options(Forgotten));
            using var receiver = new WebSocketConnection(right, Options(Forgotten) with { Role = WebSocketRole.Client });
            byte[] buffer = new byte[20_000];
            for (int i = 0; i < 300; i++)
            {
                string text = string.Concat(Enumerable.Repeat($"{id}:{i};", 1 + (i * 7 % 1500)));
                if (i % 3 == 0) await sender.PutAsync(text[..(text.Length / 2)], endOfMessage: false);
                await sender.PutAsync(i % 3 == 0 ? text[(text.Length / 2)..] : text);
                int length = 0;
                ValueWebSocketReceiveResult result;
                do
                {
                    result = await receiver.ReceiveAsync(buffer.AsMemory(length), default).AsTask().InTime();
                    length += result.Count;
                }
                while (!result.EndOfMessage);
                Assert.Equal(text, System.Text.Encoding.UTF8.GetString(buffer, 0, length));
            }
        }
    }

    private static WebSocketConnectionOptions Options(DeflateParameters parameters) =>
        new() { Deflate = parameters, KeepAliveInterval = Timeout.InfiniteTimeSpan };
}
