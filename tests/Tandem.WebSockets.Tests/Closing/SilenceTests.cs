using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Closing;

/// <summary>RFC 6455 section 5.5.2: keep-alive pings, and what becomes of peers that are silent. All by a clock that the test moves.</summary>
public abstract class SilenceTests(Driver driver)
{
    protected static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    protected static readonly TimeSpan Answer = TimeSpan.FromSeconds(20);
    protected static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    private protected ManualTime Time { get; } = new();
    private readonly TestHandler _handler = TestHandler.Echo();

    [Fact]
    public async Task A_silent_peer_is_pinged_after_the_interval_and_dropped_after_the_timeout()
    {
        await using TestServer server = Start(Timeout.InfiniteTimeSpan);
        using RawClient client = await OpenAsync(server);
        await Time.AdvanceAndSweep(Interval - Moment);
        Assert.False(client.Socket.Poll(0, SelectMode.SelectRead));
        Time.Advance(Moment);
        Received ping = await client.Read();
        Assert.Equal((Got.Ping, 0), (ping.Kind, ping.Payload.Length));
        await Time.AdvanceAndSweep(Answer - Moment);
        Assert.Equal(1, server.Server.ConnectionCount);
        Time.Advance(Moment);
        Assert.Contains((await client.Read()).Kind, new[] { Got.End, Got.Reset });
        Assert.Equal(new CloseCause(CloseInitiator.Timeout, CloseCause.Abnormal, "", ProtocolFault.None), await _handler.CloseCause());
        await server.NoConnections();
    }

    [Theory]
    [InlineData("a pong")]
    [InlineData("a message")]
    public async Task Any_byte_after_the_ping_keeps_the_connection(string sign)
    {
        int pongs = 0;
        _handler.Pong = (_, _, _) => Interlocked.Increment(ref pongs);
        await using TestServer server = Start(Timeout.InfiniteTimeSpan);
        using RawClient client = await OpenAsync(server);
        byte[] message = Wire.Text("0123456789");
        for (int i = 0; i < 5; i++)
        {
            Time.Advance(Interval + Moment);
            Assert.Equal(Got.Ping, (await client.Read()).Kind);
            await Time.AdvanceAndSweep(Answer - Moment);
            await client.Send(sign == "a pong" ? Wire.Pong("") : message);
            if (sign == "a message") await client.ReadText("0123456789");
            if (sign == "a pong") await Eventually.Equal(i + 1, () => Volatile.Read(ref pongs), "OnPong");
            await Time.Sweep();
            Assert.Equal(1, server.Server.ConnectionCount);
        }

        Assert.Empty(_handler.Closed);
    }

    [Fact]
    public async Task A_peer_that_talks_is_not_pinged()
    {
        await using TestServer server = Start(Timeout.InfiniteTimeSpan);
        using RawClient client = await OpenAsync(server);
        for (int i = 0; i < 10; i++)
        {
            await Time.AdvanceAndSweep(Interval - Moment);
            await client.Send(Wire.Text("x"));
            await client.ReadText("x"); // and not a ping
        }
    }

    [Fact]
    public async Task A_peer_without_a_message_for_IdleTimeout_is_closed_with_1001_although_it_answers_pings()
    {
        await using TestServer server = Start(TimeSpan.FromSeconds(100));
        using RawClient client = await OpenAsync(server);
        int pongs = 0;
        _handler.Pong = (_, _, _) => Interlocked.Increment(ref pongs);
        await client.Send(Wire.Text("x"));
        await client.ReadText("x");
        for (int i = 0; i < 3; i++)
        {
            Time.Advance(Interval + Moment);
            Assert.Equal(Got.Ping, (await client.Read()).Kind);
            await client.Send(Wire.Pong(""));
            await Eventually.Equal(i + 1, () => Volatile.Read(ref pongs), "OnPong");
            await Time.Sweep();
        }

        Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal("idle", (await client.ReadClose(1001)).Reason);
        await client.Send(Wire.Close(1001));
        await client.ReadEnd();
        Assert.Equal((CloseInitiator.Timeout, WebSocketCloseStatus.EndpointUnavailable), ((await _handler.CloseCause()) is var cause ? (cause.Initiator, cause.Status) : default));
    }

    [Fact]
    public async Task Messages_put_off_the_idle_timeout_and_no_ping_is_sent_for_it()
    {
        await using TestServer server = driver.Start(_handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, TimeProvider = Time, TickInterval = ManualTime.Tick,
            KeepAliveInterval = Timeout.InfiniteTimeSpan, KeepAliveTimeout = Answer, IdleTimeout = TimeSpan.FromSeconds(10),
        });
        using RawClient client = await OpenAsync(server);
        for (int i = 0; i < 10; i++)
        {
            await Time.AdvanceAndSweep(TimeSpan.FromSeconds(7));
            await client.Send(Wire.Text("x"));
            await client.ReadText("x"); // and not a ping, which would be a surprise where keep-alive is off
        }

        Time.Advance(TimeSpan.FromSeconds(10.5));
        await client.ReadClose(1001);
    }

    [Fact]
    public async Task Nothing_is_sent_to_a_silent_peer_when_keep_alive_is_off()
    {
        await using TestServer server = driver.Start(_handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, TimeProvider = Time, TickInterval = ManualTime.Tick, KeepAliveInterval = Timeout.InfiniteTimeSpan,
        });
        using RawClient client = await OpenAsync(server);
        await Time.AdvanceAndSweep(TimeSpan.FromDays(10));
        await client.Send(Wire.Text("x"));
        await client.ReadText("x");
    }

    [Fact]
    public async Task A_peer_that_does_not_read_is_dropped_like_a_silent_one()
    {
        _handler.Open = peer => peer.Send(WebSocketMessageType.Binary, new byte[16 << 20]);
        await using TestServer server = Start(Timeout.InfiniteTimeSpan);
        using RawClient client = await OpenAsync(server, receiveBuffer: 64 * 1024);
        await Eventually.True(() => _handler.Peer.BufferedBytes > 0, "BufferedBytes");
        await Time.AdvanceAndSweep(Interval + Moment);
        Assert.Equal(1, server.Server.ConnectionCount);
        await Time.AdvanceAndSweep(Answer + Moment);
        Assert.Equal(CloseInitiator.Timeout, (await _handler.CloseCause()).Initiator);
        await server.NoConnections();
    }

    /// <summary>From here on its time counts: where streams are served, OnOpen may run behind the answer.</summary>
    private protected async Task<RawClient> OpenAsync(TestServer server, int receiveBuffer = 0)
    {
        RawClient client = await server.Open(receiveBuffer: receiveBuffer);
        await Eventually.Equal(1, () => _handler.Opened.Count, "OnOpen");
        return client;
    }

    private protected TestServer Start(TimeSpan idle) => driver.Start(_handler, new WebSocketServerOptions
    {
        EndPoints = TestServer.AnyPort, Loops = 1, OnError = _handler.Error, TimeProvider = Time, TickInterval = ManualTime.Tick,
        KeepAliveInterval = Interval, KeepAliveTimeout = Answer, IdleTimeout = idle,
    });
}

public sealed class SilenceOnLoops() : SilenceTests(Driver.Loops)
{
    // Only of a loop can be said from outside when it has read: before the second turn from now.
    [Fact]
    public async Task A_single_byte_after_the_ping_keeps_the_connection()
    {
        await using TestServer server = Start(Timeout.InfiniteTimeSpan);
        using RawClient client = await OpenAsync(server);
        byte[] message = Wire.Text("0123456789");
        for (int i = 0; i < 5; i++)
        {
            Time.Advance(Interval + Moment);
            Assert.Equal(Got.Ping, (await client.Read()).Kind);
            await Time.AdvanceAndSweep(Answer - Moment);
            await client.Send(message.AsMemory(i, 1));
            await Time.Sweep(); // surely read
            Assert.Equal(1, server.Server.ConnectionCount);
        }
    }
}

public sealed class SilenceOnStreams() : SilenceTests(Driver.Streams);
