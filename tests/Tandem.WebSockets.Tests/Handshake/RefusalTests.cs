using System.Net;
using System.Net.Sockets;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Handshake;

/// <summary>
/// Every reason for which the server answers a handshake with an HTTP error: status line, fields and the one line of the body arrive, and
/// then the connection ends in order, with nothing of the answer lost to a reset.
/// </summary>
public abstract class RefusalTests(Driver driver)
{
    private static readonly Dictionary<HandshakeRefusal, string> Requests = new()
    {
        [HandshakeRefusal.InvalidCharacter] = "GET /ws HTTP/1.1\nHost: localhost\n\n",
        [HandshakeRefusal.ObsoleteFolding] = Wire.Request("/ws", "X-Folded: a", " b"),
        [HandshakeRefusal.InvalidFieldName] = Wire.Request("/ws", "X Name: a"),
        [HandshakeRefusal.InvalidRequestLine] = "GET /ws\r\nHost: localhost\r\n\r\n",
        [HandshakeRefusal.InvalidTarget] = Wire.Request("ws"),
        [HandshakeRefusal.TargetTooLong] = "GET /" + new string('a', HttpHead.MaxLength),
        [HandshakeRefusal.HeadTooLong] = "GET /ws HTTP/1.1\r\nX: " + new string('a', HttpHead.MaxLength),
        [HandshakeRefusal.TooManyFields] = Wire.Request("/ws", [.. Enumerable.Repeat("X: y", 64)]),
        [HandshakeRefusal.HttpVersionNot11] = Wire.Request().Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal),
        [HandshakeRefusal.MethodNotGet] = Wire.Request().Replace("GET", "POST", StringComparison.Ordinal),
        [HandshakeRefusal.InvalidHost] = Wire.Request("/ws", "Host: again"),
        [HandshakeRefusal.UnexpectedBody] = Wire.Request("/ws", "Content-Length: 5") + "hello",
        [HandshakeRefusal.NotAnUpgrade] = "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
        [HandshakeRefusal.ConnectionNotUpgrade] = Wire.Request().Replace("Connection: Upgrade", "Connection: close", StringComparison.Ordinal),
        [HandshakeRefusal.MissingKey] = Wire.Request().Replace("Sec-WebSocket-Key", "X-Key", StringComparison.Ordinal),
        [HandshakeRefusal.InvalidKey] = Wire.Request().Replace(Wire.Key, "dGhlIHNhbXBsZSBub25jZQ=", StringComparison.Ordinal),
        [HandshakeRefusal.UnsupportedVersion] = Wire.Request().Replace("Version: 13", "Version: 8", StringComparison.Ordinal),
        [HandshakeRefusal.InvalidOrigin] = Wire.Request("/ws", "Origin: http://localhost", "Origin: http://localhost"),
        [HandshakeRefusal.InvalidSubprotocols] = Wire.Request("/ws", "Sec-WebSocket-Protocol: a, a"),
        [HandshakeRefusal.InvalidExtensions] = Wire.Request("/ws", "Sec-WebSocket-Extensions: a;;b"),
        [HandshakeRefusal.NoSuchRoute] = Wire.Request("/other"),
        [HandshakeRefusal.OriginNotAllowed] = Wire.Request("/ws", "Origin: http://elsewhere"),
        [HandshakeRefusal.HandlerFailed] = Wire.Request("/ws?fail"),
        [HandshakeRefusal.Forbidden] = Wire.Request("/ws?forbidden"),
    };

    public static TheoryData<HandshakeRefusal> Refusals => [.. Requests.Keys];

    [Fact]
    public void Every_refusal_is_covered() =>
        Assert.Equal(
            Enum.GetValues<HandshakeRefusal>().Except(Requests.Keys),
            [
                HandshakeRefusal.None, // and those that need drafts, or a state of the server, which have tests in Drafts and below
                HandshakeRefusal.InvalidDraftKey,
                HandshakeRefusal.TooManyConnections,
                HandshakeRefusal.TooManyConnectionsFromAddress,
                HandshakeRefusal.Stopping,
                HandshakeRefusal.TimedOut,
                HandshakeRefusal.DecisionTimedOut,
            ]);

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Is_answered_with_its_status_and_line_and_ends_in_order(HandshakeRefusal refusal)
    {
        await using TestServer server = driver.Start(Refusing());
        using RawClient client = await server.Connect();
        await client.Send(Requests[refusal]);
        AssertAnswer(refusal, await client.ReadToEnd());
        Assert.Empty(server.Handler.Opened);
        client.Dispose();
        await server.NoConnections();
    }

    [Theory]
    [InlineData(HandshakeRefusal.NoSuchRoute)]
    [InlineData(HandshakeRefusal.InvalidKey)]
    [InlineData(HandshakeRefusal.HandlerFailed)]
    public async Task Is_answered_alike_when_the_request_comes_byte_by_byte(HandshakeRefusal refusal)
    {
        await using TestServer server = driver.Start(Refusing());
        using RawClient client = await server.Connect();
        await client.SendInPieces(Wire.Ascii(Requests[refusal]), 1);
        AssertAnswer(refusal, await client.ReadToEnd());
    }

    [Fact]
    public async Task Is_not_lost_to_a_reset_when_the_client_goes_on_sending()
    {
        await using TestServer server = driver.Start(Refusing());
        using RawClient client = await server.Connect();
        byte[] more = new byte[64 * 1024];
        await client.Send(Requests[HandshakeRefusal.NoSuchRoute]);
        for (int i = 0; i < 16; i++) await client.Send(more);
        AssertAnswer(HandshakeRefusal.NoSuchRoute, await client.ReadToEnd());
        await client.Send(more); // its own side is still open: what it sends is read and forgotten
        client.EndSending();
        await server.NoConnections();
    }

    [Fact]
    public async Task A_client_that_never_ends_a_refused_connection_is_dropped_after_CloseTimeout()
    {
        var time = new ManualTime();
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, TimeProvider = time, TickInterval = ManualTime.Tick, CloseTimeout = TimeSpan.FromSeconds(3),
        });
        using RawClient client = await server.Connect();
        await client.Send(Requests[HandshakeRefusal.NoSuchRoute]);
        AssertAnswer(HandshakeRefusal.NoSuchRoute, await client.ReadToEnd());
        await time.AdvanceAndSweep(TimeSpan.FromSeconds(2.9));
        Assert.Equal(1, server.Server.ConnectionCount);
        time.Advance(TimeSpan.FromSeconds(0.2));
        await server.NoConnections();
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /ws HTTP/1.1\r\nHost: loc")]
    public async Task A_request_that_is_not_complete_in_time_gets_408(string part)
    {
        var time = new ManualTime();
        await using TestServer server = driver.Start(new TestHandler(), new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, TimeProvider = time, TickInterval = ManualTime.Tick, HandshakeTimeout = TimeSpan.FromSeconds(7),
        });
        using RawClient client = await server.Connect();
        await client.Send(part);
        using RawClient next = await server.Connect();
        await Eventually.Equal(2, () => server.Server.ConnectionCount, "ConnectionCount"); // before a second one is counted the first has its deadline
        await time.AdvanceAndSweep(TimeSpan.FromSeconds(6.9));
        Assert.False(client.Socket.Poll(0, SelectMode.SelectRead));
        time.Advance(TimeSpan.FromSeconds(0.2));
        AssertAnswer(HandshakeRefusal.TimedOut, await client.ReadToEnd());
    }

    [Fact]
    public async Task A_connection_over_the_limit_gets_503_until_another_one_has_gone()
    {
        await using TestServer server = driver.Start(new TestHandler(), new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, MaxConnections = 2 });
        using RawClient first = await server.Open();
        using RawClient second = await server.Open();
        using (RawClient third = await server.Connect())
        {
            await third.Send(Wire.Request());
            AssertAnswer(HandshakeRefusal.TooManyConnections, await third.ReadToEnd());
        }

        first.Dispose();
        await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
        using RawClient fourth = await server.Open();
    }

    [Fact]
    public async Task A_burst_over_the_limit_fills_it_exactly_whatever_loop_a_connection_is_dealt_to()
    {
        using var gate = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        var handler = new TestHandler
        {
            Message = (_, _, _) =>
            {
                entered.Set();
                gate.Wait(Eventually.Deadline);
            },
        };
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 4, MaxConnections = 21 });
        // The first connection is dealt to the loop that accepts. While that is held up, the others gather; then it deals them all at once.
        using RawClient first = await server.Open();
        await first.Send(Wire.Text("hold"));
        Assert.True(entered.Wait(Eventually.Deadline));
        RawClient[] clients = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => server.Connect()));
        gate.Set();
        await Eventually.Equal(41, () => server.Server.ConnectionCount, "ConnectionCount");
        int accepted = 0;
        foreach (RawClient client in clients)
        {
            await client.Send(Wire.Request());
            if ((await client.ReadHead()).StartsWith("HTTP/1.1 101", StringComparison.Ordinal)) accepted++;
        }

        foreach (RawClient client in clients) client.Dispose();
        Assert.Equal(20, accepted);
    }

    [Fact]
    public async Task One_address_over_its_limit_gets_503_and_another_address_gets_in()
    {
        await using TestServer server = driver.Start(new TestHandler(), new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, MaxConnectionsPerAddress = 1 });
        using RawClient first = await server.Open();
        using (RawClient second = await server.Connect())
        {
            await second.Send(Wire.Request());
            AssertAnswer(HandshakeRefusal.TooManyConnectionsFromAddress, await second.ReadToEnd());
        }

        using RawClient elsewhere = await server.Open(IPAddress.Parse("127.0.0.2"));
        Assert.Contains(server.Handler.Opened, peer => peer.RemoteEndPoint.Address.ToString() == "127.0.0.2");
        first.Dispose();
        await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
        using RawClient third = await server.Open();
    }

    [Fact]
    public async Task A_handshake_in_progress_gets_503_when_the_server_stops()
    {
        await using TestServer server = driver.Start(new TestHandler());
        using RawClient client = await server.Connect();
        await client.Send("GET /ws HTTP/1.1\r\n");
        await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
        Task stopped = server.Server.StopAsync();
        AssertAnswer(HandshakeRefusal.Stopping, await client.ReadToEnd());
        client.Dispose();
        await stopped.InTime();
    }

    [Fact]
    public async Task A_client_that_goes_before_its_request_is_complete_leaves_nothing()
    {
        await using TestServer server = driver.Start(new TestHandler());
        for (int i = 0; i < 3; i++)
        {
            RawClient client = await server.Connect();
            await client.Send("GET /ws HTTP/1.1\r\nHost: loc");
            await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
            if (i == 0) client.Reset();
            else client.Dispose();
            await server.NoConnections();
        }
    }

    private static TestHandler Refusing() => new()
    {
        Upgrade = (in UpgradeRequest request, UpgradeContext context) =>
        {
            if (request.Query.SequenceEqual("fail"u8)) throw new InvalidOperationException("as asked");
            if (request.Query.SequenceEqual("forbidden"u8)) context.Refuse();
        },
    };

    private static void AssertAnswer(HandshakeRefusal refusal, string answer)
    {
        int status = refusal.Status();
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        string[] parts = answer.Split("\r\n\r\n");
        Assert.Equal(2, parts.Length);
        string phrase = parts[0].Split("\r\n")[0][13..];
        Assert.Equal($"{status} {phrase}: {refusal.Text()}\n", parts[1]);
        string[] fields = parts[0].Split("\r\n")[1..];
        Assert.Contains($"Content-Length: {parts[1].Length}", fields);
        Assert.Contains(status == 426 ? "Connection: Upgrade, close" : "Connection: close", fields);
        if (status == 426) Assert.Contains("Sec-WebSocket-Version: 13", fields); // RFC 6455 section 4.4
        if (status == 405) Assert.Contains("Allow: GET", fields);
    }
}

public sealed class RefusalOnLoops() : RefusalTests(Driver.Loops);

public sealed class RefusalOnStreams() : RefusalTests(Driver.Streams);
