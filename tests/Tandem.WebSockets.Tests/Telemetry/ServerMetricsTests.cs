using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Telemetry;

/// <summary>What docs/observability.md promises of a server, counted exactly, and the same on both drivers.</summary>
public abstract class ServerMetricsTests(Driver driver)
{
    private const int SmallBuffer = 32 * 1024;

    [Theory]
    [InlineData(1, 20)]
    [InlineData(100, 300)]
    [InlineData(5, 100_000)]
    public async Task An_echo_counts_every_message_and_every_byte_of_its_frames(int messages, int size)
    {
        using var metrics = new Metrics();
        await using TestServer server = Start(metrics, TestHandler.Echo());
        using RawClient client = await server.Open();
        Assert.Equal(1, metrics["websocket.server.connections"]);
        byte[] payload = Wire.Noise(size);
        byte[] frame = Wire.Binary(payload);
        for (int i = 0; i < messages; i++)
        {
            await client.Send(frame);
            await client.ReadMessage(Got.Binary, payload);
        }

        // A client's frame has a key of four bytes more. The handshake is not counted.
        await metrics.Becomes("websocket.server.messages{network.io.direction=receive}", messages);
        await metrics.Becomes("websocket.server.messages{network.io.direction=transmit}", messages);
        await metrics.Becomes("websocket.server.io{network.io.direction=receive}", messages * frame.Length);
        await metrics.Becomes("websocket.server.io{network.io.direction=transmit}", messages * (frame.Length - 4));
        Assert.Equal(["websocket.server.handshakes{http.response.status_code=101,websocket.handshake.outcome=accepted}: 1"], metrics.Of("websocket.server.handshakes"));

        await client.Send(Wire.Close(1000));
        await client.ReadClose(1000);
        await client.ReadEnd();
        client.Dispose();
        await metrics.Becomes("websocket.server.connections", 0);
        Assert.Equal(["websocket.server.closes{websocket.close.code=1000,websocket.close.initiator=peer}: 1"], metrics.Of("websocket.server.closes"));
        Assert.Equal((messages * frame.Length) + 8, metrics["websocket.server.io{network.io.direction=receive}"]);
        Assert.Equal((messages * (frame.Length - 4)) + 4, metrics["websocket.server.io{network.io.direction=transmit}"]);
        Assert.Equal(0, metrics["websocket.server.buffered"]);
    }

    [Fact]
    public async Task Bytes_behind_the_handshake_and_messages_in_fragments_count_as_what_they_are()
    {
        using var metrics = new Metrics();
        await using TestServer server = Start(metrics, TestHandler.Echo());
        using RawClient client = await server.Connect();
        byte[] first = Wire.Text("first");
        byte[] fragments = Wire.Fragments(WebSocketMessageType.Text, "second"u8, 2);
        await client.Send(Wire.Concat([Wire.Ascii(Wire.Request()), first]));
        await client.ReadAccepted();
        await client.ReadText("first");
        await client.SendInPieces(fragments, 1);
        await client.ReadText("second");
        await metrics.Becomes("websocket.server.messages{network.io.direction=receive}", 2);
        await metrics.Becomes("websocket.server.io{network.io.direction=receive}", first.Length + fragments.Length);
        await metrics.Becomes("websocket.server.io{network.io.direction=transmit}", 2 + 5 + 2 + 6);
    }

    [Theory]
    [InlineData("/other", "", "404", "no_such_route")]
    [InlineData("/ws", "Origin: http://elsewhere", "403", "origin_not_allowed")]
    [InlineData("/ws", "Sec-WebSocket-Protocol: a, a", "400", "invalid_subprotocols")]
    [InlineData("/ws", "X Name: a", "400", "invalid_field_name")]
    [InlineData("/ws?forbidden", "", "403", "forbidden")]
    [InlineData("/ws?login", "", "401", "401")]
    [InlineData("/ws?fail", "", "500", "handler_failed")]
    [InlineData("/ws?later", "", "401", "401")]
    public async Task A_refused_handshake_is_counted_by_status_and_reason(string target, string field, string status, string error)
    {
        using var metrics = new Metrics();
        var refused = new List<RefusedHandshake>();
        var handler = new TestHandler { Upgrade = Decide };
        await using TestServer server = Start(metrics, handler, options => options with { OnRefused = refused.Add });
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request(target, field.Length == 0 ? [] : [field]));
        Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.Equal(
            [$"websocket.server.handshakes{{error.type={error},http.response.status_code={status},websocket.handshake.outcome=refused}}: 1"],
            metrics.Of("websocket.server.handshakes"));
        RefusedHandshake told = Assert.Single(refused);
        Assert.Equal(client.Socket.LocalEndPoint, told.RemoteEndPoint);
        Assert.Equal(status, $"{told.StatusCode}");
        Assert.Equal(error == "401", told.Refusal == HandshakeRefusal.None);
        Assert.Equal(0, metrics["websocket.server.connections"]);
        await Eventually.Equal(error == "handler_failed" ? 1 : 0, () => metrics["websocket.server.errors{error.type=System.InvalidOperationException}"], "errors");

        static void Decide(in UpgradeRequest request, UpgradeContext context)
        {
            switch (System.Text.Encoding.ASCII.GetString(request.Query))
            {
                case "forbidden":
                    context.Refuse();
                    break;
                case "login":
                    context.Refuse(401, "log in first");
                    break;
                case "later":
                    context.Defer((_, _) =>
                    {
                        context.Refuse(401);
                        return Task.CompletedTask;
                    });
                    break;
                default:
                    throw new InvalidOperationException("broken");
            }
        }
    }

    [Fact]
    public async Task A_client_that_goes_before_it_is_answered_has_abandoned_its_handshake()
    {
        using var metrics = new Metrics();
        await using TestServer server = Start(metrics, TestHandler.Echo());
        using (RawClient client = await server.Connect())
        {
            await client.Send("GET /ws HTTP/1.1\r\n");
            await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
        }

        await metrics.Becomes("websocket.server.handshakes{error.type=abandoned,websocket.handshake.outcome=abandoned}", 1);
        Assert.Single(metrics.Of("websocket.server.handshakes"));
    }

    [Fact]
    public async Task A_handshake_that_waits_too_long_for_its_decision_is_counted_once()
    {
        using var metrics = new Metrics();
        var time = new ManualTime();
        var handler = new TestHandler
        {
            Upgrade = (in UpgradeRequest _, UpgradeContext context) => context.Defer((_, cancelled) =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return Task.Delay(Timeout.Infinite, cancelled);
            }),
        };
        await using TestServer server = Start(metrics, handler, options => options with { TimeProvider = time, TickInterval = ManualTime.Tick });
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request());
        Assert.StartsWith("HTTP/1.1 503 ", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.Equal(
            ["websocket.server.handshakes{error.type=decision_timed_out,http.response.status_code=503,websocket.handshake.outcome=refused}: 1"],
            metrics.Of("websocket.server.handshakes"));
    }

    [Theory]
    [InlineData(1000, "1000")]
    [InlineData(1011, "1011")]
    [InlineData(3017, "3xxx")]
    [InlineData(4999, "4xxx")]
    public async Task Close_codes_of_applications_are_counted_by_their_thousand(int code, string counted)
    {
        using var metrics = new Metrics();
        await using TestServer server = Start(metrics, new TestHandler { Message = (peer, _, _) => peer.Close((WebSocketCloseStatus)code) });
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("go"));
        await client.AnswerClose(code);
        await metrics.Becomes($"websocket.server.closes{{websocket.close.code={counted},websocket.close.initiator=local}}", 1);
        Assert.Single(metrics.Of("websocket.server.closes"));
    }

    [Fact]
    public async Task A_reset_a_fault_and_a_failing_handler_are_told_apart()
    {
        using var metrics = new Metrics();
        await using TestServer server = Start(metrics, new TestHandler { Message = (_, _, _) => throw new FormatException() });
        using (RawClient reset = await server.Open()) reset.Reset();
        await metrics.Becomes("websocket.server.closes{websocket.close.code=1006,websocket.close.initiator=transport_end}", 1);

        using RawClient fault = await server.Open();
        await fault.Send(new byte[] { 0x81, 0x01, (byte)'x' }); // section 5.1: a client's frame without a key
        await fault.ReadClose(1002);
        fault.Dispose();
        await metrics.Becomes("websocket.server.closes{websocket.close.code=1002,websocket.close.initiator=protocol_fault}", 1);
        Assert.Equal(["websocket.server.faults{error.type=unmasked_client_frame}: 1"], metrics.Of("websocket.server.faults"));

        using RawClient failing = await server.Open();
        await failing.Send(Wire.Text("go"));
        await failing.AnswerClose(1011);
        await metrics.Becomes("websocket.server.closes{websocket.close.code=1011,websocket.close.initiator=handler_error}", 1);
        Assert.Equal(["websocket.server.errors{error.type=System.FormatException}: 1"], metrics.Of("websocket.server.errors"));
        await metrics.Becomes("websocket.server.connections", 0);
    }

    [Fact]
    public async Task What_waits_for_a_stalled_peer_is_the_buffered_bytes_until_it_reads()
    {
        using var metrics = new Metrics();
        byte[] payload = Wire.Noise(8 << 20);
        WebSocketPeer? stalled = null;
        await using TestServer server = Start(metrics, new TestHandler
        {
            Message = (peer, type, _) =>
            {
                peer.Send(type, payload);
                stalled = peer;
            },
        });
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        await client.Send(Wire.Binary("go"u8));
        // The kernel takes a part; what is left stays, since nobody reads.
        await Eventually.True(() => stalled is not null && stalled.BufferedBytes is > 0 and var waiting && metrics["websocket.server.buffered"] == waiting, "what the peer says");
        Assert.InRange(metrics["websocket.server.buffered"], 1 << 20, 8 << 20);
        await client.ReadMessage(Got.Binary, payload);
        await metrics.Becomes("websocket.server.buffered", 0);
        await metrics.Becomes("websocket.server.io{network.io.direction=transmit}", payload.Length + 10);

        // And of one that never reads again, nothing stays counted.
        await client.Send(Wire.Binary("go"u8));
        await Eventually.True(() => metrics["websocket.server.buffered"] > 0, "buffered bytes");
        client.Reset();
        await metrics.Becomes("websocket.server.connections", 0);
        await metrics.Becomes("websocket.server.buffered", 0);
    }

    [Fact]
    public async Task Messages_that_the_overflow_policy_drops_are_counted()
    {
        using var metrics = new Metrics();
        int dropped = 0;
        await using TestServer server = Start(
            metrics,
            new TestHandler
            {
                Message = (peer, type, _) =>
                {
                    while (dropped < 20)
                    {
                        if (peer.Send(type, new byte[50_000]) == SendStatus.Dropped) dropped++;
                    }
                },
            },
            options => options with { MaxBufferedBytes = 1 << 20, OverflowPolicy = OverflowPolicy.DropMessage });
        using RawClient client = await server.Open(receiveBuffer: SmallBuffer);
        await client.Send(Wire.Binary("go"u8));
        await metrics.Becomes("websocket.server.dropped_messages", 20);
    }

    [Fact]
    public async Task Compression_is_counted_before_and_after()
    {
        using var metrics = new Metrics();
        await using TestServer server = Start(metrics, TestHandler.Echo(), options => options with { Deflate = new DeflateOptions() });
        using DeflateClient client = await DeflateClient.Open(server);
        byte[] payload = new byte[50_000];
        byte[] message = client.Message(WebSocketMessageType.Binary, payload);
        await client.Raw.Send(message);
        await client.Raw.ReadMessage(Got.Binary, payload);
        await metrics.Becomes("websocket.server.compression.io{network.io.direction=receive,websocket.compression.form=plain}", payload.Length);
        await metrics.Becomes("websocket.server.compression.io{network.io.direction=transmit,websocket.compression.form=plain}", payload.Length);
        // The client's frame is short, with a header of two bytes and a key; the server, which compresses faster, needs a header of four.
        Assert.Equal(message.Length - 6, metrics["websocket.server.compression.io{network.io.direction=receive,websocket.compression.form=compressed}"]);
        await metrics.Becomes(
            "websocket.server.io{network.io.direction=transmit}", // once the write is done, which the client may know first
            4 + metrics["websocket.server.compression.io{network.io.direction=transmit,websocket.compression.form=compressed}"]);
        Assert.InRange(metrics["websocket.compression.memory"], 100_000, long.MaxValue);
    }

    [Fact]
    public async Task A_prepared_message_counts_for_each_peer_that_it_is_sent_to()
    {
        using var metrics = new Metrics();
        var message = new PreparedMessage(WebSocketMessageType.Binary, new byte[10_000]);
        await using TestServer server = Start(metrics, new TestHandler { Open = peer => peer.Send(message) }, options => options with { Deflate = new DeflateOptions() });
        using DeflateClient compressed = await DeflateClient.Open(server);
        using RawClient plain = await server.Open();
        await compressed.Raw.ReadMessage(Got.Binary, new byte[10_000]);
        await plain.ReadMessage(Got.Binary, new byte[10_000]);
        await metrics.Becomes("websocket.server.messages{network.io.direction=transmit}", 2);
        await metrics.Becomes("websocket.server.compression.io{network.io.direction=transmit,websocket.compression.form=plain}", 10_000);
    }

    [Fact]
    public async Task The_end_of_every_connection_is_told_before_its_handler_is()
    {
        using var metrics = new Metrics();
        var told = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using TestServer server = Start(
            metrics,
            new TestHandler { Close = (_, cause) => told.Enqueue($"handler {cause.Initiator}") },
            options => options with { OnClosed = (_, cause) => told.Enqueue($"log {cause.Initiator} {(int)cause.Status}") });
        using (RawClient client = await server.Open())
        {
            await client.Send(Wire.Close(1001));
            await client.ReadClose(1001);
        }

        await server.NoConnections();
        Assert.Equal(["log Peer 1001", "handler Peer"], told);
    }

    private TestServer Start(Metrics metrics, TestHandler handler, Func<WebSocketServerOptions, WebSocketServerOptions>? configure = null)
    {
        var options = new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Telemetry = WebSocketTelemetry.For(metrics) };
        return driver.Start(handler, configure is null ? options : configure(options));
    }
}

public sealed class ServerMetricsOnLoops() : ServerMetricsTests(Driver.Loops);

public sealed class ServerMetricsOnStreams() : ServerMetricsTests(Driver.Streams);
