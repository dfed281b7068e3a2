using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Closing;

/// <summary>RFC 6455 section 7.1.5: connections that end without a closing handshake, or whose handshake is never finished. Reported once, as 1006.</summary>
public abstract class TransportEndTests(Driver driver)
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(4);

    public static TheoryData<string, bool> Ends
    {
        get
        {
            var ends = new TheoryData<string, bool>();
            foreach (string where in (string[])["between frames", "in a header", "in a payload", "in a large payload", "in a ping", "between fragments"])
            {
                ends.Add(where, false);
                ends.Add(where, true);
            }

            return ends;
        }
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task The_peer_goes(string where, bool reset)
    {
        byte[] unfinished = where switch
        {
            "between frames" => [],
            "in a header" => Wire.Text("abc")[..3],
            "in a payload" => Wire.Text("abc")[..8],
            "in a large payload" => Wire.Binary(new byte[1 << 20])[..500_000],
            "in a ping" => Wire.Ping("abc")[..8],
            _ => Wire.Frame(0x01, 65),
        };
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Concat([Wire.Text("whole"), unfinished]));
        await client.ReadText("whole");
        if (reset)
        {
            client.Reset();
        }
        else
        {
            client.EndSending(); // half-open: the client would still read, but there is nobody left to talk to
            await client.ReadEnd();
        }

        Assert.Equal(Without(CloseInitiator.TransportEnd), await handler.CloseCause());
        Assert.Equal(WebSocketState.Aborted, handler.Peer.ConnectionState);
        await server.NoConnections();
    }

    [Fact]
    public async Task Answers_to_what_came_before_the_end_arrive()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Concat(Enumerable.Range(0, 1000).Select(i => Wire.Text($"{i}"))));
        client.EndSending();
        for (int i = 0; i < 1000; i++) await client.ReadText($"{i}");
        await client.ReadEnd();
    }

    [Fact]
    public async Task The_peer_resets_while_much_waits_for_it()
    {
        var handler = new TestHandler { Message = (peer, _, _) => peer.Send(WebSocketMessageType.Binary, new byte[16 << 20]) };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("x"));
        await Eventually.True(() => handler.Opened.TryPeek(out WebSocketPeer? peer) && peer.BufferedBytes > 0, "BufferedBytes");
        client.Reset();
        Assert.Equal(Without(CloseInitiator.TransportEnd), await handler.CloseCause());
        await server.NoConnections();
        Assert.Equal(0, handler.Peer.BufferedBytes);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(100_000)]
    public async Task A_send_that_finds_the_connection_reset_says_Closed(int size)
    {
        using var entered = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        SendStatus status = SendStatus.Sent;
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                entered.Set();
                gate.Wait(Eventually.Deadline);
                // Small messages are gathered first: the kernel is asked when 64 KiB have come together. And the reset may take its time.
                bool SendSome()
                {
                    for (int sent = 0; sent < 100_000; sent += size) status = peer.Send(WebSocketMessageType.Binary, new byte[size]);
                    return status != SendStatus.Sent;
                }

                SpinWait.SpinUntil(SendSome, Eventually.Deadline);
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("x"));
        Assert.True(entered.Wait(Eventually.Deadline));
        client.Reset();
        gate.Set();
        Assert.Equal(Without(CloseInitiator.TransportEnd), await handler.CloseCause());
        Assert.Equal(SendStatus.Closed, status);
    }

    [Fact]
    public async Task RFC6455_7_1_4_the_peer_never_answers_the_close_frame()
    {
        var time = new ManualTime();
        var handler = new TestHandler { Open = peer => peer.Close() };
        await using TestServer server = Start(handler, time);
        using RawClient client = await server.Open();
        await client.ReadClose(1000);
        await client.Send(Wire.Text("still talking"));
        await time.AdvanceAndSweep(CloseTimeout - TimeSpan.FromMilliseconds(100));
        Assert.Empty(handler.Closed);
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Contains((await client.Read()).Kind, new[] { Got.End, Got.Reset });
        Assert.Equal(Without(CloseInitiator.Timeout), await handler.CloseCause());
        await server.NoConnections();
    }

    [Fact]
    public async Task The_peer_answers_the_close_frame_and_never_ends_TCP()
    {
        var time = new ManualTime();
        var handler = new TestHandler { Open = peer => peer.Close() };
        await using TestServer server = Start(handler, time);
        using RawClient client = await server.Open();
        await client.AnswerClose(1000);
        Assert.Equal(CloseInitiator.Local, (await handler.CloseCause()).Initiator); // the application need not wait for TCP
        await time.AdvanceAndSweep(CloseTimeout - TimeSpan.FromMilliseconds(100));
        Assert.Equal(1, server.Server.ConnectionCount);
        time.Advance(TimeSpan.FromMilliseconds(200));
        await server.NoConnections();
    }

    [Fact]
    public async Task The_peer_breaks_a_rule_and_never_ends_TCP()
    {
        var time = new ManualTime();
        var handler = new TestHandler();
        await using TestServer server = Start(handler, time);
        using RawClient client = await server.Open();
        await client.Send(new byte[] { 0x81, 0 });
        await client.ReadClose(1002);
        await client.ReadEnd();
        await client.Send(new byte[1000]);
        await time.AdvanceAndSweep(CloseTimeout + TimeSpan.FromMilliseconds(100));
        await server.NoConnections();
        Assert.Equal(ProtocolFault.UnmaskedClientFrame, (await handler.CloseCause()).Fault);
    }

    [Fact]
    public async Task The_peer_ends_TCP_instead_of_answering_the_close_frame()
    {
        var handler = new TestHandler { Open = peer => peer.Close() };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.ReadClose(1000);
        client.EndSending();
        await client.ReadEnd();
        Assert.Equal(Without(CloseInitiator.TransportEnd), await handler.CloseCause());
    }

    [Fact]
    public async Task A_peer_that_reads_slowly_gets_all_before_the_close_frame_however_long_it_takes()
    {
        var time = new ManualTime();
        using var metrics = new Metrics();
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                peer.Send(WebSocketMessageType.Binary, Wire.Noise(12 << 20));
                peer.Close();
            },
        };
        await using TestServer server = Start(handler, time, WebSocketTelemetry.For(metrics));
        using RawClient client = await server.Open(receiveBuffer: 64 * 1024);
        await client.Send(Wire.Text("x"));
        const string buffered = "websocket.server.buffered";
        await Eventually.True(() => metrics[buffered] > 0, buffered);
        double waits = metrics[buffered];
        byte[] piece = new byte[256 * 1024];
        int steps = 0;
        // A message of 12 MiB with its header, and a close frame with a code. The kernel asks for more in steps. What waits is counted at the end of a turn: when a step is seen
        // the next may have begun, and have put the deadline off already. So each takes less than half of the timeout, and together they take more.
        for (int received = 0; received < (12 << 20) + 10 + 4;)
        {
            received += await client.Socket.ReceiveAsync(piece).InTime();
            if (metrics[buffered] == waits) continue;
            waits = metrics[buffered];
            steps++;
            await time.AdvanceAndSweep(CloseTimeout * 0.45);
            Assert.Empty(handler.Closed);
        }

        Assert.True(steps >= 3, $"{steps} steps");
        await client.Send(Wire.Close(1000));
        Assert.Equal(0, await client.Socket.ReceiveAsync(piece).InTime());
        Assert.Equal(CloseInitiator.Local, (await handler.CloseCause()).Initiator);
    }

    private static CloseCause Without(CloseInitiator initiator) => new(initiator, CloseCause.Abnormal, "", ProtocolFault.None);

    private TestServer Start(TestHandler handler, ManualTime time, WebSocketTelemetry? telemetry = null)
    {
        var options = new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, CloseTimeout = CloseTimeout, TimeProvider = time, TickInterval = ManualTime.Tick,
        };
        return driver.Start(handler, telemetry is null ? options : options with { Telemetry = telemetry });
    }
}

public sealed class TransportEndOnLoops() : TransportEndTests(Driver.Loops);

public sealed class TransportEndOnStreams() : TransportEndTests(Driver.Streams);
