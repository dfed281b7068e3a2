using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Messages;

/// <summary>Routes with StreamMessagesAbove: larger messages come in parts, as they arrive, and nobody gathers them.</summary>
public abstract class StreamedMessageTests
{
    private const int Threshold = 10_000;

    private readonly TestHandler _handler = new();
    private readonly List<Recorded> _messages = [];
    private readonly Driver _driver;
    private List<byte[]>? _parts;

    protected StreamedMessageTests(Driver driver)
    {
        _driver = driver;
        _handler.Message = (peer, type, payload) =>
        {
            _messages.Add(new Recorded(type, [payload.ToArray()], IsWhole: true));
            peer.Send($"{_messages.Count}");
        };
        _handler.Part = (peer, type, part, endOfMessage) =>
        {
            _parts ??= [];
            _parts.Add(part.ToArray());
            if (!endOfMessage) return;
            _messages.Add(new Recorded(type, _parts, IsWhole: false));
            _parts = null;
            peer.Send($"{_messages.Count}");
        };
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(Threshold, true)]
    [InlineData(Threshold + 1, false)]
    [InlineData(1 << 20, false)]
    public async Task Messages_up_to_the_threshold_come_whole_and_larger_ones_in_parts(int size, bool whole)
    {
        await using TestServer server = Start();
        using DeflateClient client = await DeflateClient.Open(server);
        byte[] text = Wire.TextBytes(size);
        byte[][] spellings =
        [
            Wire.Message(WebSocketMessageType.Text, text), Wire.Fragments(WebSocketMessageType.Text, text, 1 + (size / 3)),
            client.Message(WebSocketMessageType.Text, text), client.Message(WebSocketMessageType.Text, text, 1 + (size / 3)),
        ];
        for (int i = 0; i < spellings.Length; i++)
        {
            await client.Raw.Send(spellings[i]);
            await client.Raw.ReadText($"{i + 1}");
            Assert.Equal((WebSocketMessageType.Text, whole), (_messages[i].Type, _messages[i].IsWhole));
            Assert.Equal(text, _messages[i].Bytes);
        }
    }

    [Fact]
    public async Task No_more_than_the_threshold_is_gathered_before_the_first_part()
    {
        await using TestServer server = Start();
        using RawClient client = await server.Open();
        byte[] noise = Wire.Noise(3 * Threshold);
        await client.SendInPieces(Wire.Fragments(WebSocketMessageType.Binary, noise, 1000), 1009);
        await client.ReadText("1");
        // The eleventh frame announces more than the threshold: the ten before it are the first part.
        Assert.Equal(Threshold, _messages[0].Parts[0].Length);
        Assert.Equal(noise, _messages[0].Bytes);
        await client.Send(Wire.LongHeader(0x82, 1L << 40));
        await client.Send("x");
        await Eventually.True(() => _parts is { Count: 1 }, "the first byte of a terabyte");
    }

    [Fact]
    public async Task Parts_together_are_the_message_however_it_is_cut_compressed_and_mixed()
    {
        var random = new Random(77);
        await using TestServer server = Start();
        using DeflateClient client = await DeflateClient.Open(server);
        var sent = new List<(WebSocketMessageType Type, byte[] Payload)>();
        for (int i = 0; i < 120; i++)
        {
            int size = random.Next(4) switch { 0 => random.Next(200), 1 => random.Next(2 * Threshold), 2 => Threshold + random.Next(-2, 3), _ => random.Next(300_000) };
            bool text = random.Next(2) == 0;
            WebSocketMessageType type = text ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
            byte[] payload = text ? Wire.TextBytes(size) : Wire.Noise(size, i);
            int fragment = random.Next(3) == 0 ? int.MaxValue / 2 : 200 + random.Next(size + 1);
            sent.Add((type, payload));
            byte[] bytes = random.Next(2) == 0 ? client.Message(type, payload, fragment)
                : fragment > size ? Wire.Message(type, payload) : Wire.Fragments(type, payload, fragment);
            await client.Raw.SendInPieces((byte[])[.. Wire.Ping("between"), .. bytes], random.Next(3) == 0 ? 1 + random.Next(400) : int.MaxValue);
            Assert.Equal(Got.Pong, (await client.Raw.Read()).Kind);
            await client.Raw.ReadText($"{i + 1}");
        }

        Assert.Equal(sent.Count, _messages.Count);
        foreach (((WebSocketMessageType type, byte[] payload), Recorded message) in sent.Zip(_messages))
        {
            Assert.Equal((type, payload.Length, payload.Length <= Threshold), (message.Type, message.Bytes.Length, message.IsWhole));
            Assert.True(payload.AsSpan().SequenceEqual(message.Bytes));
            Assert.DoesNotContain(message.Parts.SkipLast(1), part => part.Length == 0);
        }

        Assert.Empty(_handler.Errors);
    }

    [Fact]
    public async Task A_message_split_at_every_byte_comes_in_order_with_code_points_cut_between_parts()
    {
        await using TestServer server = Start(streamsAbove: 0);
        using RawClient client = await server.Open();
        byte[] text = Encoding.UTF8.GetBytes("aé€𝄞z");
        byte[] stream = [.. Wire.Fragments(WebSocketMessageType.Text, text, 2), .. Wire.Message(WebSocketMessageType.Text, text)];
        for (int cut = 1; cut < stream.Length; cut++)
        {
            await client.Send(stream.AsMemory(0, cut));
            await client.Send(stream.AsMemory(cut));
            await client.ReadText($"{(2 * cut) - 1}");
            await client.ReadText($"{2 * cut}");
        }

        await client.SendInPieces(stream, 1);
        await client.ReadText($"{(2 * stream.Length) - 1}");
        await client.ReadText($"{2 * stream.Length}"); // both: the list is the loop's until the last answer has come
        Assert.All(_messages, message => Assert.Equal((WebSocketMessageType.Text, "aé€𝄞z", false), (message.Type, Encoding.UTF8.GetString(message.Bytes), message.IsWhole)));
        Assert.Contains(_messages, message => message.Parts[0].Length == 2); // "a" and half of "é"
    }

    [Theory]
    [InlineData("text", 1007, ProtocolFault.InvalidUtf8)]
    [InlineData("frame", 1002, ProtocolFault.ReservedOpcode)]
    [InlineData("size", 1009, ProtocolFault.MessageTooBig)]
    public async Task After_a_violation_in_the_middle_no_part_follows_and_OnClose_says_why(string violation, int status, ProtocolFault fault)
    {
        await using TestServer server = Start(maxMessageSize: 100_000);
        using RawClient client = await server.Open();
        byte[] first = Wire.TextBytes(50_000);
        await client.Send(Wire.Frame(0x01, first));
        await Eventually.True(() => Received() == first.Length, "the first half");
        await client.Send(violation switch { "text" => Wire.Frame(0x80, 0xFF), "frame" => Wire.Frame(0x83), _ => Wire.LongHeader(0x80, 1 << 20) });
        await client.ReadClose(status);
        Assert.Equal((CloseInitiator.ProtocolFault, fault), (await _handler.CloseCause()) is var cause ? (cause.Initiator, cause.Fault) : default);
        Assert.Equal(first.Length, Received());
        Assert.Empty(_messages);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_connection_may_end_in_the_middle_of_a_message(bool reset)
    {
        await using TestServer server = Start();
        using RawClient client = await server.Open();
        await client.Send(Wire.Binary(new byte[100_000]).AsMemory(0, 60_000));
        await Eventually.True(() => Received() == 60_000 - 14, "what has come");
        if (reset) client.Reset();
        else client.EndSending();
        Assert.Equal(CloseInitiator.TransportEnd, (await _handler.CloseCause()).Initiator);
        Assert.Empty(_messages);
    }

    [Fact]
    public async Task A_handler_that_closes_in_the_middle_gets_no_more_parts()
    {
        int parts = 0;
        _handler.Part = (peer, _, _, _) =>
        {
            parts++;
            peer.Close(WebSocketCloseStatus.PolicyViolation, "enough");
        };
        await using TestServer server = Start();
        using RawClient client = await server.Open();
        await client.Send(Wire.Fragments(WebSocketMessageType.Binary, new byte[100_000], 1000));
        await client.AnswerClose(1008);
        Assert.Equal(CloseInitiator.Local, (await _handler.CloseCause()).Initiator);
        Assert.Equal(1, parts);
    }

    [Fact]
    public async Task A_handler_that_does_not_expect_parts_is_closed_with_1011_and_reported()
    {
        _handler.Part = null;
        await using TestServer server = Start();
        using RawClient client = await server.Open();
        await client.Send(Wire.Binary(new byte[Threshold]));
        await client.ReadText("1");
        await client.Send(Wire.Binary(new byte[Threshold + 1]));
        await client.ReadClose(1011);
        Assert.IsType<NotSupportedException>(Assert.Single(_handler.Errors).Exception);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_echo_of_parts_to_a_client_that_does_not_read_pauses_and_goes_on(bool compressed)
    {
        const int Size = 64 << 20;
        const int Pause = 128 * 1024;
        int most = 0;
        _handler.Part = (peer, type, part, endOfMessage) =>
        {
            // As it is: 64 MiB of zeros are 64 KiB of DEFLATE, which come with one receive.
            peer.Send(type, part, WebSocketMessageFlags.DisableCompression | (endOfMessage ? WebSocketMessageFlags.EndOfMessage : 0));
            most = Math.Max(most, peer.BufferedBytes);
        };
        await using TestServer server = Start(maxMessageSize: Size, pause: Pause);
        using DeflateClient client = await DeflateClient.Open(server, receiveBuffer: 32 * 1024);
        byte[] payload = new byte[Size];
        byte[] bytes = compressed ? client.Message(WebSocketMessageType.Binary, payload) : Wire.Binary(payload);
        Task sending = Task.Run(async () =>
        {
            for (ReadOnlyMemory<byte> rest = bytes; !rest.IsEmpty;) rest = rest[await client.Raw.Socket.SendAsync(rest)..];
        });
        WebSocketPeer peer = _handler.Peer;
        await Eventually.True(() => peer.BufferedBytes > Pause, "the pause");
        using RawClient other = await server.Open();
        await other.Send(Wire.Text("others are served"));
        await other.ReadText("1");
        // The answer to a ping goes behind what waits, and pings are read behind what is held: both only go on when the client reads.
        await client.Raw.ReadMessage(Got.Binary, payload);
        await sending.InTime();
        await client.Raw.Send(Wire.Text("after"));
        await client.Raw.ReadText("2");
        // The pause, and what one receive or one piece of inflated payload adds to it.
        Assert.InRange(most, Pause, Pause + (256 * 1024) + 1024);
        Assert.Empty(_handler.Errors);
    }

    [Theory]
    [InlineData(100, null, 99, true)]
    [InlineData(100, null, 101, false)]
    [InlineData(100, 200L, 150, true)]
    [InlineData(100, 50L, 51, false)]
    public async Task A_route_has_a_limit_of_its_own(int ofServer, long? ofRoute, int size, bool allowed)
    {
        var route = new WebSocketRoute("/ws", _handler) { MaxMessageSize = ofRoute };
        await using TestServer server = _driver.Start(_handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, MaxMessageSize = ofServer }, route);
        using RawClient client = await server.Open();
        await client.Send(Wire.Binary(new byte[size]));
        if (allowed) await client.ReadText("1");
        else await client.ReadClose(1009);
    }

    [Fact]
    public void Limits_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("StreamMessagesAbove", () => new WebSocketRoute("/", _handler) { StreamMessagesAbove = -1 });
        Assert.Throws<ArgumentOutOfRangeException>("StreamMessagesAbove", () => new WebSocketRoute("/", _handler) { StreamMessagesAbove = (1 << 30) + 1 });
        Assert.Throws<ArgumentOutOfRangeException>("MaxMessageSize", () => new WebSocketRoute("/", _handler) { MaxMessageSize = -1 });
        var server = new WebSocketServer(new WebSocketServerOptions());
        Assert.Throws<ArgumentException>("route", () => server.Map(new WebSocketRoute("/", _handler) { MaxMessageSize = (1L << 30) + 1 }));
        server.Map(new WebSocketRoute("/", _handler) { MaxMessageSize = long.MaxValue, StreamMessagesAbove = 0 });
    }

    private TestServer Start(int streamsAbove = Threshold, long maxMessageSize = long.MaxValue, int pause = 1 << 20)
    {
        var route = new WebSocketRoute("/ws", _handler) { StreamMessagesAbove = streamsAbove, MaxMessageSize = maxMessageSize };
        var options = new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = _handler.Error, Deflate = new DeflateOptions(), ReceivePauseBytes = pause,
        };
        return _driver.Start(_handler, options, route);
    }

    private int Received() => _parts?.ToArray().Sum(part => part.Length) ?? 0;

    private sealed record Recorded(WebSocketMessageType Type, List<byte[]> Parts, bool IsWhole)
    {
        public byte[] Bytes => [.. Parts.SelectMany(part => part)];
    }
}

public sealed class StreamedMessageOnLoops() : StreamedMessageTests(Driver.Loops);

public sealed class StreamedMessageOnStreams() : StreamedMessageTests(Driver.Streams);
