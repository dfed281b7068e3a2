using System.Globalization;
using System.Text;
using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 6455 sections 4.2.1 and 4.4: each rule of the opening handshake is reached by a request that breaks it, and answered in HTTP.</summary>
public sealed class HandshakeRefusalTests
{
    // What the driver or the application decides; no bytes of a request alone lead there.
    private static readonly HandshakeRefusal[] Decided =
    [
        HandshakeRefusal.NoSuchRoute, HandshakeRefusal.OriginNotAllowed, HandshakeRefusal.HandlerFailed, HandshakeRefusal.Forbidden,
        HandshakeRefusal.TooManyConnections, HandshakeRefusal.TooManyConnectionsFromAddress, HandshakeRefusal.Stopping, HandshakeRefusal.TimedOut,
        HandshakeRefusal.DecisionTimedOut,
        HandshakeRefusal.InvalidDraftKey, // where a draft is spoken
    ];

    public static TheoryData<HandshakeRefusal, string> Refused => Create();

    public static TheoryData<HandshakeRefusal> Refusals => [.. Enum.GetValues<HandshakeRefusal>().Where(refusal => refusal != HandshakeRefusal.None)];

    [Fact]
    public void Every_refusal_that_a_request_can_earn_is_in_this_table() =>
        Assert.Equal(
            Enum.GetValues<HandshakeRefusal>().Except(Decided).Where(refusal => refusal != HandshakeRefusal.None),
            Create().Select(row => row.Data.Item1).Distinct().Order());

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_request_is_refused_by_the_rule_that_it_breaks(HandshakeRefusal expected, string request) => Assert.Equal(expected, Judge(request));

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_refusal_is_a_whole_HTTP_response_that_ends_the_connection(HandshakeRefusal refusal)
    {
        byte[] buffer = new byte[512];
        int written = HandshakeRefusals.Write(buffer, refusal);
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(buffer.AsSpan(0, written), out HttpHead head));
        Assert.StartsWith($"HTTP/1.1 {refusal.Status()} ", Text(head.StartLine), StringComparison.Ordinal);
        Assert.Equal(refusal.Status(), ClientHandshake.Status(in head));
        Assert.Equal(1, head.TryGetSingle("Content-Length"u8, out ReadOnlySpan<byte> length));
        Assert.Equal(written - head.Length, int.Parse(Text(length), CultureInfo.InvariantCulture));
        Assert.True(head.ListContains("Connection"u8, "close"u8));
        string body = Text(buffer.AsSpan(head.Length, written - head.Length));
        Assert.EndsWith($": {refusal.Text()}\n", body, StringComparison.Ordinal);
        Assert.True(Ascii.IsValid(body));
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Section_4_4_only_426_names_the_version_and_the_protocol_and_only_405_the_methods(HandshakeRefusal refusal)
    {
        byte[] buffer = new byte[512];
        int written = HandshakeRefusals.Write(buffer, refusal);
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(buffer.AsSpan(0, written), out HttpHead head));
        bool upgrade = refusal.Status() == 426;
        Assert.Equal(upgrade ? 1 : 0, head.TryGetSingle("Sec-WebSocket-Version"u8, out ReadOnlySpan<byte> version));
        Assert.Equal(upgrade ? "13" : "", Text(version));
        Assert.Equal(upgrade, head.ListContains("Upgrade"u8, "websocket"u8));
        Assert.Equal(upgrade, head.ListContains("Connection"u8, "Upgrade"u8));
        Assert.Equal(refusal.Status() == 405 ? 1 : 0, head.TryGetSingle("Allow"u8, out ReadOnlySpan<byte> allow));
        Assert.Equal(refusal.Status() == 405 ? "GET" : "", Text(allow));
    }

    [Fact]
    public void Every_refusal_has_its_status()
    {
        foreach (HandshakeRefusal refusal in Enum.GetValues<HandshakeRefusal>().Where(refusal => refusal != HandshakeRefusal.None))
        {
            int expected = refusal switch
            {
                HandshakeRefusal.TargetTooLong => 414,
                HandshakeRefusal.HeadTooLong or HandshakeRefusal.TooManyFields => 431,
                HandshakeRefusal.MethodNotGet => 405,
                HandshakeRefusal.NotAnUpgrade or HandshakeRefusal.UnsupportedVersion => 426,
                HandshakeRefusal.NoSuchRoute => 404,
                HandshakeRefusal.OriginNotAllowed or HandshakeRefusal.Forbidden => 403,
                HandshakeRefusal.HandlerFailed => 500,
                HandshakeRefusal.TooManyConnections or HandshakeRefusal.TooManyConnectionsFromAddress or HandshakeRefusal.Stopping
                    or HandshakeRefusal.DecisionTimedOut => 503,
                HandshakeRefusal.TimedOut => 408,
                _ => 400,
            };
            Assert.Equal(expected, refusal.Status());
        }
    }

    [Theory]
    [InlineData(401, "Unauthorized", "log in first")]
    [InlineData(429, "Too Many Requests", "")]
    [InlineData(307, "Redirection", "elsewhere")]
    [InlineData(418, "Client Error", "no coffee, only thé")]
    [InlineData(599, "Server Error", "")]
    public void An_answer_of_the_applications_own_has_its_status_fields_and_line(int status, string phrase, string text)
    {
        byte[] buffer = new byte[512];
        int written = HandshakeRefusals.Write(buffer, status, text, [new("Retry-After", "60")]);
        byte[] body = Encoding.UTF8.GetBytes(text.Length == 0 ? $"{status} {phrase}\n" : $"{status} {phrase}: {text}\n");
        Assert.Equal(
            $"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nRetry-After: 60\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + $"Content-Length: {body.Length}\r\n\r\n{Text(body)}",
            Text(buffer.AsSpan(0, written)));
    }

    [Fact]
    public void An_answer_that_would_break_out_of_its_line_or_its_room_is_not_written()
    {
        Assert.Throws<ArgumentException>(() => HandshakeRefusals.Write(new byte[512], 401, "", [new("X", "a\r\nY: b")]));
        Assert.Throws<ArgumentException>(() => HandshakeRefusals.Write(new byte[512], 401, "", [new("X Y", "a")]));
        Assert.Throws<ArgumentException>(() => HandshakeRefusals.Write(new byte[100], 401, "log in first", []));
    }

    [Fact]
    public void The_exact_bytes_of_a_refusal()
    {
        byte[] buffer = new byte[512];
        int written = HandshakeRefusals.Write(buffer, HandshakeRefusal.NoSuchRoute);
        Assert.Equal(
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 51\r\n\r\n"
            + "404 Not Found: no WebSocket is served at this path\n",
            Text(buffer.AsSpan(0, written)));
    }

    private static TheoryData<HandshakeRefusal, string> Create()
    {
        var data = new TheoryData<HandshakeRefusal, string>();
        void Line(HandshakeRefusal refusal, params string[] requestLines)
        {
            foreach (string line in requestLines) data.Add(refusal, Request(("GET / HTTP/1.1", line)));
        }

        void Without(HandshakeRefusal refusal, string usual, params string[] instead)
        {
            foreach (string other in instead) data.Add(refusal, Request((usual, other)));
        }

        data.Add(HandshakeRefusal.InvalidCharacter, "GET / HTTP/1.1\nHost: h\n\n");
        data.Add(HandshakeRefusal.InvalidCharacter, RequestWith("X: a\u0000b"));
        data.Add(HandshakeRefusal.ObsoleteFolding, RequestWith("X: a", " b"));
        data.Add(HandshakeRefusal.InvalidFieldName, RequestWith("X : a"));
        data.Add(HandshakeRefusal.InvalidFieldName, "\r\n" + Request());
        Line(
            HandshakeRefusal.InvalidRequestLine,
            "GET", "GET /", "GET  / HTTP/1.1", "GET / x HTTP/1.1", " GET / HTTP/1.1", "G:T / HTTP/1.1",
            "GET / http/1.1", "GET / SPDY/3", "GET /  HTTP/1.1", "GET\t/ HTTP/1.1");
        data.Add(HandshakeRefusal.InvalidRequestLine, "\r\n\r\n");
        Line(
            HandshakeRefusal.InvalidTarget,
            "GET  HTTP/1.1", "GET * HTTP/1.1", "GET chat HTTP/1.1", "GET h:80 HTTP/1.1", "GET /a#b HTTP/1.1",
            "GET ftp://h/ HTTP/1.1", "GET http:///a HTTP/1.1", "GET http://u@h/ HTTP/1.1", "GET http://h\\x/ HTTP/1.1", "GET /a\tb HTTP/1.1");
        data.Add(HandshakeRefusal.TargetTooLong, $"GET /{new string('a', 9000)} HTTP/1.1\r\n\r\n");
        data.Add(HandshakeRefusal.HeadTooLong, RequestWith($"X: {new string('a', 9000)}"));
        data.Add(HandshakeRefusal.TooManyFields, RequestWith([.. Enumerable.Range(0, 60).Select(i => $"X{i}: y")]));
        Line(HandshakeRefusal.HttpVersionNot11, "GET / HTTP/1.0", "GET / HTTP/2.0", "GET / HTTP/1.10");
        Line(HandshakeRefusal.MethodNotGet, "POST / HTTP/1.1", "get / HTTP/1.1", "HEAD / HTTP/1.1", "CONNECT / HTTP/1.1");
        Without(
            HandshakeRefusal.InvalidHost, "Host: h\r\n",
            "", "Host: h\r\nHost: h\r\n", "Host:\r\n", "Host: a b\r\n", "Host: a,b\r\n", "Host: u@h\r\n", "Host: h/x\r\n");
        string[] bodies =
        [
            "Content-Length: 1", "Content-Length: x", "Content-Length: 00", "Transfer-Encoding: chunked", "Content-Length: 0\r\nContent-Length: 5",
            "Content-Length: 0\r\nContent-Length: 0",
        ];
        foreach (string body in bodies)
        {
            data.Add(HandshakeRefusal.UnexpectedBody, RequestWith(body));
        }

        Without(
            HandshakeRefusal.NotAnUpgrade, "Upgrade: websocket\r\n",
            "", "Upgrade: h2c\r\n", "Upgrade: websockets\r\n", "Upgrade: web socket\r\n", "Upgrade: websocket/13\r\n");
        Without(
            HandshakeRefusal.ConnectionNotUpgrade, "Connection: Upgrade\r\n",
            "", "Connection: keep-alive\r\n", "Connection: Upgrades\r\n", "Connection: close\r\nConnection: x\r\n");
        Without(
            HandshakeRefusal.UnsupportedVersion, "Sec-WebSocket-Version: 13\r\n",
            "", "Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 13, 8\r\n", "Sec-WebSocket-Version: 013\r\n",
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n");
        const string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        Without(HandshakeRefusal.MissingKey, key, "", key + key);
        string[] badKeys =
        [
            "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZTEy", "dGhlIHNhbXBsZSBub25jZTE=",
            "dGhlIHNhbXBsZSBub25j!Q==", "dGhl IHNhbXBsZSBub25jZQ==", "dGhl    NhbXBsZSBub25jZQ==", "not base64 of anything..",
        ];
        foreach (string bad in badKeys)
        {
            Without(HandshakeRefusal.InvalidKey, key, $"Sec-WebSocket-Key: {bad}\r\n");
        }

        data.Add(HandshakeRefusal.InvalidOrigin, RequestWith("Origin: http://a", "Origin: http://a"));
        foreach (string list in (string[])["", ",", "a,a", "a, b, a", "a\r\nSec-WebSocket-Protocol: a", "a b", "a;b", "a/b", "\"a\"", "\u00E9"])
        {
            data.Add(HandshakeRefusal.InvalidSubprotocols, RequestWith($"Sec-WebSocket-Protocol: {list}"));
        }

        foreach (string list in (string[])["", ";", "a b", "a\r\nSec-WebSocket-Extensions: b;"])
        {
            data.Add(HandshakeRefusal.InvalidExtensions, RequestWith($"Sec-WebSocket-Extensions: {list}"));
        }

        return data;
    }
}
