using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Connections;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Telemetry;

/// <summary>What is counted of a <see cref="WebSocketConnection"/>, by its role, and of a client's way to one.</summary>
public sealed class ConnectionMetricsTests
{
    [Fact]
    public async Task A_client_counts_its_handshake_its_messages_and_its_end()
    {
        using var metrics = new Metrics();
        await using TestServer server = TestServer.Start(TestHandler.Echo());
        using (WebSocketConnection client = await Connect(server, metrics))
        {
            Assert.Equal(["websocket.client.handshakes{http.response.status_code=101,websocket.handshake.outcome=accepted}: 1"], metrics.Of("websocket.client.handshakes"));
            Assert.Equal(1, metrics["websocket.client.connections"]);
            byte[] buffer = new byte[200];
            for (int i = 0; i < 10; i++)
            {
                await client.SendAsync(new byte[100].AsMemory(), WebSocketMessageType.Binary, i % 2 == 1, default); // two fragments make a message
                if (i % 2 == 0) continue;
                for (int received = 0; received < 200;) received += (await client.ReceiveAsync(buffer.AsMemory(received), default)).Count;
            }

            Assert.Equal(5, metrics["websocket.client.messages{network.io.direction=transmit}"]);
            Assert.Equal(5, metrics["websocket.client.messages{network.io.direction=receive}"]);
            Assert.Equal(10 * (6 + 100), metrics["websocket.client.io{network.io.direction=transmit}"]);
            Assert.Equal(5 * (4 + 200), metrics["websocket.client.io{network.io.direction=receive}"]);
            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
        }

        Assert.Equal(0, metrics["websocket.client.connections"]);
        Assert.Equal(0, metrics["websocket.client.buffered"]);
        Assert.Equal(["websocket.client.closes{websocket.close.code=1000,websocket.close.initiator=local}: 1"], metrics.Of("websocket.client.closes"));
        Assert.Empty(metrics.Of("websocket.server.messages"));
    }

    [Fact]
    public async Task A_client_that_is_refused_counts_status_and_rule_and_one_that_reaches_nobody_the_step()
    {
        using var metrics = new Metrics();
        var options = new WebSocketClientOptions { Connection = new WebSocketConnectionOptions { Telemetry = WebSocketTelemetry.For(metrics) } };
        var closed = new Uri($"ws://127.0.0.1:{Ports.Free()}/ws");
        await using TestServer server = TestServer.Start(TestHandler.Echo());
        await Assert.ThrowsAsync<WebSocketException>(() => WebSocketClient.ConnectAsync(new Uri($"ws://{server.EndPoint}/other"), options).InTime());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => WebSocketClient.ConnectAsync(closed, options, new CancellationToken(canceled: true)).InTime());
        await Assert.ThrowsAsync<WebSocketException>(() => WebSocketClient.ConnectAsync(closed, options).InTime());
        Assert.Equal(
            [
                "websocket.client.handshakes{error.type=abandoned,websocket.handshake.outcome=abandoned}: 1",
                "websocket.client.handshakes{error.type=dial,websocket.handshake.outcome=failed}: 1",
                "websocket.client.handshakes{error.type=unexpected_status,http.response.status_code=404,websocket.handshake.outcome=refused}: 1",
            ],
            metrics.Of("websocket.client.handshakes"));
        Assert.Equal(0, metrics["websocket.client.connections"]);
    }

    [Fact]
    public async Task What_waits_behind_a_stalled_write_is_buffered_until_it_is_written()
    {
        using var metrics = new Metrics();
        (DuplexStream left, DuplexStream right) = DuplexStream.Pair();
        using var reader = right;
        using var connection = new WebSocketConnection(left, new WebSocketConnectionOptions { Telemetry = WebSocketTelemetry.For(metrics) });
        left.Stall();
        Task[] sends = [.. Enumerable.Range(0, 3).Select(_ => connection.SendAsync(new byte[1000].AsMemory(), WebSocketMessageType.Binary, true, default).AsTask())];
        using var cancelled = new CancellationTokenSource();
        Task taken = connection.SendAsync(new byte[50].AsMemory(), WebSocketMessageType.Binary, true, cancelled.Token).AsTask();
        Assert.Equal(3050, metrics["websocket.server.buffered"]);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taken.InTime());
        Assert.Equal(3000, metrics["websocket.server.buffered"]);
        left.Resume();
        await Task.WhenAll(sends).InTime();
        Assert.Equal(0, metrics["websocket.server.buffered"]);
        Assert.Equal(3, metrics["websocket.server.messages{network.io.direction=transmit}"]);
        Assert.Equal(3 * 1004, metrics["websocket.server.io{network.io.direction=transmit}"]);
    }

    [Fact]
    public async Task Of_a_connection_that_ends_with_messages_waiting_nothing_stays_counted()
    {
        using var metrics = new Metrics();
        (DuplexStream left, DuplexStream right) = DuplexStream.Pair();
        using var reader = right;
        var connection = new WebSocketConnection(left, new WebSocketConnectionOptions { Telemetry = WebSocketTelemetry.For(metrics) });
        left.Stall();
        Task[] sends = [.. Enumerable.Range(0, 3).Select(_ => connection.SendAsync(new byte[1000].AsMemory(), WebSocketMessageType.Binary, true, default).AsTask())];
        Assert.Equal(3000, metrics["websocket.server.buffered"]);
        connection.Dispose();
        foreach (Task send in sends) await Assert.ThrowsAnyAsync<Exception>(() => send.InTime());
        Assert.Equal(0, metrics["websocket.server.buffered"]);
        Assert.Equal(0, metrics["websocket.server.connections"]);
        Assert.Equal(0, metrics["websocket.server.messages{network.io.direction=transmit}"]);
        Assert.Equal(["websocket.server.closes{websocket.close.code=1006,websocket.close.initiator=local}: 1"], metrics.Of("websocket.server.closes"));
    }

    [Fact]
    public async Task A_fault_of_the_server_is_one_of_the_clients_metrics()
    {
        using var metrics = new Metrics();
        (DuplexStream left, DuplexStream right) = DuplexStream.Pair();
        using var server = right;
        using (var client = new WebSocketConnection(left, new WebSocketConnectionOptions { Role = WebSocketRole.Client, Telemetry = WebSocketTelemetry.For(metrics) }))
        {
            await server.WriteAsync(Wire.Text("masked"));
            await Assert.ThrowsAsync<WebSocketException>(() => client.ReceiveAsync(new byte[10].AsMemory(), default).AsTask().InTime());
        }

        Assert.Equal(["websocket.client.faults{error.type=masked_server_frame}: 1"], metrics.Of("websocket.client.faults"));
        Assert.Equal(["websocket.client.closes{websocket.close.code=1002,websocket.close.initiator=protocol_fault}: 1"], metrics.Of("websocket.client.closes"));
        Assert.Equal(Wire.Text("masked").Length, metrics["websocket.client.io{network.io.direction=receive}"]);
    }

    [Fact]
    public async Task Compression_is_counted_before_and_after()
    {
        using var metrics = new Metrics();
        var handler = TestHandler.Echo();
        await using TestServer server = Driver.Loops.Start(
            handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Deflate = new DeflateOptions() });
        using WebSocketConnection client = await Connect(server, metrics, new DeflateOptions());
        byte[] message = new byte[10_000];
        await client.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, default);
        for (int received = 0; received < message.Length;) received += (await client.ReceiveAsync(message.AsMemory(received), default)).Count;
        foreach (string direction in (string[])["receive", "transmit"])
        {
            string series = $"websocket.client.compression.io{{network.io.direction={direction},websocket.compression.form=";
            Assert.Equal(message.Length, metrics[series + "plain}"]);
            // A frame of up to 125 bytes has a header of two, and the client's a key.
            Assert.Equal(metrics[$"websocket.client.io{{network.io.direction={direction}}}"] - (direction == "receive" ? 2 : 6), metrics[series + "compressed}"]);
        }
    }

    private static Task<WebSocketConnection> Connect(TestServer server, Metrics metrics, DeflateOptions? deflate = null) =>
        WebSocketClient.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws"), new WebSocketClientOptions
        {
            Deflate = deflate,
            Connection = new WebSocketConnectionOptions { Telemetry = WebSocketTelemetry.For(metrics) },
        }).InTime();
}
