using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Handshake;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>RFC 6455 section 4.1, item 3 and RFC 9110 section 9.3.6: the way through a proxy is CONNECT, and the proxy resolves the name.</summary>
public sealed class ProxyTests
{
    [Theory]
    [InlineData("ws", "HTTP/1.1 200 Connection established")]
    [InlineData("ws", "HTTP/1.0 200 OK")]
    [InlineData("ws", "HTTP/1.1 299 Whatever\r\nContent-Length: 5\r\nTransfer-Encoding: chunked")]
    [InlineData("wss", "HTTP/1.1 200 Connection established")]
    public async Task A_tunnel_leads_to_the_server(string scheme, string answer)
    {
        string? request = null;
        async Task Script(ScriptedPeer peer) => await peer.Send(ScriptedPeer.Switching(request = await peer.ReadHead()));
        await using ScriptedServer server = scheme == "wss" ? ScriptedServer.StartTls(Certificates.Server, Script) : ScriptedServer.Start(Script);
        await using ConnectProxy proxy = ConnectProxy.Start(answer: answer);
        // The name is for the proxy to look up: here it has no addresses.
        WebSocketClientOptions options = new() { Proxy = new WebProxy(proxy.Uri), ConfigureTls = Certificates.Trust, Headers = [new("X-Secret", "for the server")] };
        await using Stream stream = (await Connect(server.Uri(scheme: scheme, host: "localhost"), options)).Stream;
        string head = Assert.Single(proxy.Requests);
        Assert.Equal($"CONNECT localhost:{server.EndPoint.Port} HTTP/1.1\r\nHost: localhost:{server.EndPoint.Port}\r\n\r\n", head);
        Assert.Equal("for the server", ScriptedPeer.Field(request!, "X-Secret"));
        Assert.Null(ScriptedPeer.Field(request!, "Proxy-Authorization"));
    }

    [Theory]
    [InlineData("ws://name.example/", "name.example:80")]
    [InlineData("wss://name.example/", "name.example:443")]
    [InlineData("ws://[::1]/", "[::1]:80")]
    [InlineData("ws://b\u00FCcher.example:81/", "xn--bcher-kva.example:81")]
    public async Task The_port_always_stands_in_CONNECT(string uri, string authority)
    {
        string? head = null;
        await using ScriptedServer proxy = ScriptedServer.Start(async peer =>
        {
            head = await peer.ReadHead();
            await peer.Send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        });
        await Fails(new Uri(uri), new() { Proxy = new WebProxy(proxy.Uri(scheme: "http")) }, error: WebSocketError.NotAWebSocket);
        Assert.StartsWith($"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n", head!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Credentials_are_sent_to_the_proxy(bool inUri)
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer => await peer.Send(ScriptedPeer.Switching(await peer.ReadHead())));
        await using ConnectProxy proxy = ConnectProxy.Start("me:p:\u00FC");
        var web = inUri
            ? new WebProxy(new Uri($"http://me:p%3A%C3%BC@127.0.0.1:{proxy.EndPoint.Port}"))
            : new WebProxy(proxy.Uri) { Credentials = new NetworkCredential("me", "p:\u00FC") };
        await using Stream stream = (await Connect(server.Uri(), new() { Proxy = web })).Stream;
    }

    [Fact]
    public async Task A_proxy_that_refuses_says_why()
    {
        await using ConnectProxy proxy = ConnectProxy.Start("me:secret");
        var web = new WebProxy(proxy.Uri) { Credentials = new NetworkCredential("me", "wrong") };
        var cookies = new CookieContainer();
        WebSocketConnectException failure = await Fails(new Uri("ws://name.example/"), new() { Proxy = web, Cookies = cookies }, error: WebSocketError.NotAWebSocket);
        Assert.Equal((WebSocketConnectPhase.Proxy, 407, null), (failure.Phase, failure.Status, failure.Fault));
        Assert.Contains(new("Proxy-Authenticate", "Basic realm=\"p\""), failure.Headers);
        Assert.Equal("who are", Encoding.ASCII.GetString(failure.Body.Span));
        Assert.DoesNotContain("wrong", failure.ToString(), StringComparison.Ordinal);
        Assert.Single(proxy.Requests); // no second try
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("HTTP/1.1 200\n\n")]
    public async Task A_proxy_that_does_not_speak_HTTP_is_refused(string answer)
    {
        await using ScriptedServer proxy = ScriptedServer.AnsweringAnything(answer);
        WebSocketConnectException failure = await Fails(
            new Uri("ws://name.example/"), new() { Proxy = new WebProxy(proxy.Uri(scheme: "http")) }, error: WebSocketError.NotAWebSocket);
        Assert.Equal((WebSocketConnectPhase.Proxy, ClientHandshakeFault.InvalidHead), (failure.Phase, failure.Fault));
        Assert.StartsWith("The proxy ", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n")]
    [InlineData("")]
    public async Task A_proxy_whose_answer_is_no_tunnel_is_a_failure(string answer)
    {
        await using ScriptedServer proxy = ScriptedServer.AnsweringAnything(answer);
        WebSocketException outer = await Assert.ThrowsAsync<WebSocketException>(
            () => Connect(new Uri("ws://name.example/"), new() { Proxy = new WebProxy(proxy.Uri(scheme: "http")) }));
        Assert.Equal(WebSocketConnectPhase.Proxy, Assert.IsType<WebSocketConnectException>(outer.InnerException).Phase);
    }

    [Fact]
    public async Task A_proxy_that_is_not_there_is_a_failure_to_dial()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        WebSocketConnectException failure = await Fails(new Uri("ws://name.example/"), new() { Proxy = new WebProxy($"http://{closed.LocalEndPoint}") });
        Assert.Equal(WebSocketConnectPhase.Dial, failure.Phase);
    }

    [Fact]
    public async Task A_host_that_bypasses_the_proxy_is_dialled()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer => await peer.Send(ScriptedPeer.Switching(await peer.ReadHead())));
        await using Stream stream = (await Connect(server.Uri(), new() { Proxy = new WebProxy("http://127.0.0.1:1") { BypassList = [@"127\.0\.0\.1"] } })).Stream;
    }

    [Theory]
    [InlineData("socks5://127.0.0.1:1")]
    [InlineData("https://127.0.0.1:1")]
    public Task A_proxy_that_is_not_spoken_to_over_http_is_refused(string proxy) =>
        Assert.ThrowsAsync<ArgumentException>(() => Connect(new Uri("ws://name.example/"), new() { Proxy = new WebProxy(proxy) }));
}
