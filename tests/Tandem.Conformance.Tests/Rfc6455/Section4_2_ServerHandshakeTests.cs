using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Section 4.2: what a server accepts for an opening handshake, and with which status it refuses the rest.</summary>
public sealed class Section4_2_ServerHandshakeTests
{
    private static readonly Subject[] Servers = [Subject.EventLoop, Subject.Sockets, Subject.Stream];

    private const string Host = "Host: localhost";
    private const string Upgrade = "Upgrade: websocket";
    private const string Connection = "Connection: Upgrade";
    private const string Key = "Sec-WebSocket-Key: " + Wire.Key;
    private const string Version = "Sec-WebSocket-Version: 13";

    public static MatrixTheoryData<Subject, string> Accepted => new(Servers, [
        Request(Host, Upgrade, Connection, Key, Version),
        Request(Version, Key, Connection, Upgrade, Host),
        Request("host:localhost", "UPGRADE:websocket", "connection:\tUpgrade\t", "sec-websocket-key:   " + Wire.Key + "  ", "SEC-WEBSOCKET-VERSION:13"),
        Request(Host, "Upgrade: WebSocket", Connection, Key, Version),
        Request(Host, "Upgrade: WEBSOCKET", "Connection: upgrade", Key, Version),
        Request(Host, "Upgrade: h2c, websocket", Connection, Key, Version),
        Request(Host, Upgrade, "Connection: keep-alive, Upgrade", Key, Version),
        Request(Host, Upgrade, "Connection: keep-alive", "Connection: ,UPGRADE,", Key, Version),
        Request(Host, Upgrade, Connection, Key, Version, "Content-Length: 0"),
        Request(Host, Upgrade, Connection, Key, Version, "Sec-WebSocket-Protocol: chat, superchat"),
        Request(Host, Upgrade, Connection, Key, Version, "Sec-WebSocket-Extensions: unknown; a=1; b=\"two\""),
        Request(Host, Upgrade, Connection, Key, Version, "X-Empty:", "X-Latin: caf\u00E9", "Cookie: a=b; c=d"),
        Request(Host, Upgrade, Connection, Key, Version, [.. Enumerable.Range(0, 50).Select(i => $"X-{i}: {i}")]),
        Request(Host, Upgrade, Connection, Key, Version, "X-Long: " + new string('x', 7000)),
        "GET /ws?query=1&other=%20 HTTP/1.1\r\n" + Fields(Host, Upgrade, Connection, Key, Version),
        "GET http://localhost/ws HTTP/1.1\r\n" + Fields(Host, Upgrade, Connection, Key, Version),
    ]);

    public static IEnumerable<TheoryDataRow<Subject, int, string>> Refused =>
        from subject in Servers
        from row in ((int Status, string Request)[])
        [
            (400, Request(Upgrade, Connection, Key, Version)),
            (400, Request(Host, Host, Upgrade, Connection, Key, Version)),
            (400, Request("Host:", Upgrade, Connection, Key, Version)),
            (426, Request(Host, Connection, Key, Version)),
            (426, Request(Host, "Upgrade: websockets", Connection, Key, Version)),
            (426, Request(Host, "Upgrade: h2c", Connection, Key, Version)),
            (400, Request(Host, Upgrade, Key, Version)),
            (400, Request(Host, Upgrade, "Connection: keep-alive", Key, Version)),
            (400, Request(Host, Upgrade, "Connection: Upgrades", Key, Version)),
            (400, Request(Host, Upgrade, Connection, Version)),
            (400, Request(Host, Upgrade, Connection, Key, Key, Version)),
            (400, Request(Host, Upgrade, Connection, "Sec-WebSocket-Key:", Version)),
            (400, Request(Host, Upgrade, Connection, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", Version)),
            (400, Request(Host, Upgrade, Connection, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", Version)),
            (400, Request(Host, Upgrade, Connection, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j", Version)),
            (400, Request(Host, Upgrade, Connection, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==dGhl", Version)),
            (400, Request(Host, Upgrade, Connection, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==", Version)),
            (426, Request(Host, Upgrade, Connection, Key)),
            (426, Request(Host, Upgrade, Connection, Key, "Sec-WebSocket-Version: 12")),
            (426, Request(Host, Upgrade, Connection, Key, "Sec-WebSocket-Version: 8")),
            (426, Request(Host, Upgrade, Connection, Key, "Sec-WebSocket-Version: 0")),
            (426, Request(Host, Upgrade, Connection, Key, "Sec-WebSocket-Version: 013")),
            (426, Request(Host, Upgrade, Connection, Key, "Sec-WebSocket-Version: 13, 8")),
            (426, Request(Host, Upgrade, Connection, Key, Version, Version)),
            (426, Request(Host, Upgrade, Connection, Key, "Sec-WebSocket-Version: x")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Sec-WebSocket-Protocol:")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Sec-WebSocket-Protocol: a b")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Sec-WebSocket-Protocol: a, a")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Sec-WebSocket-Extensions: a;;b")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Origin: http://localhost", "Origin: http://localhost")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Content-Length: 5")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Transfer-Encoding: chunked")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "No colon")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "Blank : before")),
            (400, Request(Host, Upgrade, Connection, Key, Version, " folded")),
            (400, Request(Host, Upgrade, Connection, Key, Version, "X: a\0b")),
            (400, "GET /ws HTTP/1.0\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (400, "GET /ws HTTP/2.0\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (400, "GET /ws\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (400, "GET  /ws HTTP/1.1\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (400, "GET ws HTTP/1.1\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (400, "GET /ws HTTP/1.1\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (405, "POST /ws HTTP/1.1\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (405, "HEAD /ws HTTP/1.1\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (414, "GET /ws?" + new string('x', 8192) + " HTTP/1.1\r\n" + Fields(Host, Upgrade, Connection, Key, Version)),
            (431, Request(Host, Upgrade, Connection, Key, Version, "X-Long: " + new string('x', 8192))),
            (431, Request(Host, Upgrade, Connection, Key, Version, [.. Enumerable.Range(0, 64).Select(i => $"X-{i}: {i}")])),
        ]
        select new TheoryDataRow<Subject, int, string>(subject, row.Status, row.Request);

    [Theory]
    [MemberData(nameof(Accepted), DisableDiscoveryEnumeration = true)]
    public async Task Is_accepted_with_exactly_the_fields_of_an_answer(Subject subject, string request)
    {
        foreach (Delivery delivery in (Delivery[])[Delivery.OneWrite, Delivery.ByteByByte])
        {
            await using WireTester tester = await WireTester.Connect(subject);
            await tester.SendBytes(Wire.Ascii(request), delivery);
            Assert.Equal(
                $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Wire.Accept}\r\n\r\n",
                await tester.ReadHead());
            await tester.Send(Frame.Text("open"));
            await tester.Expect(Frame.Text("open"));
            await tester.Close(Frame.Close(1000));
        }
    }

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public async Task Is_refused_with_its_status_and_the_end(Subject subject, int status, string request)
    {
        await using WireTester tester = await WireTester.Connect(subject);
        await tester.SendBytes(Wire.Ascii(request));
        string answer = await tester.ReadToEnd();
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        int end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        Assert.Equal($"{answer.Length - end}", WireTester.Field(answer[..end], "Content-Length"));
        Assert.Contains("close", WireTester.Field(answer[..end], "Connection"), StringComparison.Ordinal);
        // Section 4.2.2: a version that is not served is answered with those that are.
        if (status == 426) Assert.Equal("13", WireTester.Field(answer[..end], "Sec-WebSocket-Version"));
        if (status == 405) Assert.Equal("GET", WireTester.Field(answer[..end], "Allow"));
    }

    [Theory]
    [InlineData(Subject.EventLoop)]
    [InlineData(Subject.Sockets)]
    [InlineData(Subject.Stream)]
    public async Task Frames_right_behind_the_request_are_answered_behind_the_answer(Subject subject)
    {
        await using WireTester tester = await WireTester.Connect(subject);
        byte[] request = Wire.Ascii(Request(Host, Upgrade, Connection, Key, Version));
        await tester.SendBytes((byte[])[.. request, .. Frame.Text("early").Encode(masks: true), .. Frame.Close(1000).Encode(masks: true)]);
        await tester.ReadHead();
        await tester.Expect(Frame.Text("early"));
        await tester.ExpectCloseAnswer(Frame.Close(1000));
    }

    [Theory]
    [InlineData(Subject.EventLoop)]
    [InlineData(Subject.Sockets)]
    [InlineData(Subject.Stream)]
    public async Task A_violation_right_behind_the_request_fails_behind_the_answer(Subject subject)
    {
        await using WireTester tester = await WireTester.Connect(subject);
        byte[] request = Wire.Ascii(Request(Host, Upgrade, Connection, Key, Version));
        await tester.SendBytes((byte[])[.. request, .. Frame.Text("unmasked").Encode(masks: false)]);
        await tester.ReadHead();
        await tester.ExpectFailure(1002);
    }

    [Theory]
    [InlineData(Subject.EventLoop)]
    [InlineData(Subject.Sockets)]
    [InlineData(Subject.Stream)]
    public async Task An_end_of_TCP_before_the_request_is_complete_is_answered_by_the_end_alone(Subject subject)
    {
        string request = Request(Host, Upgrade, Connection, Key, Version);
        foreach (int length in (int[])[0, 1, 20, request.Length - 1])
        {
            await using WireTester tester = await WireTester.Connect(subject);
            await tester.SendBytes(Wire.Ascii(request[..length]));
            tester.EndSending();
            await tester.ExpectEnd();
        }
    }

    private static string Request(params string[] fields) => "GET /ws HTTP/1.1\r\n" + Fields(fields);

    private static string Request(string host, string upgrade, string connection, string key, string version, string[] more) =>
        Request([host, upgrade, connection, key, version, .. more]);

    private static string Fields(params string[] fields) => string.Concat(fields.Select(field => field + "\r\n")) + "\r\n";
}
