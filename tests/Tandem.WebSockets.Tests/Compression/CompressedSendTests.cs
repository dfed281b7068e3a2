using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Compression;

/// <summary>RFC 7692 section 6.1 as a handler sees it: which messages are compressed, and messages sent in fragments.</summary>
public abstract class CompressedSendTests(Driver driver)
{
    private const WebSocketMessageFlags Part = WebSocketMessageFlags.None;
    private const WebSocketMessageFlags End = WebSocketMessageFlags.EndOfMessage;

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0, 1, true)]
    [InlineData(100, 99, false)]
    [InlineData(100, 100, true)]
    [InlineData(int.MaxValue, 100_000, false)]
    public async Task What_is_shorter_than_MinimumSize_goes_as_it_is(int minimum, int size, bool compressed)
    {
        await using TestServer server = Start(TestHandler.Echo(), new DeflateOptions { MinimumSize = minimum });
        using DeflateClient client = await DeflateClient.Open(server);
        await client.Raw.Send(client.Message(WebSocketMessageType.Text, Wire.TextBytes(size)));
        Received received = await client.Raw.Read();
        Assert.Equal((size, compressed), (received.Payload.Length, received.Compressed));
    }

    [Fact]
    public async Task DisableCompression_sends_a_whole_message_as_it_is()
    {
        var handler = new TestHandler
        {
            Message = (peer, type, payload) =>
            {
                peer.Send(type, payload, End | WebSocketMessageFlags.DisableCompression);
                peer.Send(type, payload);
                peer.Send(type, payload, Part | WebSocketMessageFlags.DisableCompression);
                peer.Send(type, payload, End); // the first fragment decides
            },
        };
        await using TestServer server = Start(handler);
        using DeflateClient client = await DeflateClient.Open(server);
        for (int i = 0; i < 3; i++)
        {
            byte[] text = Wire.TextBytes(1_000);
            await client.Raw.Send(client.Message(WebSocketMessageType.Text, text));
            foreach ((bool compressed, int times) in ((bool, int)[])[(false, 1), (true, 1), (false, 2)])
            {
                Received received = await client.Raw.Read();
                Assert.Equal((compressed, times * 1_000), (received.Compressed, received.Payload.Length));
            }
        }
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Section_6_1_a_message_sent_in_three_calls_is_one_message_with_RSV1_on_its_first_frame_only(bool compresses, bool onTheLoop)
    {
        static void SendThree(WebSocketPeer peer)
        {
            Assert.Equal(SendStatus.Sent, peer.Send(WebSocketMessageType.Text, "one "u8, Part));
            Assert.Equal(SendStatus.Sent, peer.Send(WebSocketMessageType.Text, "two "u8, Part));
            Assert.Equal(SendStatus.Sent, peer.Send(WebSocketMessageType.Text, "three"u8));
        }

        var handler = new TestHandler { Message = (peer, _, _) => SendThree(peer) };
        await using TestServer server = Start(handler, compresses ? new DeflateOptions() : null);
        foreach (bool raw in (bool[])[true, false])
        {
            using DeflateClient client = await DeflateClient.Open(server);
            Assert.Equal(compresses, client.Answer is not null);
            await Eventually.Equal(raw ? 1 : 2, () => handler.Opened.Count, "OnOpen");
            if (onTheLoop) await client.Raw.Send(Wire.Text("go"));
            else SendThree(handler.Opened.Last());
            if (raw)
            {
                List<byte> firsts = [];
                for (int i = 0; i < 3; i++) firsts.Add((await client.Raw.ReadFrame()).First);
                Assert.Equal([(byte)(compresses ? 0x41 : 0x01), 0x00, 0x80], firsts);
            }
            else
            {
                await client.Raw.ReadText("one two three");
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fragments_of_a_megabyte_and_empty_ones_are_one_message(bool keepsContext)
    {
        byte[] big = Wire.TextBytes(1 << 20);
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                foreach (byte[] part in (byte[][])[[], big, [], Wire.TextBytes(20), big]) peer.Send(WebSocketMessageType.Binary, part, Part);
                peer.Send(WebSocketMessageType.Binary, default);
            },
        };
        await using TestServer server = Start(handler, new DeflateOptions { ServerNoContextTakeover = !keepsContext });
        using DeflateClient client = await DeflateClient.Open(server);
        for (int i = 0; i < 3; i++)
        {
            await client.Raw.Send(Wire.Text("go"));
            await client.Raw.ReadMessage(Got.Binary, [.. big, .. Wire.TextBytes(20), .. big]);
        }
    }

    [Fact]
    public async Task RFC6455_5_4_a_fragment_of_another_type_throws_and_leaves_the_message_and_its_window_intact()
    {
        byte[] text = Wire.TextBytes(500);
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                peer.Send(WebSocketMessageType.Text, text, Part);
                Assert.Throws<InvalidOperationException>(() => peer.Send(WebSocketMessageType.Binary, Wire.Noise(500)));
                Assert.Throws<InvalidOperationException>(() => peer.Send(WebSocketMessageType.Binary, Wire.Noise(500, 1), Part));
                peer.Send(WebSocketMessageType.Text, text);
                peer.Send(WebSocketMessageType.Binary, Wire.Noise(500));
            },
        };
        await using TestServer server = Start(handler);
        using DeflateClient client = await DeflateClient.Open(server);
        for (int i = 0; i < 3; i++)
        {
            await client.Raw.Send(Wire.Text("go"));
            await client.Raw.ReadMessage(Got.Text, [.. text, .. text]);
            await client.Raw.ReadMessage(Got.Binary, Wire.Noise(500));
        }

        Assert.Empty(handler.Errors);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_fragment_of_another_type_from_another_thread_closes_its_connection_and_no_other(bool compresses)
    {
        var handler = TestHandler.Echo();
        await using TestServer server = Start(handler, compresses ? new DeflateOptions() : null);
        using DeflateClient client = await DeflateClient.Open(server);
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        handler.Peer.Send(WebSocketMessageType.Text, "text"u8, Part);
        handler.Peer.Send(WebSocketMessageType.Binary, "binary"u8);
        await client.Raw.ReadClose(1011);
        Assert.IsType<InvalidOperationException>(Assert.Single(handler.Errors).Exception);
        using RawClient other = await server.Open();
        await other.Send(Wire.Text("alive"));
        await other.ReadText("alive");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Overflow_within_a_message_drops_the_connection_whatever_the_policy(bool compresses, bool lastFragment)
    {
        var statuses = new List<SendStatus>();
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                Assert.NotEqual(SendStatus.Dropped, peer.Send(WebSocketMessageType.Binary, Wire.Noise(1000), Part));
                SendStatus status = SendStatus.Sent;
                for (int i = 0; status is SendStatus.Sent or SendStatus.Buffered && i < 10_000; i++)
                {
                    // The last fragment is one too, though by its flags it could be a message.
                    bool full = peer.BufferedBytes > (1 << 20) - 60_000;
                    status = peer.Send(WebSocketMessageType.Binary, Wire.Noise(50_000, i), full && lastFragment ? End : Part);
                    if (full && lastFragment && status != SendStatus.Closed) status = peer.Send(WebSocketMessageType.Binary, Wire.Noise(100_000, i), Part);
                }

                statuses.Add(status);
            },
        };
        await using TestServer server = Start(handler, compresses ? new DeflateOptions() : null, OverflowPolicy.DropMessage);
        using DeflateClient client = await DeflateClient.Open(server, receiveBuffer: 32 * 1024);
        await client.Raw.Send(Wire.Text("go"));
        Assert.Equal(CloseInitiator.Overflow, (await handler.CloseCause()).Initiator);
        Assert.Equal([SendStatus.Closed], statuses);
        Assert.Empty(handler.Errors);
    }

    [Theory]
    [InlineData(Part, Part)]
    [InlineData(Part, End)]
    public async Task Overflow_of_a_fragment_from_another_thread_drops_the_connection_whatever_the_policy(WebSocketMessageFlags first, WebSocketMessageFlags second)
    {
        using var entered = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        var handler = new TestHandler
        {
            Message = (_, _, _) =>
            {
                entered.Set();
                gate.Wait(Eventually.Deadline);
            },
        };
        await using TestServer server = Start(handler, new DeflateOptions(), OverflowPolicy.DropMessage);
        using DeflateClient client = await DeflateClient.Open(server);
        await client.Raw.Send(Wire.Text("hold the loop"));
        Assert.True(entered.Wait(Eventually.Deadline));
        byte[] payload = new byte[900_000];
        Assert.Equal(SendStatus.Sent, handler.Peer.Send(WebSocketMessageType.Binary, payload));
        Assert.Equal(SendStatus.Dropped, handler.Peer.Send(WebSocketMessageType.Binary, payload)); // a whole message is
        Assert.Equal(SendStatus.Sent, handler.Peer.Send(WebSocketMessageType.Binary, new byte[1000], first));
        Assert.Equal(SendStatus.Closed, handler.Peer.Send(WebSocketMessageType.Binary, payload, second));
        gate.Set();
        Assert.Equal(CloseInitiator.Overflow, (await handler.CloseCause()).Initiator);
    }

    private TestServer Start(TestHandler handler) => Start(handler, new DeflateOptions());

    private TestServer Start(TestHandler handler, DeflateOptions? deflate, OverflowPolicy policy = OverflowPolicy.Close) => driver.Start(handler, new WebSocketServerOptions
    {
        EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Deflate = deflate, OverflowPolicy = policy,
        MaxBufferedBytes = policy == OverflowPolicy.DropMessage ? 1 << 20 : 1 << 25,
    });
}

public sealed class CompressedSendOnLoops() : CompressedSendTests(Driver.Loops);

public sealed class CompressedSendOnStreams() : CompressedSendTests(Driver.Streams);
