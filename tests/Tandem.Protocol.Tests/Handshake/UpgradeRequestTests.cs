using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 6455 section 4.2.1: what a server reads out of an opening handshake that it accepts.</summary>
public sealed class UpgradeRequestTests
{
    [Fact]
    public void Section_1_3_the_example_is_read()
    {
        UpgradeRequest request = Accepted(Example);
        Assert.Equal("GET", Text(request.Method));
        Assert.Equal("/chat", Text(request.Target));
        Assert.Equal("/chat", Text(request.Path));
        Assert.True(request.Query.IsEmpty);
        Assert.Equal("server.example.com", Text(request.Host));
        Assert.Equal("dGhlIHNhbXBsZSBub25jZQ==", Text(request.Key));
        Assert.Equal("http://example.com", Text(request.Origin));
        Assert.Equal(["chat", "superchat"], Offered(in request));
        Assert.Equal(Example.Length, request.Head.Length);
        Assert.True(request.AsksForWebSocket);
    }

    [Fact]
    public void A_snapshot_outlives_the_bytes_that_the_request_was_read_from()
    {
        byte[] received = Bytes(Example.Replace("/chat ", "/chat?room=a%20b ", StringComparison.Ordinal).Replace("Origin", "Cookie: id=7\r\nOrigin", StringComparison.Ordinal) + "frames");
        Assert.True(UpgradeRequest.Parse(received, out UpgradeRequest request, out _));
        Assert.Equal(HandshakeRefusal.None, request.Judge());
        UpgradeRequestSnapshot snapshot = request.ToSnapshot();
        received.AsSpan().Clear();
        Assert.Equal(("/chat", "room=a%20b", "server.example.com", "http://example.com"), (snapshot.Path, snapshot.Query, snapshot.Host, snapshot.Origin));
        Assert.Equal(["chat", "superchat"], snapshot.Subprotocols);
        Assert.Equal(("a b", "7", "13"), (snapshot.GetQuery("room"), snapshot.GetCookie("id"), snapshot.GetHeader("sec-websocket-version")));
        Assert.Null(snapshot.GetQuery("none"));
        Assert.Equal(new KeyValuePair<string, string>("Host", "server.example.com"), snapshot.Headers[0]);
        Assert.Equal(8, snapshot.Headers.Count);
        Assert.Equal("dGhlIHNhbXBsZSBub25jZQ==", Text(snapshot.Request.Key));
        Assert.Null(Accepted(Request()).ToSnapshot().Origin);
    }

    [Fact]
    public void Truncated_at_every_byte_a_request_needs_more()
    {
        byte[] bytes = Bytes(Example);
        for (int i = 0; i < bytes.Length; i++)
        {
            Assert.False(UpgradeRequest.Parse(bytes.AsSpan(0, i), out _, out HandshakeRefusal refusal));
            Assert.Equal(HandshakeRefusal.None, refusal);
        }
    }

    [Fact]
    public void Frames_that_came_with_the_request_are_left_behind_it()
    {
        UpgradeRequest request = Accepted(Example + "\u0081\u0085frame\r\n\r\n");
        Assert.Equal(Example.Length, request.Head.Length);
    }

    [Theory]
    [InlineData("Upgrade: websocket", "upgrade: WebSocket")]
    [InlineData("Upgrade: websocket", "UPGRADE:WEBSOCKET")]
    [InlineData("Upgrade: websocket", "Upgrade: h2c, websocket")]
    [InlineData("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket")]
    [InlineData("Connection: Upgrade", "connection: upgrade")]
    [InlineData("Connection: Upgrade", "Connection: keep-alive, UPGRADE")]
    [InlineData("Connection: Upgrade", "Connection: keep-alive\r\nConnection: ,Upgrade,")]
    [InlineData("Sec-WebSocket-Version: 13", "sec-websocket-version:13 ")]
    [InlineData("Sec-WebSocket-Key: ", "SEC-WEBSOCKET-KEY:\t")]
    [InlineData("Host: h", "host: [::1]:8080")]
    [InlineData("Host: h", "Host: h\r\nContent-Length: 0")]
    [InlineData("Host: h", "Host: h\r\nX-Name: \u00E9\u00FF")]
    [InlineData("Host: h", "Host: h\r\nOrigin: null")]
    public void Section_4_2_1_names_and_tokens_have_any_case_and_lists_any_form(string usual, string spelled) =>
        Assert.Equal(HandshakeRefusal.None, Judge(Request((usual, spelled))));

    [Theory]
    [InlineData("/", "/", "", "h")]
    [InlineData("/chat", "/chat", "", "h")]
    [InlineData("/a/b/?x=1&y=2", "/a/b/", "x=1&y=2", "h")]
    [InlineData("/?", "/", "", "h")]
    [InlineData("/a?b?c", "/a", "b?c", "h")]
    [InlineData("/%2e%2E/%41", "/%2e%2E/%41", "", "h")]
    [InlineData("//a", "//a", "", "h")]
    [InlineData("http://other/chat", "/chat", "", "other")]
    [InlineData("HTTPS://other:8443/chat?x", "/chat", "x", "other:8443")]
    [InlineData("ws://other", "/", "", "other")]
    [InlineData("wss://other?x=1", "/", "x=1", "other")]
    [InlineData("http://[::1]:80/", "/", "", "[::1]:80")]
    public void RFC_9112_section_3_2_a_target_is_origin_form_or_absolute_form(string target, string path, string query, string host)
    {
        UpgradeRequest request = Accepted(Request(("GET / ", $"GET {target} ")));
        Assert.Equal(target, Text(request.Target));
        Assert.Equal((path, query, host), (Text(request.Path), Text(request.Query), Text(request.Host)));
    }

    [Theory]
    [InlineData("a=1", "a", "1")]
    [InlineData("a=1&b=2&a=3", "a", "1")]
    [InlineData("a=1&b=2", "b", "2")]
    [InlineData("aa=1&a=2", "a", "2")]
    [InlineData("a=", "a", "")]
    [InlineData("a", "a", "")]
    [InlineData("a=b=c", "a", "b=c")]
    [InlineData("a=x+y%2Bz%20%C3%A9", "a", "x y+z é")]
    [InlineData("A=1", "a", null)]
    [InlineData("", "a", null)]
    [InlineData("&&b=1&", "a", null)]
    public void A_query_parameter_is_decoded(string query, string name, string? expected)
    {
        UpgradeRequest request = Accepted(Request(("GET / ", $"GET /?{query} ")));
        Assert.Equal(expected, request.GetQuery(name));
    }

    [Theory]
    [InlineData("Cookie: a=1", "a", "1")]
    [InlineData("Cookie: b=2; a=1", "a", "1")]
    [InlineData("cookie: b=2;a=1;", "a", "1")]
    [InlineData("Cookie: a=x=y", "a", "x=y")]
    [InlineData("Cookie: a=\"q\"", "a", "\"q\"")]
    [InlineData("Cookie: b=2\r\nCookie: a=1", "a", "1")]
    [InlineData("Cookie: a=1; a=2", "a", "1")]
    [InlineData("Cookie: A=1; aa=2", "a", null)]
    [InlineData("X: a=1", "a", null)]
    public void RFC_6265_section_4_2_a_cookie_is_found_by_its_exact_name(string line, string name, string? expected)
    {
        UpgradeRequest request = Accepted(RequestWith(line));
        Assert.Equal(expected, request.GetCookie(name));
    }

    [Fact]
    public void A_field_is_found_by_its_name_in_any_case()
    {
        UpgradeRequest request = Accepted(RequestWith("X-One: first", "x-one: second", "X-Two: \u00E9"));
        Assert.Equal("first", request.GetHeader("x-ONE"));
        Assert.Equal("\u00E9", request.GetHeader("X-Two"));
        Assert.Null(request.GetHeader("X-Three"));
    }

    [Fact]
    public void Section_10_2_without_an_Origin_the_origin_is_empty() => Assert.True(Accepted(Request()).Origin.IsEmpty);

    [Fact]
    public void Section_11_3_4_subprotocols_come_in_the_client_s_order_over_all_lines()
    {
        UpgradeRequest request = Accepted(RequestWith("Sec-WebSocket-Protocol: b , a", "X: y", "sec-websocket-protocol: ,c"));
        Assert.Equal(["b", "a", "c"], Offered(in request));
        Assert.True(request.Offers("a") && request.Offers("b") && request.Offers("c"));
        Assert.False(request.Offers("A") || request.Offers("") || request.Offers("d") || request.Offers("b , a"));
    }

    [Fact]
    public void Section_4_2_2_the_client_s_preference_decides_between_supported_subprotocols()
    {
        UpgradeRequest request = Accepted(RequestWith("Sec-WebSocket-Protocol: v2, v1", "Sec-WebSocket-Protocol: v0"));
        Assert.Equal("v2", request.SelectSubprotocol(["v1", "v2"]));
        Assert.Equal("v1", request.SelectSubprotocol(["v0", "v1"]));
        Assert.Equal("v0", request.SelectSubprotocol(["x", "v0"]));
        Assert.Null(request.SelectSubprotocol(["V1", "x"]));
        Assert.Null(request.SelectSubprotocol([]));
        UpgradeRequest none = Accepted(Request());
        Assert.Null(none.SelectSubprotocol(["v1"]));
        Assert.Empty(Offered(in none));
    }

    [Fact]
    public void Up_to_64_subprotocols_may_be_offered()
    {
        static string Offer(int count) => RequestWith($"Sec-WebSocket-Protocol: {string.Join(',', Enumerable.Range(0, count))}");
        Assert.Equal(HandshakeRefusal.None, Judge(Offer(64)));
        Assert.Equal(HandshakeRefusal.InvalidSubprotocols, Judge(Offer(65)));
    }

    [Fact]
    public void Reading_the_handshake_allocates_nothing()
    {
        byte[] bytes = Bytes(Example);
        int passed = 0;
        void Repeat(int times)
        {
            for (int i = 0; i < times; i++)
            {
                UpgradeRequest.Parse(bytes, out UpgradeRequest request, out _);
                if (request.Judge() == HandshakeRefusal.None && request.Offers("chat")) passed++;
            }
        }

        Assert.Equal(0, Allocation.InSteadyState(Repeat, 200));
        Assert.True(passed >= 400);
    }

    private static List<string> Offered(in UpgradeRequest request)
    {
        var names = new List<string>();
        SubprotocolEnumerator offered = request.Subprotocols;
        while (offered.MoveNext()) names.Add(Text(offered.Current));
        Assert.False(offered.MoveNext());
        return names;
    }
}
