using System.Net;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Client;
using Tandem.WebSockets.Tests.Support;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>The client and the event-loop server of this project find to each other.</summary>
public sealed class EventLoopServerTests
{
    [Fact]
    public async Task A_connection_carries_frames_both_ways()
    {
        TestHandler handler = TestHandler.Echo();
        handler.Open = peer => peer.Send("welcome");
        await using TestServer server = TestServer.Start(
            handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error }, "chat", "superchat");
        ClientHandshakeResult result = await Connect(UriOf(server), new() { Subprotocols = ["other", "superchat"] });
        await using Stream stream = result.Stream;
        Assert.Equal("superchat", result.Subprotocol);
        await stream.WriteAsync(Wire.Text("hello"));
        // What was sent in OnOpen leaves with the answer to the handshake, so some or all of it is here already.
        byte[] expected = [0x81, 7, .. "welcome"u8, 0x81, 5, .. "hello"u8];
        byte[] received = new byte[expected.Length];
        result.Received.CopyTo(received, 0);
        await stream.ReadExactlyAsync(received.AsMemory(result.Received.Length)).AsTask().InTime();
        Assert.Equal(expected, received);
    }

    [Fact]
    public async Task What_the_server_refuses_arrives_as_it_says_it()
    {
        TestHandler handler = TestHandler.Echo();
        handler.Upgrade = (in UpgradeRequest request, UpgradeContext context) =>
        {
            if (request.GetCookie("id") is null) context.Refuse();
            else context.Headers.Add(new("Set-Cookie", "seen=1"));
        };
        await using TestServer server = TestServer.Start(handler);
        WebSocketConnectException failure = await Fails(UriOf(server), error: WebSocketError.NotAWebSocket);
        Assert.Equal((403, ClientHandshakeFault.UnexpectedStatus), (failure.Status, failure.Fault));
        Assert.Contains(HandshakeRefusal.Forbidden.Text(), Encoding.ASCII.GetString(failure.Body.Span), StringComparison.Ordinal);

        var cookies = new CookieContainer();
        cookies.Add(new Uri("http://127.0.0.1/"), new Cookie("id", "1"));
        await using Stream stream = (await Connect(UriOf(server), new() { Cookies = cookies })).Stream;
        Assert.Equal(2, cookies.Count);
    }

    [Fact]
    public async Task A_path_without_a_WebSocket_is_404()
    {
        await using TestServer server = TestServer.Start(TestHandler.Echo());
        WebSocketConnectException failure = await Fails(new Uri(UriOf(server), "/none"), error: WebSocketError.NotAWebSocket);
        Assert.Equal(404, failure.Status);
    }

    private static Uri UriOf(TestServer server) => new($"ws://{server.EndPoint}/ws");
}
