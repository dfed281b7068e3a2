using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>The bounds that the options set: what a message may be, and what compression may take. The memory is the process's, so these tests run alone.</summary>
[Collection(nameof(Alone))]
public sealed class BoundsTests
{
    [Fact]
    public async Task A_message_above_the_options_size_is_refused_with_1009()
    {
        await using TestApp app = await StartAsync(new TandemWebSocketOptions { MaxMessageSize = 5 });
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Upgrade();
        await client.Send(Wire.Text("fives"));
        await client.ReadText("fives");
        await client.Send(Wire.Text("sixsix"));
        Assert.Equal(ProtocolFault.MessageTooBig.Text(), (await client.ReadClose(1009)).Reason);
    }

    [Fact]
    public async Task A_message_of_more_than_the_options_fragments_is_refused_with_1008()
    {
        await using TestApp app = await StartAsync(new TandemWebSocketOptions { MaxFragments = 2 });
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Upgrade();
        await client.Send(Wire.Concat([Wire.Frame(0x01), Wire.Frame(0x00), Wire.Frame(0x00)]));
        Assert.Equal(ProtocolFault.TooManyFragments.Text(), (await client.ReadClose(1008)).Reason);
    }

    [Theory]
    [InlineData(Door.Http1)]
    [InlineData(Door.H2c)]
    public async Task When_the_compression_budget_runs_out_connections_keep_no_context_and_then_go_uncompressed(Door door)
    {
        const int budget = 1 << 20; // one connection with contexts fits under three quarters of it
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved before");
        await using TestApp app = await StartAsync(new TandemWebSocketOptions { Deflate = new DeflateOptions(), DeflateMemoryBudget = budget }, door);
        var clients = new List<ClientWebSocket>();
        try
        {
            var granted = new List<string?>();
            do
            {
                clients.Add(await OpenAsync(app));
                granted.Add(Extensions(clients[^1]));
                await clients[^1].RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(10_000));
            }
            while (granted[^1] is not null && clients.Count < 100);
            Assert.Equal("permessage-deflate", granted[0]);
            Assert.Null(granted[^1]);
            Assert.All(granted[1..^1], answer => Assert.Equal("permessage-deflate; server_no_context_takeover; client_no_context_takeover", answer));
            Assert.InRange(granted.Count, 3, 99);
            Assert.InRange(DeflateBudget.Reserved, 1, budget);
        }
        finally
        {
            foreach (ClientWebSocket client in clients) client.Dispose();
        }

        // What they held is free again.
        await Eventually.Equal(0, () => DeflateBudget.Reserved, "reserved after");
        using ClientWebSocket next = await OpenAsync(app);
        Assert.Equal("permessage-deflate", Extensions(next));
    }

    [Fact]
    public async Task Compression_that_one_acceptance_asks_for_counts_as_well()
    {
        await using TestApp app = await TestApp.StartAsync(
            Door.Http1,
            Endpoints.Echo(new() { DangerousEnableCompression = true }),
            app => app.UseTandemWebSockets(new TandemWebSocketOptions { DeflateMemoryBudget = 0 }));
        using ClientWebSocket client = await OpenAsync(app);
        Assert.Null(Extensions(client));
        await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(10_000));
    }

    private static Task<TestApp> StartAsync(TandemWebSocketOptions options, Door door = Door.Http1) =>
        TestApp.StartAsync(door, Endpoints.Echo(), app => app.UseTandemWebSockets(options));

    private static Task<ClientWebSocket> OpenAsync(TestApp app) =>
        app.ConnectAsync(options => options.DangerousDeflateOptions = new WebSocketDeflateOptions());

    private static string? Extensions(ClientWebSocket client) =>
        client.HttpResponseHeaders!.TryGetValue("Sec-WebSocket-Extensions", out IEnumerable<string>? answer) ? Assert.Single(answer) : null;
}
