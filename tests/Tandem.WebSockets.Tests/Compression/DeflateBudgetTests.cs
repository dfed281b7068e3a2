using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Compression;

/// <summary>
/// The memory that compression may take: contexts while there is room for them, then only for one message at a time, then none. The
/// budget is the process's, so these tests run alone.
/// </summary>
[Collection(nameof(Alone))]
public sealed class DeflateBudgetTests
{
    private const string Kept = "permessage-deflate";
    private const string Forgotten = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    [Fact]
    public async Task The_first_connections_keep_contexts_later_ones_none_and_later_ones_are_not_compressed()
    {
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved before");
        await using TestServer server = Start(TestHandler.Echo(), budget: 1 << 20);
        for (int round = 0; round < 2; round++)
        {
            List<DeflateClient> clients = [];
            for (int i = 0; i < 40; i++)
            {
                clients.Add(await DeflateClient.Open(server));
                await Eventually.Equal(clients.Count, () => server.Server.ConnectionCount, "connections");
                Assert.InRange(DeflateBudget.Reserved, 1, 1 << 20);
            }

            string?[] answers = [.. clients.Select(client => client.Answer)];
            int kept = Array.LastIndexOf(answers, Kept) + 1;
            int compressed = Array.FindLastIndex(answers, answer => answer is not null) + 1;
            Assert.Equal(Enumerable.Repeat<string?>(Kept, kept).Concat(Enumerable.Repeat<string?>(Forgotten, compressed - kept)).Concat(Enumerable.Repeat<string?>(null, 40 - compressed)), answers.AsEnumerable());
            Assert.InRange(kept, 1, 10);
            Assert.InRange(compressed, kept + 2, 35);

            foreach (DeflateClient client in clients)
            {
                byte[] text = Wire.TextBytes(3_000);
                await client.Raw.Send(client.Answer is null ? Wire.Message(WebSocketMessageType.Text, text) : client.Message(WebSocketMessageType.Text, text));
                Received received = await client.Raw.Read();
                Assert.Equal((Got.Text, 3_000, client.Answer is not null), (received.Kind, received.Payload.Length, received.Compressed));
            }

            // What one of them gives back goes to the next.
            clients[0].Dispose();
            await Eventually.Equal(39, () => server.Server.ConnectionCount, "connections");
            using (DeflateClient next = await DeflateClient.Open(server)) Assert.NotNull(next.Answer);
            foreach (DeflateClient client in clients) client.Dispose();
            await server.NoConnections();
            Assert.Equal(0, DeflateBudget.Reserved);
        }
    }

    [Fact]
    public async Task With_no_budget_nothing_is_compressed()
    {
        await using TestServer server = Start(TestHandler.Echo(), budget: 0);
        using DeflateClient client = await DeflateClient.Open(server);
        Assert.Null(client.Answer);
    }

    [Fact]
    public async Task A_connection_gives_back_its_share_however_it_ends()
    {
        Dictionary<string, byte[]?> ends = new()
        {
            ["a reset"] = null, ["FIN"] = [], ["a close"] = Wire.Close(1000), ["a fault"] = Wire.Frame(0xFF), ["bad data"] = Wire.Frame(0x80, 0x07, 0xFF),
        };
        await using TestServer server = Start(TestHandler.Echo(), budget: 1 << 30);
        foreach ((string how, byte[]? end) in ends)
        {
            using DeflateClient client = await DeflateClient.Open(server);
            // In the middle of a message.
            await client.Raw.Send(client.Frame(WebSocketMessageType.Text, Wire.TextBytes(5_000), endOfMessage: false));
            await Eventually.True(() => DeflateBudget.Reserved > 0, "reserved");
            if (end is null) client.Raw.Reset();
            else if (end.Length == 0) client.Raw.EndSending();
            else await client.Raw.Send(end);
            if (end is not null) Assert.Equal(end.Length == 0 ? Got.End : Got.Close, (await client.Raw.Read()).Kind);
            client.Dispose();
            await server.NoConnections();
            Assert.True(DeflateBudget.Reserved == 0, how);
        }
    }

    [Fact]
    public async Task A_refused_handshake_reserves_nothing()
    {
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved before");
        var handler = new TestHandler { Upgrade = (in _, context) => context.Refuse() };
        await using TestServer server = Start(handler, budget: 1 << 30);
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request("/ws", "Sec-WebSocket-Extensions: permessage-deflate"));
        Assert.StartsWith("HTTP/1.1 403", await client.ReadHead(), StringComparison.Ordinal);
        Assert.Equal(0, DeflateBudget.Reserved);
    }

    [Fact]
    public async Task Two_thousand_connections_dropped_in_the_middle_of_messages_leave_no_memory_behind()
    {
        byte[] text = Wire.TextBytes(5_000);
        var handler = new TestHandler { Message = (peer, type, payload) => peer.Send(type, payload, WebSocketMessageFlags.None) };
        await using TestServer server = Start(handler, budget: 1 << 30);
        async Task Drop(int times)
        {
            for (int i = 0; i < times; i++)
            {
                using DeflateClient client = await DeflateClient.Open(server);
                byte[] messages = [.. client.Message(WebSocketMessageType.Text, text), .. client.Frame(WebSocketMessageType.Text, text, endOfMessage: false)];
                await client.Raw.Send(messages);
                await client.Raw.ReadFrame();
                client.Raw.Reset();
            }

            await server.NoConnections();
        }

        await Drop(200);
        long before = Environment.WorkingSet;
        await Drop(2_000); // 2,000 times a third of a megabyte, if they were not freed
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 150L << 20);
        Assert.Equal(0, DeflateBudget.Reserved);
    }

    [Fact]
    public async Task RFC6455_10_4_a_bomb_is_closed_with_1009_and_takes_no_memory()
    {
        var handler = TestHandler.Echo();
        await using TestServer server = TestServer.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Deflate = new DeflateOptions(), MaxMessageSize = 2 << 20,
        });
        using DeflateClient maker = await DeflateClient.Open(server);
        byte[] zeros = new byte[1 << 24];
        byte[] bomb = [.. Enumerable.Range(1, 64).SelectMany(i => maker.Frame(WebSocketMessageType.Binary, zeros, endOfMessage: i == 64))];
        Assert.InRange(bomb.Length, 1, 2 << 20);
        GC.Collect();
        long before = Environment.WorkingSet;
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < 20; i++)
        {
            using DeflateClient client = await DeflateClient.Open(server);
            Task sending = client.Raw.Send(bomb);
            await client.Raw.ReadClose(1009);
            await sending;
        }

        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 100L << 20);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - allocated, 0, 100L << 20);
    }

    private static TestServer Start(TestHandler handler, long budget) => TestServer.Start(handler, new WebSocketServerOptions
    {
        EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Deflate = new DeflateOptions(), DeflateMemoryBudget = budget,
    });
}
