using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Client;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>RFC 6455 section 4.1, "the client MUST validate the server's response": over the wire, in any pieces.</summary>
public sealed class AnswerTests
{
    private const string Start = "HTTP/1.1 101 Switching Protocols\r\n";
    private const string Upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    private const string Accept = "Sec-WebSocket-Accept: {accept}\r\n";

    public static TheoryData<ClientHandshakeFault, string> Wrong => new()
    {
        { ClientHandshakeFault.InvalidHead, "SSH-2.0-OpenSSH_9.2\r\n\r\n" },
        { ClientHandshakeFault.InvalidHead, "HTTP/1.1 101 Bare\n\n" },
        { ClientHandshakeFault.InvalidHead, "HTTP/1.1 0101 Four\r\n\r\n" },
        { ClientHandshakeFault.InvalidHead, "HTTP/1.1 1x1 Letter\r\n\r\n" },
        { ClientHandshakeFault.InvalidHead, "HTTP/1.1 099 Low\r\n\r\n" },
        { ClientHandshakeFault.InvalidHead, "HTTP/2 101\r\n\r\n" },
        { ClientHandshakeFault.InvalidHead, "HTTP/1.0 101 Old\r\n" + Upgrade + Accept + "\r\n" },
        { ClientHandshakeFault.InvalidHead, Start + Upgrade + Accept + "No colon\r\n\r\n" },
        { ClientHandshakeFault.InvalidHead, Start + Upgrade + " folded\r\n" + Accept + "\r\n" },
        { ClientHandshakeFault.UnexpectedStatus, "HTTP/1.1 200 OK\r\n" + Upgrade + Accept + "Content-Length: 0\r\n\r\n" },
        { ClientHandshakeFault.NotAnUpgrade, Start + "Connection: Upgrade\r\n" + Accept + "\r\n" },
        { ClientHandshakeFault.NotAnUpgrade, Start + "Upgrade: h2c\r\nConnection: Upgrade\r\n" + Accept + "\r\n" },
        { ClientHandshakeFault.ConnectionNotUpgrade, Start + "Upgrade: websocket\r\n" + Accept + "\r\n" },
        { ClientHandshakeFault.ConnectionNotUpgrade, Start + "Upgrade: websocket\r\nConnection: keep-alive\r\n" + Accept + "\r\n" },
        { ClientHandshakeFault.MissingAccept, Start + Upgrade + "\r\n" },
        { ClientHandshakeFault.MissingAccept, Start + Upgrade + Accept + Accept + "\r\n" },
        { ClientHandshakeFault.WrongAccept, Start + Upgrade + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" },
        { ClientHandshakeFault.UnofferedSubprotocol, Start + Upgrade + Accept + "Sec-WebSocket-Protocol: other\r\n\r\n" },
        { ClientHandshakeFault.UnofferedSubprotocol, Start + Upgrade + Accept + "Sec-WebSocket-Protocol: CHAT\r\n\r\n" },
        { ClientHandshakeFault.UnofferedSubprotocol, Start + Upgrade + Accept + "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n\r\n" },
        { ClientHandshakeFault.UnofferedExtension, Start + Upgrade + Accept + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n" },
        { ClientHandshakeFault.InvalidExtensions, Start + Upgrade + Accept + "Sec-WebSocket-Extensions: ;;\r\n\r\n" },
        { ClientHandshakeFault.InvalidDeflateAnswer, Start + Upgrade + Accept + "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n\r\n" },
        { ClientHandshakeFault.InvalidDeflateAnswer, Start + Upgrade + Accept + "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task An_answer_that_breaks_a_rule_fails_with_its_name_and_section(ClientHandshakeFault fault, string answer)
    {
        await using ScriptedServer server = ScriptedServer.Answering(answer);
        DeflateOptions? deflate = fault == ClientHandshakeFault.InvalidDeflateAnswer ? new DeflateOptions() : null;
        WebSocketConnectException failure = await Fails(server.Uri(), new() { Subprotocols = ["chat"], Deflate = deflate }, error: ErrorOf(fault));
        Assert.Equal((WebSocketConnectPhase.Handshake, fault), (failure.Phase, failure.Fault));
        Assert.Contains(fault.Text(), failure.Message, StringComparison.Ordinal);
        Assert.Equal(fault == ClientHandshakeFault.InvalidHead && !answer.StartsWith("HTTP/1.0", StringComparison.Ordinal), failure.Status is null);
        Assert.Null(failure.InnerException);
    }

    [Fact]
    public void Every_fault_is_caused_over_the_wire() =>
        Assert.Equal(Enum.GetValues<ClientHandshakeFault>()[1..], Wrong.Select(row => row.Data.Item1).Distinct().Order());

    [Fact]
    public async Task The_answer_of_a_broken_handshake_is_kept()
    {
        await using ScriptedServer server = ScriptedServer.Answering(Start + Upgrade + "X-Why: me\r\nx-why: again\r\n\r\n");
        WebSocketConnectException failure = await Fails(server.Uri(), error: WebSocketError.HeaderError);
        Assert.Equal(101, failure.Status);
        Assert.Equal(["Upgrade=websocket", "Connection=Upgrade", "X-Why=me", "x-why=again"], failure.Headers.Select(field => $"{field.Key}={field.Value}"));
    }

    [Fact]
    public async Task The_chosen_subprotocol_is_told()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead(), "Sec-WebSocket-Protocol: superchat", "X-A: 1")));
        ClientHandshakeResult result = await Connect(server.Uri(), new() { Subprotocols = ["chat", "superchat"] });
        await using Stream stream = result.Stream;
        Assert.Equal("superchat", result.Subprotocol);
        Assert.Null(result.Deflate);
        Assert.Empty(result.Received);
        Assert.Contains(new("X-A", "1"), result.Headers);
    }

    [Fact]
    public async Task None_is_chosen_when_the_server_names_none()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer => await peer.Send(ScriptedPeer.Switching(await peer.ReadHead())));
        ClientHandshakeResult result = await Connect(server.Uri(), new() { Subprotocols = ["chat"] });
        await using Stream stream = result.Stream;
        Assert.Null(result.Subprotocol);
    }

    [Fact]
    public async Task An_answer_that_comes_byte_by_byte_is_read()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            foreach (char c in ScriptedPeer.Switching(await peer.ReadHead())) await peer.Send(c.ToString());
        });
        await using Stream stream = (await Connect(server.Uri())).Stream;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(100_000)]
    public async Task No_byte_behind_the_answer_is_lost(int length)
    {
        byte[] frames = Wire.Noise(length);
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            string answer = ScriptedPeer.Switching(await peer.ReadHead());
            await peer.Send([.. Encoding.Latin1.GetBytes(answer), .. frames]);
        });
        ClientHandshakeResult result = await Connect(server.Uri());
        await using Stream stream = result.Stream;
        using var all = new MemoryStream();
        all.Write(result.Received);
        await stream.CopyToAsync(all).InTime();
        Assert.Equal(frames, all.ToArray());
        Assert.InRange(result.Received.Length, 0, HttpHead.MaxLength);
    }

    [Fact]
    public async Task A_head_of_exactly_the_limit_is_read()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer => await peer.Send(Padded(await peer.ReadHead(), HttpHead.MaxLength)));
        await using Stream stream = (await Connect(server.Uri())).Stream;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_head_over_a_limit_is_refused(int kind)
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            string head = await peer.ReadHead();
            await peer.Send(kind == 0
                ? Padded(head, HttpHead.MaxLength + 1)
                : ScriptedPeer.Switching(head, [.. Enumerable.Range(0, HttpHead.MaxFields).Select(i => $"X-{i}: 1")]));
            await peer.End();
        });
        WebSocketConnectException failure = await Fails(server.Uri(), error: WebSocketError.NotAWebSocket);
        Assert.Equal(ClientHandshakeFault.InvalidHead, failure.Fault);
        Assert.Contains(kind == 0 ? "TooLong" : "TooManyFields", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interim_responses_are_passed_over()
    {
        // RFC 9110 section 15.2; more of them than fit the buffer at once.
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            string head = await peer.ReadHead();
            string interim = "HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 103 Early Hints\r\nLink: " + new string('x', 3000) + "\r\n\r\n";
            await peer.Send(interim + interim + interim + interim + ScriptedPeer.Switching(head) + "behind");
        });
        ClientHandshakeResult result = await Connect(server.Uri());
        await using Stream stream = result.Stream;
        byte[] behind = new byte[6];
        result.Received.CopyTo(behind, 0);
        await stream.ReadExactlyAsync(behind.AsMemory(result.Received.Length)).AsTask().InTime();
        Assert.Equal("behind"u8, behind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 101 Swi")]
    public async Task A_server_that_ends_before_its_answer_is_whole_has_not_answered(string answer)
    {
        await using ScriptedServer server = ScriptedServer.Answering(answer);
        WebSocketConnectException failure = await Fails(server.Uri());
        Assert.IsType<IOException>(failure.InnerException, exactMatch: false);
        Assert.Equal((WebSocketConnectPhase.Handshake, null, null), (failure.Phase, failure.Fault, failure.Status));
    }

    private static string Padded(string head, int length)
    {
        string answer = ScriptedPeer.Switching(head, "X: ");
        return answer.Replace("X: ", "X: " + new string('x', length - answer.Length), StringComparison.Ordinal);
    }

    private static WebSocketError ErrorOf(ClientHandshakeFault fault) => fault switch
    {
        ClientHandshakeFault.InvalidHead or ClientHandshakeFault.UnexpectedStatus => WebSocketError.NotAWebSocket,
        ClientHandshakeFault.UnofferedSubprotocol => WebSocketError.UnsupportedProtocol,
        _ => WebSocketError.HeaderError,
    };
}
