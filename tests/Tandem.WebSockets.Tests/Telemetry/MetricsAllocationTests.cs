using System.Net.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Telemetry;

/// <summary>Who listens to the metrics does not make a message cost more than the additions that it costs anyway.</summary>
[Collection(nameof(Alone))]
public sealed class MetricsAllocationTests
{
    [Fact]
    public async Task With_a_listener_attached_an_echo_allocates_nothing_for_a_message()
    {
        const int From = 1_000;
        const int To = 11_000;
        using var metrics = new Metrics();
        int count = 0;
        long allocated = -1;
        var handler = new Measured((peer, type, payload) =>
        {
            count++;
            if (count == From) allocated = -GC.GetAllocatedBytesForCurrentThread();
            if (count == To) allocated += GC.GetAllocatedBytesForCurrentThread();
            peer.Send(type, payload);
        });
        await using var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, Telemetry = WebSocketTelemetry.For(metrics) });
        server.Map(new WebSocketRoute("/ws", handler));
        server.Start();
        using RawClient client = await RawClient.Connect(server.EndPoints[0]);
        await client.Upgrade();
        byte[] payload = Wire.Noise(20);
        byte[] frame = Wire.Binary(payload);
        for (int i = 0; i < To; i++)
        {
            await client.Send(frame);
            await client.ReadMessage(Got.Binary, payload);
            if (i % 1_000 == 0) Assert.InRange(metrics["websocket.server.messages{network.io.direction=receive}"], i + 1, i + 1); // it does listen
        }

        Assert.Equal(0, allocated);
    }

    private sealed class Measured(TestHandler.PayloadAction action) : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => action(peer, type, payload);
    }
}
