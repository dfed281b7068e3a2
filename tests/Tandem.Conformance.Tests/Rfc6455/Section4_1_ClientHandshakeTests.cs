using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Section 4.1: the request of a client, and the answers that it must take for the opening of a connection, or for none.</summary>
public sealed class Section4_1_ClientHandshakeTests
{
    private const string Start = "HTTP/1.1 101 Switching Protocols\r\n";
    private const string Upgrade = "Upgrade: websocket\r\n";
    private const string Connection = "Connection: Upgrade\r\n";
    private const string Accept = "Sec-WebSocket-Accept: {accept}\r\n";

    public static TheoryData<string> Accepted =>
    [
        Start + Upgrade + Connection + Accept,
        Start + Accept + Connection + Upgrade,
        "HTTP/1.1 101 \r\n" + Upgrade + Connection + Accept,
        "HTTP/1.1 101 whatever it says\r\n" + Upgrade + Connection + Accept,
        Start + "upgrade:WebSocket\r\nCONNECTION: upgrade\r\nsec-websocket-accept:\t{accept} \r\n",
        Start + Upgrade + "Connection: keep-alive, Upgrade\r\n" + Accept,
        Start + Upgrade + "Connection: keep-alive\r\nConnection: Upgrade\r\n" + Accept,
        Start + Upgrade + Connection + Accept + "Server: other\r\nSet-Cookie: a=b\r\nX-Empty:\r\nSec-WebSocket-Version: 13\r\n",
        Start + Upgrade + Connection + Accept + "X-Long: {long}\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n" + Start + Upgrade + Connection + Accept,
    ];

    public static TheoryData<string> Failed =>
    [
        "HTTP/1.1 200 OK\r\n" + Upgrade + Connection + Accept + "Content-Length: 0\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1/\r\nContent-Length: 0\r\n",
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=a\r\nContent-Length: 0\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n",
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n",
        "HTTP/1.0 101 Switching Protocols\r\n" + Upgrade + Connection + Accept,
        "HTTP/2 101\r\n" + Upgrade + Connection + Accept,
        "HTTP/1.1 0101 x\r\n" + Upgrade + Connection + Accept,
        "SSH-2.0-OpenSSH\r\n",
        Start + Connection + Accept,
        Start + "Upgrade: h2c\r\n" + Connection + Accept,
        Start + "Upgrade: websocket2\r\n" + Connection + Accept,
        Start + Upgrade + Upgrade + Connection + Accept,
        Start + Upgrade + Accept,
        Start + Upgrade + "Connection: close\r\n" + Accept,
        Start + Upgrade + Connection,
        Start + Upgrade + Connection + "Sec-WebSocket-Accept:\r\n",
        Start + Upgrade + Connection + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        Start + Upgrade + Connection + "Sec-WebSocket-Accept: {ACCEPT}\r\n",
        Start + Upgrade + Connection + "Sec-WebSocket-Accept: {accept}=\r\n",
        Start + Upgrade + Connection + Accept + Accept,
        Start + Upgrade + Connection + Accept + "Sec-WebSocket-Protocol: chat\r\n",
        Start + Upgrade + Connection + Accept + "Sec-WebSocket-Extensions: unknown\r\n",
        Start + Upgrade + Connection + Accept + "Sec-WebSocket-Extensions: ;\r\n",
        Start + Upgrade + Connection + Accept + "No colon\r\n",
        Start + Upgrade + Connection + " folded\r\n" + Accept,
        Start + Upgrade + Connection + Accept + "X: {long}{long}\r\n",
    ];

    [Fact]
    public async Task The_request_has_what_it_must_have_once_and_nothing_that_was_not_asked_for()
    {
        await using WireTester tester = await WireTester.Connect(Subject.Client);
        string head = await tester.ReadHead();
        string[] lines = head[..^4].Split("\r\n");
        Assert.Equal("GET /ws HTTP/1.1", lines[0]);
        Assert.Equal(["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"], lines[1..].Select(line => line.Split(": ")[0]));
        Assert.Equal(("websocket", "Upgrade", "13"), (WireTester.Field(head, "Upgrade"), WireTester.Field(head, "Connection"), WireTester.Field(head, "Sec-WebSocket-Version")));
        Assert.Equal(16, Convert.FromBase64String(WireTester.Field(head, "Sec-WebSocket-Key")!).Length);
        Assert.StartsWith("127.0.0.1:", WireTester.Field(head, "Host"), StringComparison.Ordinal);
        tester.EndSending();
        await tester.ExpectEnd();
    }

    [Fact]
    public async Task Keys_are_fresh_for_every_connection()
    {
        var keys = new HashSet<string>();
        for (int i = 0; i < 50; i++)
        {
            await using WireTester tester = await WireTester.Connect(Subject.Client);
            Assert.True(keys.Add(WireTester.Field(await tester.ReadHead(), "Sec-WebSocket-Key")!));
            tester.EndSending();
            await tester.ExpectEnd();
        }
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public async Task An_answer_opens_the_connection(string answer)
    {
        foreach (Delivery delivery in (Delivery[])[Delivery.OneWrite, Delivery.ByteByByte])
        {
            await using WireTester tester = await WireTester.Connect(Subject.Client);
            await tester.SendBytes(Wire.Ascii(Complete(answer, await tester.ReadHead())), delivery);
            await tester.Send(Frame.Text("open"));
            await tester.Expect(Frame.Text("open"));
            await tester.Close(Frame.Close(1000));
        }
    }

    [Theory]
    [MemberData(nameof(Failed))]
    public async Task An_answer_fails_the_connection_and_no_frame_is_sent(string answer)
    {
        await using WireTester tester = await WireTester.Connect(Subject.Client);
        byte[] bytes = Wire.Ascii(Complete(answer, await tester.ReadHead()));
        await tester.SendBytes((byte[])[.. bytes, .. Frame.Ping("no pong").Encode(masks: false)]);
        await tester.ExpectEnd();
    }

    [Fact]
    public async Task An_end_of_TCP_within_the_answer_fails_the_connection()
    {
        string whole = Start + Upgrade + Connection + Accept;
        foreach (int length in (int[])[0, 1, 30, whole.Length - 1])
        {
            await using WireTester tester = await WireTester.Connect(Subject.Client);
            await tester.SendBytes(Wire.Ascii(Complete(whole, await tester.ReadHead())[..length]));
            tester.EndSending();
            await tester.ExpectEnd();
        }
    }

    [Fact]
    public async Task Frames_right_behind_the_answer_are_answered()
    {
        await using WireTester tester = await WireTester.Connect(Subject.Client);
        byte[] bytes = Wire.Ascii(Complete(Start + Upgrade + Connection + Accept, await tester.ReadHead()));
        await tester.SendBytes((byte[])[.. bytes, .. Frame.Text("early").Encode(masks: false), .. Frame.Close(1000).Encode(masks: false)]);
        await tester.Expect(Frame.Text("early"));
        await tester.ExpectCloseAnswer(Frame.Close(1000));
    }

    [Fact]
    public async Task A_violation_right_behind_the_answer_fails()
    {
        await using WireTester tester = await WireTester.Connect(Subject.Client);
        byte[] bytes = Wire.Ascii(Complete(Start + Upgrade + Connection + Accept, await tester.ReadHead()));
        await tester.SendBytes((byte[])[.. bytes, .. Frame.Text("masked").Encode(masks: true)]);
        await tester.ExpectFailure(1002);
    }

    private static string Complete(string answer, string head)
    {
        string accept = WireTester.AcceptOf(head);
        string swapped = string.Concat(accept.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)));
        return answer.Replace("{accept}", accept, StringComparison.Ordinal).Replace("{ACCEPT}", swapped, StringComparison.Ordinal)
            .Replace("{long}", new string('x', 5000), StringComparison.Ordinal) + "\r\n";
    }
}
