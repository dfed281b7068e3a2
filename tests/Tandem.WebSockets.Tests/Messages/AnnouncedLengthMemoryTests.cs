using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Messages;

/// <summary>RFC 6455 section 10.4: memory follows what has arrived, never what was announced.</summary>
[Collection(nameof(Alone))]
public sealed class AnnouncedLengthMemoryTests
{
    [Fact]
    public async Task A_thousand_refused_gigabytes_take_no_memory() =>
        await AssertSmall(new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1 }, long.MaxValue, async (client, server) =>
        {
            await client.ReadClose(1009);
            await client.ReadEnd();
            client.Dispose();
            await server.NoConnections();
        });

    [Fact]
    public async Task A_thousand_accepted_announcements_of_a_gigabyte_take_no_memory() =>
        await AssertSmall(new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, MaxMessageSize = 1 << 30 }, 1L << 30, async (client, _) =>
        {
            await client.Send(Wire.Frame(0x82, 1)); // part of the payload
            client.EndSending();
            await client.ReadEnd();
        });

    private static async Task AssertSmall(WebSocketServerOptions options, long length, Func<RawClient, TestServer, Task> rest)
    {
        await using TestServer server = TestServer.Start(TestHandler.Echo(), options);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < 1000; i++)
        {
            using RawClient client = await server.Open();
            await client.Send(Wire.LongHeader(0x82, length));
            await rest(client, server);
        }

        // Both ends together, the test's own client included: tens of kilobytes each, where one announcement is a gigabyte.
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 100L << 20);
    }
}
