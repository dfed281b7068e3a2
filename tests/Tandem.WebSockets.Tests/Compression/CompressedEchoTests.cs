using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Compression;

/// <summary>RFC 7692 over real sockets: what is agreed on in the handshake, and messages compressed in both directions by it.</summary>
public abstract class CompressedEchoTests(Driver driver)
{
    public static TheoryData<int, int, bool, bool> Combinations
    {
        get
        {
            var data = new TheoryData<int, int, bool, bool>();
            for (int i = 0; i < 4; i++)
            {
                foreach ((int serverBits, int clientBits) in ((int, int)[])[(15, 15), (8, 15), (15, 8), (9, 12), (10, 10)])
                {
                    data.Add(serverBits, clientBits, (i & 1) != 0, (i & 2) != 0);
                }
            }

            return data;
        }
    }

    [Theory]
    [InlineData("permessage-deflate", "permessage-deflate")]
    [InlineData("x-other, permessage-deflate; client_max_window_bits", "permessage-deflate")]
    [InlineData("permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8")]
    [InlineData("permessage-deflate; nonsense", null)]
    [InlineData("x-other", null)]
    public async Task Section_5_the_answer_to_the_handshake_says_what_is_agreed_on(string offer, string? expected)
    {
        string? seen = "none";
        var handler = TestHandler.Echo();
        handler.Upgrade = (in _, context) => seen = context.Extensions;
        await using TestServer server = Start(handler);
        using DeflateClient client = await DeflateClient.Open(server, offer);
        Assert.Equal(expected, client.Answer);
        Assert.Equal(expected, seen);
        await client.Raw.Send(Wire.Text("works in either case, and in plain"));
        await client.Raw.ReadText("works in either case, and in plain");
    }

    [Fact]
    public async Task Without_an_offer_nothing_is_compressed_and_RSV1_is_refused()
    {
        await using TestServer server = Start(TestHandler.Echo());
        using RawClient client = await server.Open();
        byte[] text = Wire.TextBytes(10_000);
        await client.Send(Wire.Message(WebSocketMessageType.Text, text));
        await client.ReadMessage(Got.Text, text);
        await client.Send(Wire.Frame(0xC1, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00));
        await client.ReadClose(1002);
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public async Task Messages_come_back_for_all_parameters(int serverBits, int clientBits, bool serverForgets, bool clientForgets)
    {
        string offer = $"permessage-deflate; server_max_window_bits={serverBits}; client_max_window_bits={clientBits}"
            + (serverForgets ? "; server_no_context_takeover" : "") + (clientForgets ? "; client_no_context_takeover" : "");
        await using TestServer server = Start(TestHandler.Echo());
        using DeflateClient client = await DeflateClient.Open(server, offer);
        Assert.Equal((serverForgets, clientForgets), (client.Has("server_no_context_takeover"), client.Has("client_no_context_takeover")));
        foreach (int size in (int[])[0, 1, 63, 64, 1000, 70_000, 300_000])
        {
            foreach (byte[] payload in (byte[][])[Wire.TextBytes(size), Wire.Noise(size)])
            {
                await Exchange(client, client.Message(WebSocketMessageType.Binary, payload), Got.Binary, payload);
                await Exchange(client, client.Message(WebSocketMessageType.Binary, payload, size: 1 + (size / 3)), Got.Binary, payload);
            }

            byte[] text = Wire.TextBytes(size);
            Received received = await Exchange(client, client.Message(WebSocketMessageType.Text, text), Got.Text, text);
            Assert.Equal(size >= 64, received.Compressed);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(5_000)]
    public async Task Compressed_messages_in_any_pieces_with_pings_between_fragments(int piece)
    {
        await using TestServer server = Start(TestHandler.Echo());
        using DeflateClient client = await DeflateClient.Open(server);
        byte[] text = Wire.TextBytes(20_000);
        byte[] stream =
        [
            .. client.Message(WebSocketMessageType.Text, text), .. client.Frame(WebSocketMessageType.Text, text.AsSpan(0, 7_001), false), .. Wire.Ping("p"),
            .. client.Frame(WebSocketMessageType.Text, text.AsSpan(7_001), true), .. client.Message(WebSocketMessageType.Text, default),
        ];
        Task sending = client.Raw.SendInPieces(stream, piece);
        await client.Raw.ReadMessage(Got.Text, text);
        Assert.Equal(Got.Pong, (await client.Raw.Read()).Kind);
        await client.Raw.ReadMessage(Got.Text, text);
        await client.Raw.ReadText("");
        await sending;
    }

    [Fact]
    public async Task RFC6455_8_1_invalid_text_in_a_message_that_inflates_to_many_pieces_closes_and_the_loop_lives_on()
    {
        var handler = TestHandler.Echo();
        await using TestServer server = Start(handler);
        using DeflateClient client = await DeflateClient.Open(server);
        byte[] text = new byte[1 << 20];
        text[10] = 0xFF;
        await client.Raw.Send(client.Message(WebSocketMessageType.Text, text));
        await client.Raw.ReadClose(1007);
        Assert.Equal(ProtocolFault.InvalidUtf8, (await handler.CloseCause()).Fault);
        using RawClient other = await server.Open();
        await other.Send(Wire.Text("alive"));
        await other.ReadText("alive");
    }

    [Fact]
    public async Task Section_7_2_2_data_that_is_no_DEFLATE_closes_with_1007()
    {
        var handler = TestHandler.Echo();
        await using TestServer server = Start(handler);
        using DeflateClient client = await DeflateClient.Open(server);
        await client.Raw.Send(Wire.Frame(0xC2, 0x07, 0x07, 0x07));
        await client.Raw.ReadClose(1007);
        Assert.Equal(ProtocolFault.InvalidDeflateData, (await handler.CloseCause()).Fault);
    }

    [Theory]
    [InlineData(15, 15, true, true)]
    [InlineData(9, 15, true, false)]
    [InlineData(15, 9, false, true)]
    [InlineData(12, 10, false, false)]
    public async Task A_client_of_the_base_class_library_and_the_server_understand_each_other(int serverBits, int clientBits, bool serverKeeps, bool clientKeeps)
    {
        await using TestServer server = Start(TestHandler.Echo());
        using var client = new ClientWebSocket();
        client.Options.DangerousDeflateOptions = new WebSocketDeflateOptions
        {
            ServerMaxWindowBits = serverBits, ClientMaxWindowBits = clientBits, ServerContextTakeover = serverKeeps, ClientContextTakeover = clientKeeps,
        };
        await client.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws"), CancellationToken.None).InTime();
        for (int round = 0; round < 3; round++)
        {
            foreach (int size in (int[])[0, 1, 63, 64, 126, 5_000, 65_536, 1 << 20])
            {
                await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(size));
                await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(size));
            }
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).InTime();
        Assert.Equal(CloseInitiator.Peer, (await server.Handler.CloseCause()).Initiator);
    }

    private TestServer Start(TestHandler handler) =>
        driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Deflate = new DeflateOptions() });

    private static async Task<Received> Exchange(DeflateClient client, byte[] stream, Got kind, byte[] expected)
    {
        Task sending = client.Raw.Send(stream);
        Received received = await client.Raw.Read();
        Assert.Equal((kind, expected.Length), (received.Kind, received.Payload.Length));
        Assert.True(expected.AsSpan().SequenceEqual(received.Payload), "The payload differs.");
        await sending;
        return received;
    }
}

public sealed class CompressedEchoOnLoops() : CompressedEchoTests(Driver.Loops);

public sealed class CompressedEchoOnStreams() : CompressedEchoTests(Driver.Streams);
