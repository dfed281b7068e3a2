using System.Net;
using System.Text;
using Tandem.WebSockets.Client;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>RFC 6455 sections 3 and 4.1: what the client sends, and what it refuses to send before it connects.</summary>
public sealed class RequestTests
{
    [Fact]
    public async Task The_request_is_that_of_section_4_1()
    {
        string head = await RequestOf("/chat/room?x=1&y=%20");
        Assert.StartsWith("GET /chat/room?x=1&y=%20 HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Equal("websocket", ScriptedPeer.Field(head, "Upgrade"));
        Assert.Equal("Upgrade", ScriptedPeer.Field(head, "Connection"));
        Assert.Equal("13", ScriptedPeer.Field(head, "Sec-WebSocket-Version"));
        Assert.Equal(16, Convert.FromBase64String(ScriptedPeer.Field(head, "Sec-WebSocket-Key")!).Length);
        foreach (string absent in (string[])["Origin", "Cookie", "Authorization", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"])
        {
            Assert.Null(ScriptedPeer.Field(head, absent));
        }
    }

    [Fact]
    public async Task The_key_is_another_one_for_each_connection() =>
        Assert.NotEqual(ScriptedPeer.Field(await RequestOf("/"), "Sec-WebSocket-Key"), ScriptedPeer.Field(await RequestOf("/"), "Sec-WebSocket-Key"));

    [Theory]
    [InlineData("ws://h", "h", "/", "h", 80, false)]
    [InlineData("ws://h:80/", "h", "/", "h", 80, false)]
    [InlineData("ws://h:443/", "h:443", "/", "h", 443, false)]
    [InlineData("wss://h/a?b", "h", "/a?b", "h", 443, true)]
    [InlineData("wss://h:80/", "h:80", "/", "h", 80, true)]
    [InlineData("http://h/", "h", "/", "h", 80, false)]
    [InlineData("https://h:8443/", "h:8443", "/", "h", 8443, true)]
    [InlineData("WS://H/P", "h", "/P", "h", 80, false)]
    [InlineData("ws://[::1]/", "[::1]", "/", "::1", 80, false)]
    [InlineData("ws://[0:0::1]:81/", "[::1]:81", "/", "::1", 81, false)]
    [InlineData("ws://[fe80::1%1]/", "[fe80::1]", "/", "fe80::1%1", 80, false)]
    [InlineData("ws://b\u00FCcher.example/\u00FC", "xn--bcher-kva.example", "/%C3%BC", "xn--bcher-kva.example", 80, false)]
    [InlineData("ws://user:secret@h/", "h", "/", "h", 80, false)]
    public void A_URI_gives_host_port_and_resource(string text, string hostField, string resource, string host, int port, bool secure)
    {
        ClientTarget target = ClientTarget.Parse(new Uri(text));
        Assert.Equal((hostField, resource, host, port, secure), (target.HostField, target.Uri.PathAndQuery, target.Host, target.Port, target.Secure));
    }

    [Theory]
    [InlineData("ws://h/#", "fragment")]
    [InlineData("ws://h/a#b", "fragment")]
    [InlineData("ftp://h/", "ftp")]
    [InlineData("/relative", "absolute")]
    [InlineData("ws://h:0/", "port")]
    [InlineData("ws://a%3Ab:c@h/", "colon")]
    [InlineData("ws://a%0Ab:c@h/", "control")]
    public async Task A_URI_that_is_none_of_a_WebSocket_is_refused(string text, string word)
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => Connect(new Uri(text, UriKind.RelativeOrAbsolute), dialer: Nowhere()));
        Assert.Contains(word, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_not_ASCII_is_looked_up_and_sent_as_IDNA()
    {
        string? asked = null;
        var dialer = new TcpDialer(TimeProvider.System)
        {
            Resolve = (host, _) =>
            {
                asked = host;
                return Task.FromResult<IPAddress[]>([IPAddress.Loopback]);
            },
        };
        string? head = null;
        await using ScriptedServer server = Recording(value => head = value);
        using (Stream stream = (await Connect(server.Uri(host: "b\u00FCcher.example"), dialer: dialer)).Stream)
        {
            Assert.Equal("xn--bcher-kva.example", asked);
            Assert.Equal($"xn--bcher-kva.example:{server.EndPoint.Port}", ScriptedPeer.Field(head!, "Host"));
        }
    }

    [Fact]
    public async Task Userinfo_is_sent_as_Basic_credentials_and_nowhere_else()
    {
        string? head = null;
        await using ScriptedServer server = Recording(value => head = value);
        (await Connect(server.Uri(host: "al%20ice:p%3A%C3%BC@127.0.0.1"))).Stream.Dispose();
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("al ice:p:\u00FC")), ScriptedPeer.Field(head!, "Authorization"));
        Assert.Equal($"127.0.0.1:{server.EndPoint.Port}", ScriptedPeer.Field(head!, "Host"));
        Assert.DoesNotContain("@", head!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_origin_and_subprotocols_are_sent_as_they_are_given()
    {
        string head = await RequestOf("/", new WebSocketClientOptions
        {
            Headers = [new("X-One", "1"), new("Authorization", "Bearer t"), new("X-One", "2")],
            Origin = "https://example.org",
            Subprotocols = ["chat", "superchat"],
        });
        Assert.Contains("\r\nX-One: 1\r\nAuthorization: Bearer t\r\nX-One: 2\r\n", head, StringComparison.Ordinal);
        Assert.Equal("https://example.org", ScriptedPeer.Field(head, "Origin"));
        Assert.Equal("chat, superchat", ScriptedPeer.Field(head, "Sec-WebSocket-Protocol"));
    }

    public static TheoryData<WebSocketClientOptions> Impossible => new()
    {
        new WebSocketClientOptions { Headers = [new("X", "a\r\nInjected: 1")] },
        new WebSocketClientOptions { Headers = [new("X", "a\nb")] },
        new WebSocketClientOptions { Headers = [new("X", "\0")] },
        new WebSocketClientOptions { Headers = [new("X", "\u4F60")] },
        new WebSocketClientOptions { Headers = [new("X\r\nInjected", "a")] },
        new WebSocketClientOptions { Headers = [new("X:", "a")] },
        new WebSocketClientOptions { Headers = [new("", "a")] },
        new WebSocketClientOptions { Headers = [new("host", "a")] },
        new WebSocketClientOptions { Headers = [new("Upgrade", "h2c")] },
        new WebSocketClientOptions { Headers = [new("CONNECTION", "close")] },
        new WebSocketClientOptions { Headers = [new("Origin", "a")] },
        new WebSocketClientOptions { Headers = [new("Content-Length", "1")] },
        new WebSocketClientOptions { Headers = [new("Transfer-Encoding", "chunked")] },
        new WebSocketClientOptions { Headers = [new("Sec-WebSocket-Key", "a")] },
        new WebSocketClientOptions { Headers = [new("sec-websocket-anything", "a")] },
        new WebSocketClientOptions { Headers = [new("Cookie", "a=b")], Cookies = new CookieContainer() },
        new WebSocketClientOptions { Headers = [new("X", new string('x', 16 * 1024))] },
        new WebSocketClientOptions { Origin = "a\r\nInjected: 1" },
        new WebSocketClientOptions { Subprotocols = ["two words"] },
        new WebSocketClientOptions { Subprotocols = ["a,b"] },
        new WebSocketClientOptions { Subprotocols = [""] },
        new WebSocketClientOptions { Subprotocols = ["a\r\nInjected: 1"] },
        new WebSocketClientOptions { Subprotocols = ["a", "a"] },
    };

    [Theory]
    [MemberData(nameof(Impossible), DisableDiscoveryEnumeration = true)]
    public Task What_cannot_stand_in_the_request_is_refused_before_anything_is_connected(WebSocketClientOptions options) =>
        Assert.ThrowsAnyAsync<ArgumentException>(() => Connect(new Uri("ws://localhost/"), options, Nowhere()));

    [Fact]
    public Task Credentials_in_two_places_are_refused() =>
        Assert.ThrowsAsync<ArgumentException>(() => Connect(new Uri("ws://u:p@localhost/"), new() { Headers = [new("authorization", "Bearer t")] }, Nowhere()));

    [Theory]
    [InlineData(101)]
    [InlineData(401)]
    public async Task Cookies_are_sent_and_those_of_the_answer_are_kept(int status)
    {
        string? head = null;
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            head = await peer.ReadHead();
            string fields = "Set-Cookie: seen=1; Path=/chat; Expires=Fri, 01 Jan 2100 00:00:00 GMT\r\nSet-Cookie: also=2\r\nSet-Cookie: =;;=\r\nContent-Length: 0\r\n";
            await peer.Send(status == 101
                ? ScriptedPeer.Switching(head, fields.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[..3])
                : $"HTTP/1.1 {status} No\r\n{fields}\r\n");
        });
        var cookies = new CookieContainer();
        cookies.Add(new Uri("http://127.0.0.1/"), new Cookie("id", "7"));
        cookies.Add(new Uri("http://127.0.0.1/"), new Cookie("hidden", "8") { Secure = true });
        cookies.Add(new Uri("http://other.example/"), new Cookie("other", "9"));
        var options = new WebSocketClientOptions { Cookies = cookies };
        for (int i = 0; i < 2; i++)
        {
            if (status == 101) (await Connect(server.Uri("/chat/1"), options)).Stream.Dispose();
            else await Fails(server.Uri("/chat/1"), options, error: System.Net.WebSockets.WebSocketError.NotAWebSocket);
            string[] sent = [.. ScriptedPeer.Field(head!, "Cookie")!.Split("; ").Order(StringComparer.Ordinal)];
            Assert.Equal(i == 0 ? ["id=7"] : (string[])["also=2", "id=7", "seen=1"], sent);
        }
    }

    private static async Task<string> RequestOf(string target, WebSocketClientOptions? options = null)
    {
        string? head = null;
        await using ScriptedServer server = Recording(value => head = value);
        (await Connect(server.Uri(target), options)).Stream.Dispose();
        return head!;
    }

    private static ScriptedServer Recording(Action<string> record) => ScriptedServer.Start(async peer =>
    {
        string head = await peer.ReadHead();
        record(head);
        await peer.Send(ScriptedPeer.Switching(head));
    });

    private static TcpDialer Nowhere() => new(TimeProvider.System)
    {
        Resolve = (_, _) => throw new InvalidOperationException("Something was connected."),
    };
}
