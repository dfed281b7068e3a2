using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Drafts;

/// <summary>Clients of hixie-75 and hixie-76 on a server that is told to speak with them: messages, and what their frames cannot say.</summary>
public abstract class HixieMessageTests(Driver driver)
{
    private readonly TestHandler _handler = TestHandler.Echo();

    public static TheoryData<WebSocketDrafts> Both => [WebSocketDrafts.Hixie75, WebSocketDrafts.Hixie76];

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Texts_of_any_length_make_the_round_trip(WebSocketDrafts draft)
    {
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        foreach (int length in (int[])[0, 1, 125, 126, 4096, 16_384, 65_536, 1 << 20])
        {
            string text = Encoding.UTF8.GetString(Wire.TextBytes(length));
            await client.Send(text);
            await client.ReadText(text);
        }

        Assert.Null(_handler.Peer.Subprotocol);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Many_messages_in_any_pieces_keep_their_order_and_bounds(WebSocketDrafts draft)
    {
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        string[] texts = [.. Enumerable.Range(0, 2000).Select(i => new string((char)('a' + (i % 26)), i % 37))];
        byte[] all = Wire.Concat(texts.Select(HixieClient.Text));
        foreach (int size in (int[])[int.MaxValue, 1009, 13])
        {
            Task sending = client.Raw.SendInPieces(all, size);
            foreach (string text in texts) await client.ReadText(text);
            await sending;
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Empty_texts_which_grow_most_are_read_whatever_comes_at_once(WebSocketDrafts draft)
    {
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        byte[] all = Wire.Concat(Enumerable.Repeat(HixieClient.Text(""), 50_000));
        Task sending = client.Send(all);
        byte[] back = await client.Raw.ReadBytes(all.Length);
        Assert.True(all.AsSpan().SequenceEqual(back));
        await sending;
        await client.Send("next");
        await client.ReadText("next");
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task What_comes_right_behind_the_handshake_is_read_after_it_and_what_OnOpen_sends_comes_right_behind_the_answer(WebSocketDrafts draft)
    {
        _handler.Open = peer => peer.Send("welcome");
        await using TestServer server = Start();
        using RawClient raw = await server.Connect();
        string large = new('x', 100_000);
        await raw.Send((byte[])[.. Wire.Ascii(HixieClient.Request(draft)), .. HixieClient.Text("one"), .. HixieClient.Text(large), .. HixieClient.Text("two")]);
        using HixieClient client = await HixieClient.On(raw, draft);
        await client.ReadText("welcome");
        await client.ReadText("one");
        await client.ReadText(large);
        await client.ReadText("two");
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Nothing_is_compressed_whatever_is_offered(WebSocketDrafts draft)
    {
        await using TestServer server = Start();
        using RawClient raw = await server.Connect();
        await raw.Send(HixieClient.Request(draft, "Sec-WebSocket-Extensions: permessage-deflate"));
        using HixieClient client = await HixieClient.On(raw, draft);
        string text = new('x', 10_000);
        await client.Send(text);
        await client.ReadText(text);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Fragments_and_messages_for_many_arrive_as_texts_and_pings_do_not(WebSocketDrafts draft)
    {
        var news = new PreparedMessage(WebSocketMessageType.Text, "to all"u8.ToArray());
        _handler.Message = (peer, type, _) =>
        {
            Assert.Equal(SendStatus.Sent, peer.Ping("p"u8));
            peer.Send(type, "Hel"u8, WebSocketMessageFlags.None);
            peer.Ping();
            peer.Send(type, "lo"u8);
            peer.Send(news);
        };
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send("go");
        await client.ReadText("Hello");
        await client.ReadText("to all");
        Assert.Empty(_handler.Errors);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75, "")]
    [InlineData(WebSocketDrafts.Hixie76, "FF00")]
    public async Task A_binary_message_does_not_leave_and_closes_with_1003_behind_what_was_sent(WebSocketDrafts draft, string end)
    {
        SendStatus after = SendStatus.Sent;
        _handler.Message = (peer, type, payload) =>
        {
            peer.Send(type, payload);
            peer.Send(WebSocketMessageType.Binary, new byte[100_000]);
            after = peer.Send(type, "not this"u8);
        };
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send("go");
        await client.ReadText("go");
        if (draft == WebSocketDrafts.Hixie76) Assert.Equal(end, Convert.ToHexString(await client.Raw.ReadBytes(2)));
        if (draft == WebSocketDrafts.Hixie76) await client.Send(0xFF, 0x00);
        else client.Raw.EndSending();
        Assert.Equal("", await client.ReadToEnd());
        CloseCause cause = await _handler.CloseCause();
        Assert.Equal((CloseInitiator.Local, WebSocketCloseStatus.InvalidMessageType), (cause.Initiator, cause.Status));
        Assert.Contains("binary", cause.Reason, StringComparison.Ordinal);
        Assert.Equal(SendStatus.Closed, after);
        (WebSocketPeer? peer, Exception exception) = Assert.Single(_handler.Errors);
        Assert.Same(_handler.Peer, peer);
        Assert.Contains("hixie-75", Assert.IsType<InvalidOperationException>(exception).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_text_that_is_no_UTF8_does_not_become_frames_of_its_senders_choice(WebSocketDrafts draft)
    {
        _handler.Message = (peer, type, _) => peer.Send(type, [(byte)'a', 0xFF, 0x00, (byte)'b']);
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send("go");
        Assert.Equal("00", await client.ReadToEnd()); // a text that never ends is no message
        Assert.Equal((CloseInitiator.Local, CloseCause.Abnormal), (await _handler.CloseCause()) is var cause ? (cause.Initiator, cause.Status) : default);
        Assert.Contains("UTF-8", Assert.Single(_handler.Errors).Exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75, ProtocolFault.InvalidUtf8, "00C3FF")]
    [InlineData(WebSocketDrafts.Hixie76, ProtocolFault.InvalidUtf8, "00C3FF")]
    [InlineData(WebSocketDrafts.Hixie76, ProtocolFault.InvalidUtf8, "00C328")] // before its end
    [InlineData(WebSocketDrafts.Hixie75, ProtocolFault.ReservedOpcode, "80FFFFFF7F")]
    [InlineData(WebSocketDrafts.Hixie76, ProtocolFault.ReservedOpcode, "FF8080808080808080808080")]
    public async Task What_breaks_a_rule_ends_the_connection(WebSocketDrafts draft, ProtocolFault fault, string hex)
    {
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send([.. HixieClient.Text("before"), .. Convert.FromHexString(hex)]);
        await client.ReadText("before");
        Assert.Equal(draft == WebSocketDrafts.Hixie76 ? "FF00" : "", await client.ReadToEnd());
        client.Dispose();
        CloseCause cause = await _handler.CloseCause();
        Assert.Equal((CloseInitiator.ProtocolFault, fault, fault.CloseStatus()), (cause.Initiator, cause.Fault, cause.Status));
    }

    [Fact]
    public async Task A_text_without_an_end_is_refused_when_it_is_too_long_and_no_more_of_it_is_kept()
    {
        await using TestServer server = Start(options => options with { MaxMessageSize = 100_000 });
        using HixieClient client = await HixieClient.Open(server, WebSocketDrafts.Hixie76);
        string most = new('x', 100_000);
        await client.Send(most);
        await client.ReadText(most);
        await client.Send([0x00, .. Encoding.ASCII.GetBytes(most), (byte)'x']);
        Assert.Equal("FF00", await client.ReadToEnd());
        client.Dispose();
        Assert.Equal(ProtocolFault.MessageTooBig, (await _handler.CloseCause()).Fault);
    }

    [Fact]
    public async Task Parts_of_a_large_text_come_as_they_arrive()
    {
        var parts = new StringBuilder();
        bool ended = false;
        _handler.Part = (peer, type, part, endOfMessage) =>
        {
            Assert.Equal(WebSocketMessageType.Text, type);
            parts.Append(Encoding.ASCII.GetString(part));
            if (endOfMessage) ended = true;
            peer.Send("part");
        };
        await using TestServer server = driver.Start(_handler, Options, new WebSocketRoute("/ws", _handler) { StreamMessagesAbove = 10 });
        using HixieClient client = await HixieClient.Open(server, WebSocketDrafts.Hixie75);
        await client.Send([0x00, .. "01234567890123456789"u8]);
        await client.ReadText("part"); // before the end has been sent
        Assert.False(ended);
        await client.Send(0xFF);
        await Eventually.True(() => Volatile.Read(ref ended), "the end");
        Assert.Equal("01234567890123456789", parts.ToString());
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Who_does_not_read_is_waited_for(WebSocketDrafts draft)
    {
        byte[] text = Encoding.ASCII.GetBytes(new string('x', 1 << 20));
        bool drained = false;
        SendStatus status = SendStatus.Sent;
        _handler.Message = (peer, type, _) =>
        {
            for (int i = 0; i < 16; i++) status = peer.Send(type, text);
        };
        _handler.Drain = _ => Volatile.Write(ref drained, true);
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft, receiveBuffer: 16 * 1024);
        await client.Send("go");
        await Eventually.True(() => !_handler.Opened.IsEmpty && _handler.Peer.BufferedBytes > 0, "what waits");
        string expected = Encoding.ASCII.GetString(text);
        for (int i = 0; i < 16; i++) await client.ReadText(expected);
        await Eventually.True(() => Volatile.Read(ref drained), "OnDrain");
        Assert.Equal(SendStatus.Buffered, status);
    }

    private WebSocketServerOptions Options => new()
    {
        EndPoints = TestServer.AnyPort, Loops = 1, OnError = _handler.Error, Drafts = WebSocketDrafts.All, Deflate = new(),
    };

    private TestServer Start(Func<WebSocketServerOptions, WebSocketServerOptions>? change = null) => driver.Start(_handler, change?.Invoke(Options) ?? Options);
}

public sealed class HixieMessagesOnLoops() : HixieMessageTests(Driver.Loops);

public sealed class HixieMessagesOnStreams() : HixieMessageTests(Driver.Streams);
