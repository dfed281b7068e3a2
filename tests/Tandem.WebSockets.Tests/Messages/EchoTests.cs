using System.Net.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Messages;

/// <summary>RFC 6455 sections 5.4 and 5.6: messages of all sizes, in all pieces, come to the handler whole and go back unchanged.</summary>
public abstract class EchoTests(Driver driver)
{
    private const int Limit = 16 * 1024 * 1024;

    public static TheoryData<int> Sizes => [0, 1, 125, 126, 65_535, 65_536, 1 << 20, Limit];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task A_whole_message_comes_back(int size)
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        byte[] binary = Wire.Noise(size);
        await Exchange(client, Wire.Binary(binary), Got.Binary, binary);
        byte[] text = Wire.TextBytes(size);
        await Exchange(client, Wire.Message(WebSocketMessageType.Text, text), Got.Text, text);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(300, 1)]
    [InlineData(5000, 7)]
    [InlineData(65_536, 1000)]
    [InlineData(1 << 20, 65_537)]
    [InlineData(1 << 20, 16_384)]
    [InlineData(Limit, (Limit / 3) + 1)]
    public async Task RFC6455_5_4_a_fragmented_message_comes_back_whole(int size, int fragment)
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        byte[] text = Wire.TextBytes(size);
        await Exchange(client, Wire.Fragments(WebSocketMessageType.Text, text, fragment), Got.Text, text);
        byte[] binary = Wire.Noise(size);
        await Exchange(client, Wire.Fragments(WebSocketMessageType.Binary, binary, fragment), Got.Binary, binary);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(13)]
    public async Task A_stream_chopped_into_tiny_writes_is_understood(int piece)
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        byte[] stream =
        [
            .. Wire.Text("héllo"), .. Wire.Ping("p"), .. Wire.Binary(Wire.Noise(130)), .. Wire.Text(""),
            .. Wire.Fragments(WebSocketMessageType.Text, Wire.TextBytes(40), 3), .. Wire.Ping(new string('q', 125)), .. Wire.Text("end"),
        ];
        await client.SendInPieces(stream, piece);
        await client.ReadText("héllo");
        Assert.Equal((Got.Pong, "p"), ((await client.Read()) is var pong ? (pong.Kind, pong.Text) : default));
        await client.ReadMessage(Got.Binary, Wire.Noise(130));
        await client.ReadText("");
        await client.ReadMessage(Got.Text, Wire.TextBytes(40));
        Assert.Equal(new string('q', 125), (await client.Read()).Text);
        await client.ReadText("end");
    }

    [Theory]
    [InlineData(70_000, 8191)]
    [InlineData(1 << 20, 65_521)]
    [InlineData(1 << 20, 300_007)]
    public async Task A_large_message_chopped_at_odd_places_comes_back(int size, int piece)
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        byte[] text = Wire.TextBytes(size);
        byte[] stream = [.. Wire.Text("before"), .. Wire.Message(WebSocketMessageType.Text, text), .. Wire.Text("after")];
        Task sending = client.SendInPieces(stream, piece);
        await client.ReadText("before");
        await client.ReadMessage(Got.Text, text);
        await client.ReadText("after");
        await sending;
    }

    [Fact]
    public async Task A_random_stream_in_random_pieces_comes_back_in_order()
    {
        var random = new Random(20_250);
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        var expected = new List<byte[]>();
        using var stream = new MemoryStream();
        for (int i = 0; i < 400; i++)
        {
            byte[] message = Wire.Noise(random.Next(5) switch { 0 => 0, 1 => random.Next(130), 2 => random.Next(40_000), _ => random.Next(300) }, i);
            expected.Add(message);
            stream.Write(random.Next(2) == 0 ? Wire.Binary(message) : Wire.Fragments(WebSocketMessageType.Binary, message, 1 + random.Next(1000)));
        }

        async Task SendAll()
        {
            for (ReadOnlyMemory<byte> rest = stream.ToArray(); !rest.IsEmpty;)
            {
                int piece = Math.Min(rest.Length, 1 + random.Next(random.Next(4) == 0 ? 100_000 : 900));
                await client.Send(rest[..piece]);
                rest = rest[piece..];
            }
        }

        Task sending = SendAll();
        foreach (byte[] message in expected) await client.ReadMessage(Got.Binary, message);
        await sending;
    }

    [Fact]
    public async Task Ten_thousand_messages_in_one_write_are_all_answered_in_order()
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        byte[] stream = Wire.Concat(Enumerable.Range(0, 10_000).Select(i => Wire.Text($"message {i}")));
        Task sending = client.Send(stream);
        for (int i = 0; i < 10_000; i++) await client.ReadText($"message {i}");
        await sending;
    }

    [Fact]
    public async Task RFC6455_5_5_2_pings_are_answered_in_order_between_messages_and_fragments()
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        byte[] fragments = Wire.Fragments(WebSocketMessageType.Text, "abcdef"u8, 3);
        await client.Send(Wire.Concat(
        [
            Wire.Ping("1"), Wire.Text("a"), Wire.Ping("2"), Wire.Ping(""), fragments[..9], Wire.Ping("3"), fragments[9..], Wire.Ping("4"),
        ]));
        List<(Got, string)> answers = [];
        for (int i = 0; i < 7; i++) answers.Add((await client.Read()) is var received ? (received.Kind, received.Text) : default);
        Assert.Equal(
            [(Got.Pong, "1"), (Got.Text, "a"), (Got.Pong, "2"), (Got.Pong, ""), (Got.Pong, "3"), (Got.Text, "abcdef"), (Got.Pong, "4")],
            answers);
    }

    [Fact]
    public async Task RFC6455_5_5_3_the_answer_to_a_ping_comes_to_OnPong_and_so_does_a_pong_nobody_asked_for()
    {
        var pongs = new List<string>();
        var handler = new TestHandler
        {
            Open = peer => Assert.Equal(SendStatus.Sent, peer.Ping("from the server"u8)),
            Pong = (peer, _, payload) =>
            {
                pongs.Add(System.Text.Encoding.UTF8.GetString(payload));
                peer.Send($"{pongs.Count}");
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        Received ping = await client.Read();
        Assert.Equal((Got.Ping, "from the server"), (ping.Kind, ping.Text));
        await client.Send(Wire.Pong("unasked"));
        await client.Send(Wire.Pong(ping.Text));
        await client.ReadText("1");
        await client.ReadText("2");
        Assert.Equal(["unasked", "from the server"], pongs);
        Assert.Throws<ArgumentException>("payload", () => handler.Peer.Ping(new byte[126]));
        Assert.Throws<ArgumentException>("type", () => handler.Peer.Send(WebSocketMessageType.Close, default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("aé€𝄞")]
    [InlineData("long")]
    [InlineData("lone")]
    public async Task Text_is_sent_as_UTF8(string text)
    {
        if (text == "long") text = new string('é', 50_000);
        if (text == "lone") text = "a\uD800b";
        await using TestServer server = driver.Start(new TestHandler { Open = peer => peer.Send(text) });
        using RawClient client = await server.Open();
        await client.ReadText(text.Replace('\uD800', '\uFFFD'));
    }

    [Fact]
    public async Task The_handler_sees_the_type_and_the_header_of_the_last_frame()
    {
        var handler = new TestHandler { Message = (peer, type, payload) => peer.Send($"{type} {payload.Length} {peer.Frame.Opcode} {peer.Frame.PayloadLength}") };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("abc"));
        await client.ReadText("Text 3 Text 3");
        await client.Send(Wire.Fragments(WebSocketMessageType.Binary, new byte[5], 3));
        await client.ReadText("Binary 5 Continuation 2");
    }

    private async Task Exchange(RawClient client, byte[] stream, Got kind, byte[] expected)
    {
        Task sending = client.Send(stream);
        await client.ReadMessage(kind, expected);
        await sending;
    }
}

public sealed class EchoOnLoops() : EchoTests(Driver.Loops);

public sealed class EchoOnStreams() : EchoTests(Driver.Streams);
