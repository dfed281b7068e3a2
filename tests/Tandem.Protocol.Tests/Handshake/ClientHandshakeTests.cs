using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 6455 section 4.1: the exact request of a client, and its judgement of the answer.</summary>
public sealed class ClientHandshakeTests
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";
    private const string Accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    private const string Answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + Accept + "\r\n";

    public static TheoryData<ClientHandshakeFault, string> Faults => Create();

    [Fact]
    public void Section_4_1_the_exact_bytes_of_the_least_request()
    {
        Assert.Equal(
            $"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {Key}\r\nSec-WebSocket-Version: 13\r\n\r\n",
            Write("/", "example.com"));
    }

    [Fact]
    public void Section_4_1_the_exact_bytes_of_a_request_with_everything()
    {
        Assert.Equal(
            $"GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {Key}\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
            + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin: http://example.com\r\nX: \r\n\r\n",
            Write(
                "/chat?room=1", "example.com:8080", ["chat", "superchat"], "permessage-deflate; client_max_window_bits",
                [new("Origin", "http://example.com"), new("X", "")]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("chat")]
    [InlineData("http://h/")]
    [InlineData("/a b")]
    [InlineData("/a\r\nX: y")]
    [InlineData("/a\nb")]
    [InlineData("/\u4E2D")]
    public void A_target_that_cannot_stand_in_a_request_line_is_refused(string target) => Assert.Throws<ArgumentException>(() => Write(target, "h"));

    [Fact]
    public void What_would_break_out_of_its_line_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Write("/", "h\r\nX: y"));
        Assert.Throws<ArgumentException>(() => Write("/", "\u4E2D.example"));
        Assert.Throws<ArgumentException>(() => Write("/", "h", ["a\r\nb"]));
        Assert.Throws<ArgumentException>(() => Write("/", "h", extensions: "a\nb"));
        Assert.Throws<ArgumentException>(() => Write("/", "h", fields: [new("X", "a\rb")]));
        Assert.Throws<ArgumentException>(() => Write("/", "h", fields: [new("X\r\n", "a")]));
        Assert.Throws<ArgumentException>(() => Write("/", "h", fields: [new("X Y", "a")]));
    }

    [Fact]
    public void A_destination_that_is_too_short_is_refused()
    {
        int length = Write("/", "h").Length;
        for (int room = 0; room < length; room++) Assert.Throws<ArgumentException>(() => ClientHandshake.WriteRequest(new byte[room], "/", "h", Bytes(Key)));
        Assert.Equal(length, ClientHandshake.WriteRequest(new byte[length], "/", "h", Bytes(Key)));
    }

    [Fact]
    public void Every_fault_is_reached_by_an_answer_of_this_table() =>
        // The answer to permessage-deflate is judged by who has offered it: the client's own tests reach that one.
        Assert.Equal(Enum.GetValues<ClientHandshakeFault>().Except([ClientHandshakeFault.InvalidDeflateAnswer]), Create().Select(row => row.Data.Item1).Distinct().Order());

    [Theory]
    [MemberData(nameof(Faults))]
    public void Section_4_1_an_answer_is_refused_by_the_rule_that_it_breaks(ClientHandshakeFault expected, string answer)
    {
        Assert.Equal(expected, Judge(answer, ["chat", "superchat"], ["permessage-deflate", "x"], out string? subprotocol));
        if (expected != ClientHandshakeFault.None) Assert.Null(subprotocol);
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("superchat")]
    [InlineData(null)]
    public void Section_4_1_the_chosen_subprotocol_is_returned(string? chosen)
    {
        string answer = chosen is null ? Answer : Answer.Replace(Accept, $"{Accept}sec-websocket-protocol: {chosen} \r\n", StringComparison.Ordinal);
        Assert.Equal(ClientHandshakeFault.None, Judge(answer, ["chat", "superchat"], [], out string? subprotocol));
        Assert.Equal(chosen, subprotocol);
    }

    [Fact]
    public void Section_4_1_who_offers_nothing_accepts_nothing()
    {
        Assert.Equal(ClientHandshakeFault.None, Judge(Answer, [], [], out _));
        string protocol = Answer.Replace(Accept, $"{Accept}Sec-WebSocket-Protocol: chat\r\n", StringComparison.Ordinal);
        Assert.Equal(ClientHandshakeFault.UnofferedSubprotocol, Judge(protocol, [], [], out _));
        string extension = Answer.Replace(Accept, $"{Accept}Sec-WebSocket-Extensions: x\r\n", StringComparison.Ordinal);
        Assert.Equal(ClientHandshakeFault.UnofferedExtension, Judge(extension, [], [], out _));
    }

    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols", 101)]
    [InlineData("HTTP/1.1 404 Not Found", 404)]
    [InlineData("HTTP/1.1 200 ", 200)]
    [InlineData("HTTP/1.1 999", 999)]
    [InlineData("HTTP/1.1 099 x", 0)]
    [InlineData("HTTP/1.1 +10 x", 0)]
    [InlineData("HTTP/1.1 -10 x", 0)]
    [InlineData("HTTP/1.1 1O1 x", 0)]
    [InlineData("HTTP/1.1 1010", 0)]
    [InlineData("HTTP/1.1 10", 0)]
    [InlineData("HTTP/1.1  101 x", 0)]
    [InlineData("HTTP/1.0 101 x", 0)]
    [InlineData("http/1.1 101 x", 0)]
    [InlineData("", 0)]
    public void RFC_9112_section_4_the_status_of_a_response(string line, int expected)
    {
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(Bytes(line + "\r\n\r\n"), out HttpHead head));
        Assert.Equal(expected, ClientHandshake.Status(in head));
    }

    [Fact]
    public void The_frames_that_follow_the_answer_at_once_are_left_behind_it()
    {
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(Bytes(Answer + "\u0081\u0002hi"), out HttpHead head));
        Assert.Equal(Answer.Length, head.Length);
    }

    private static TheoryData<ClientHandshakeFault, string> Create()
    {
        var data = new TheoryData<ClientHandshakeFault, string>();
        void With(ClientHandshakeFault fault, string usual, params string[] instead)
        {
            foreach (string other in instead) data.Add(fault, Answer.Replace(usual, other, StringComparison.Ordinal));
        }

        const string upgrade = "Upgrade: websocket\r\n";
        const string connection = "Connection: Upgrade\r\n";
        const string status = "HTTP/1.1 101 Switching Protocols";
        const string protocol = "Sec-WebSocket-Protocol: ";
        const string extensions = "Sec-WebSocket-Extensions: ";
        data.Add(ClientHandshakeFault.None, Answer);
        With(ClientHandshakeFault.None, upgrade, "UPGRADE: WebSocket\r\n");
        With(ClientHandshakeFault.None, connection, "connection: keep-alive, upgrade\r\n", "Connection: x\r\nConnection: Upgrade\r\n");
        With(ClientHandshakeFault.None, status, "HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 101 Anything");
        With(ClientHandshakeFault.None, Accept, $"{Accept}{extensions}permessage-deflate; a=b, x\r\n", $"{Accept}{protocol}superchat\r\n");
        With(ClientHandshakeFault.InvalidHead, status, "HTTP/1.0 101 Switching Protocols", "101", "", "HTTP/1.1 1x1 y", "GET / HTTP/1.1");
        With(
            ClientHandshakeFault.UnexpectedStatus, status,
            "HTTP/1.1 200 OK", "HTTP/1.1 100 Continue", "HTTP/1.1 102 x", "HTTP/1.1 301 x", "HTTP/1.1 401 x", "HTTP/1.1 503 x");
        With(ClientHandshakeFault.NotAnUpgrade, upgrade, "", "Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n", upgrade + upgrade);
        With(ClientHandshakeFault.ConnectionNotUpgrade, connection, "", "Connection: close\r\n", "Connection: Upgrades\r\n");
        With(ClientHandshakeFault.MissingAccept, Accept, "", Accept + Accept);
        With(
            ClientHandshakeFault.WrongAccept, Accept,
            "Sec-WebSocket-Accept: \r\n", $"Sec-WebSocket-Accept: {Key}\r\n",
            "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n");
        With(
            ClientHandshakeFault.UnofferedSubprotocol, Accept,
            $"{Accept}{protocol}other\r\n", $"{Accept}{protocol}Chat\r\n", $"{Accept}{protocol}\r\n", $"{Accept}{protocol}chat, superchat\r\n",
            $"{Accept}{protocol}chat\r\n{protocol}chat\r\n");
        With(
            ClientHandshakeFault.UnofferedExtension, Accept,
            $"{Accept}{extensions}y\r\n", $"{Accept}{extensions}x, y\r\n", $"{Accept}{extensions}x\r\n{extensions}y\r\n", $"{Accept}{extensions}X\r\n");
        With(
            ClientHandshakeFault.InvalidExtensions, Accept,
            $"{Accept}{extensions}\r\n", $"{Accept}{extensions}x;\r\n", $"{Accept}{extensions}x y\r\n", $"{Accept}{extensions}x\r\n{extensions},\r\n");
        return data;
    }

    private static string Write(
        string target, string host, string[]? subprotocols = null, string? extensions = null, KeyValuePair<string, string>[]? fields = null)
    {
        byte[] buffer = new byte[1000];
        int written = ClientHandshake.WriteRequest(buffer, target, host, Bytes(Key), subprotocols, extensions, fields);
        return Text(buffer.AsSpan(0, written));
    }

    private static ClientHandshakeFault Judge(string answer, string[] subprotocols, string[] extensions, out string? subprotocol)
    {
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(Bytes(answer), out HttpHead head));
        return ClientHandshake.Judge(in head, Bytes(Key), subprotocols, extensions, out subprotocol);
    }
}
