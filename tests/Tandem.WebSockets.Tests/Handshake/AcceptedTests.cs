using System.Net;
using System.Net.WebSockets;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Handshake;

/// <summary>RFC 6455 section 4.2: handshakes that succeed, what the handler sees of the request, and what it can do to the answer.</summary>
public abstract class AcceptedTests(Driver driver)
{
    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(100)]
    [InlineData(1)]
    public async Task A_request_in_pieces_is_answered_like_a_whole_one(int size)
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Connect();
        await client.SendInPieces(Wire.Ascii(Wire.Request()), size);
        Assert.Equal(
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Wire.Accept}\r\n\r\n",
            await client.ReadAccepted());
        await client.Send(Wire.Text("hello"));
        await client.ReadText("hello");
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(7)]
    public async Task Frames_right_behind_the_request_are_read_after_it(int size)
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Connect();
        byte[] large = Wire.Noise(40_000);
        byte[] all = [.. Wire.Ascii(Wire.Request()), .. Wire.Text("one"), .. Wire.Ping("two"), .. Wire.Binary(large), .. Wire.Close(1000)];
        await client.SendInPieces(all, size == 7 ? 997 : size);
        await client.ReadAccepted();
        await client.ReadText("one");
        Assert.Equal("two", (await client.Read()).Text);
        await client.ReadMessage(Got.Binary, large);
        await client.ReadClose(1000);
        await client.ReadEnd();
    }

    [Fact]
    public async Task What_OnOpen_sends_comes_right_behind_the_answer()
    {
        var handler = new TestHandler
        {
            Open = peer =>
            {
                peer.Send("welcome");
                peer.Send(WebSocketMessageType.Binary, Wire.Noise(100_000));
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.ReadText("welcome");
        await client.ReadMessage(Got.Binary, Wire.Noise(100_000));
    }

    [Fact]
    public async Task Several_routes_on_one_port_go_to_their_own_handlers()
    {
        var first = new TestHandler { Open = peer => peer.Send("first") };
        var second = new TestHandler { Open = peer => peer.Send("second") };
        var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1 });
        server.Map(new WebSocketRoute("/a", first));
        server.Map(new WebSocketRoute("/b%20c", second));
        Assert.Throws<InvalidOperationException>(() => server.Map(new WebSocketRoute("/a", second)));
        server.Start();
        Assert.Throws<InvalidOperationException>(() => server.Map(new WebSocketRoute("/c", second)));
        using RawClient one = await RawClient.Connect(server.EndPoints[0]);
        await one.Upgrade("/a");
        await one.ReadText("first");
        using RawClient two = await RawClient.Connect(server.EndPoints[0]);
        await two.Upgrade("/b%20c?query=/a");
        await two.ReadText("second");
        one.Dispose();
        two.Dispose();
        await server.StopAsync().InTime();
    }

    [Theory]
    [InlineData("b, a", "b")]
    [InlineData("x, a, b", "a")]
    [InlineData("x, y", null)]
    [InlineData(null, null)]
    public async Task The_client_prefers_among_the_subprotocols_of_the_route(string? offered, string? chosen)
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler, Defaults(handler), "a", "b");
        using RawClient client = await server.Connect();
        string head = await client.Upgrade("/ws", offered is null ? [] : [$"Sec-WebSocket-Protocol: {offered}"]);
        if (chosen is null) Assert.DoesNotContain("Sec-WebSocket-Protocol", head, StringComparison.Ordinal);
        else Assert.Contains($"\r\nSec-WebSocket-Protocol: {chosen}\r\n", head, StringComparison.Ordinal);
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        Assert.Equal(chosen, handler.Peer.Subprotocol);
    }

    [Fact]
    public async Task The_handler_chooses_another_subprotocol_and_adds_fields_and_state()
    {
        var handler = new TestHandler
        {
            Upgrade = (in UpgradeRequest request, UpgradeContext context) =>
            {
                Assert.Equal("a", context.Subprotocol);
                context.Subprotocol = "z";
                context.Headers.Add(new("Set-Cookie", "seen=1"));
                context.Headers.Add(new("X-Served-By", "tests"));
                context.State = $"{request.GetCookie("id")}|{request.GetQuery("room")}|{request.GetHeader("x-more")}|{context.RemoteEndPoint.Address}";
            },
        };
        await using TestServer server = driver.Start(handler, Defaults(handler), "a");
        using RawClient client = await server.Connect();
        string head = await client.Upgrade("/ws?room=a%20b+c&x=1", "Cookie: theme=dark; id=42", "Sec-WebSocket-Protocol: z, a", "X-More: more");
        Assert.Contains("\r\nSec-WebSocket-Protocol: z\r\nSet-Cookie: seen=1\r\nX-Served-By: tests\r\n\r\n", head, StringComparison.Ordinal);
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        Assert.Equal("42|a b c|more|127.0.0.1", handler.Peer.State);
        Assert.Equal("z", handler.Peer.Subprotocol);
        Assert.Equal(((IPEndPoint)client.Socket.LocalEndPoint!).Port, handler.Peer.RemoteEndPoint.Port);
        Assert.Empty(handler.Errors);
    }

    [Fact]
    public async Task The_context_of_one_handshake_leaves_nothing_to_the_next()
    {
        bool first = true;
        var handler = new TestHandler
        {
            Upgrade = (in UpgradeRequest request, UpgradeContext context) =>
            {
                if (first)
                {
                    context.State = "left over";
                    context.Headers.Add(new("X-Left", "over"));
                    context.Refuse(HandshakeRefusal.NoSuchRoute);
                }

                first = false;
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient refused = await server.Connect();
        await refused.Send(Wire.Request());
        Assert.StartsWith("HTTP/1.1 404 ", await refused.ReadToEnd(), StringComparison.Ordinal);
        using RawClient client = await server.Connect();
        Assert.DoesNotContain("X-Left", await client.Upgrade(), StringComparison.Ordinal);
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        Assert.Null(handler.Peer.State);
    }

    [Theory]
    [InlineData("subprotocol")]
    [InlineData("splitting")]
    [InlineData("too long")]
    [InlineData("no such refusal")]
    public async Task An_answer_that_would_be_wrong_is_500_and_reported(string mistake)
    {
        var handler = new TestHandler
        {
            Upgrade = (in UpgradeRequest request, UpgradeContext context) =>
            {
                if (request.Query.IsEmpty) return;
                if (mistake == "subprotocol") context.Subprotocol = "never offered";
                else if (mistake == "splitting") context.Headers.Add(new("X", "a\r\nSet-Cookie: b=c"));
                else if (mistake == "too long") context.Headers.Add(new("X", new string('a', HttpHead.MaxLength)));
                else context.Refuse((HandshakeRefusal)200);
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request("/ws?wrong"));
        Assert.StartsWith("HTTP/1.1 500 ", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.IsType<ArgumentException>(Assert.Single(handler.Errors).Exception, exactMatch: false);
        using RawClient other = await server.Open();
    }

    [Theory]
    [InlineData("http://localhost/ws?x=1")]
    [InlineData("ws://other.example:99/ws?x=1")]
    public async Task RFC9112_3_2_2_an_absolute_target_finds_its_route(string target)
    {
        string? seen = null;
        var handler = new TestHandler { Upgrade = (in UpgradeRequest request, UpgradeContext _) => seen = $"{request.GetQuery("x")} {System.Text.Encoding.ASCII.GetString(request.Host)}" };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Connect();
        await client.Upgrade(target);
        Assert.Equal("1 " + new Uri(target).Authority, seen);
    }

    [Fact]
    public async Task A_server_listens_on_IPv6_and_on_several_endpoints()
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = [new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.IPv6Loopback, 0)], Loops = 1,
        });
        Assert.Equal(2, server.Server.EndPoints.Count);
        using RawClient four = await server.Open();
        using RawClient six = await RawClient.Connect(server.Server.EndPoints[1]);
        await six.Upgrade();
        await Eventually.Equal(2, () => handler.Opened.Count, "OnOpen");
        Assert.Equal(["127.0.0.1", "::1"], handler.Opened.Select(peer => peer.RemoteEndPoint.Address.ToString()));
    }

    private static WebSocketServerOptions Defaults(TestHandler handler) => new() { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error };
}

public sealed class AcceptedOnLoops() : AcceptedTests(Driver.Loops);

public sealed class AcceptedOnStreams() : AcceptedTests(Driver.Streams);
