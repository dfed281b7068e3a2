using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Client;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.ClientLoop;

/// <summary>Messages of a client's loop: what a server gets to see of them, and what it does with what servers send.</summary>
public sealed class MessageTests
{
    private static readonly int[] Sizes = [0, 1, 125, 126, 1_000, 16_383, 16_384, 65_535, 65_536, 200_001, 1 << 20];

    [Theory]
    [InlineData(Driver.Loops, false)]
    [InlineData(Driver.Loops, true)]
    [InlineData(Driver.Streams, true)]
    public async Task Messages_of_every_size_come_back_from_our_server_as_they_were_sent(Driver driver, bool compressed)
    {
        TestHandler handler = TestHandler.Echo();
        DeflateOptions? deflate = compressed ? new DeflateOptions() : null;
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, Deflate = deflate, OnError = handler.Error });
        await using LoopClient client = new LoopClient().Start(server, new WebSocketClientOptions { Deflate = deflate });
        WebSocketPeer peer = await client.Connect();
        byte[][] messages = [.. Sizes.Select(Wire.Noise)];
        foreach (byte[] message in messages) peer.Send(WebSocketMessageType.Binary, message);
        await Eventually.Equal(Sizes.Length, () => client.Messages.Count, "echoes");
        Assert.Equal(messages, client.Messages.Select(message => message.Payload));
        Assert.Empty(handler.Errors);
    }

    [Fact]
    public async Task Every_frame_is_masked_with_a_key_of_its_own_section_5_3()
    {
        const int Frames = 200;
        HashSet<uint> keys = [];
        var done = new TaskCompletionSource();
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            byte[] header = new byte[8];
            byte[] payload = new byte[20_000];
            for (int i = 0; i < Frames; i++)
            {
                await peer.Stream.ReadExactlyAsync(header);
                Assert.Equal((0x82, 0xFE), (header[0], header[1]));
                uint key = BitConverter.ToUInt32(header, 4);
                keys.Add(key);
                await peer.Stream.ReadExactlyAsync(payload);
                Masking.Apply(payload, key);
                Assert.True(payload.AsSpan().IndexOfAnyExcept((byte)i) < 0);
            }

            done.SetResult();
            await peer.End();
        });
        await using LoopClient client = new LoopClient().Start(server, new WebSocketClientOptions { Connection = new() { CloseTimeout = TimeSpan.FromSeconds(1) } });
        WebSocketPeer peer = await client.Connect();
        byte[] message = new byte[20_000];
        for (int i = 0; i < Frames; i++)
        {
            message.AsSpan().Fill((byte)i);
            peer.Send(WebSocketMessageType.Binary, message);
        }

        await done.Task.InTime();
        Assert.Equal(Frames, keys.Count);
        peer.Abort();
    }

    [Fact]
    public async Task Fragments_with_control_frames_between_them_become_one_message_section_5_4()
    {
        await using ScriptedServer server = Sending(0x01, "he", 0x89, "ping", 0x00, "", 0x80, "llo");
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketPeer peer = await client.Connect();
        Assert.Equal("hello", await client.Text());
        peer.Abort();
    }

    [Fact]
    public async Task Our_fragments_arrive_as_one_message()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Driver.Loops.Start(handler);
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketPeer peer = await client.Connect();
        peer.Send(WebSocketMessageType.Text, "he"u8, WebSocketMessageFlags.None);
        peer.Send(WebSocketMessageType.Text, "llo"u8);
        Assert.Equal("hello", await client.Text());
    }

    [Fact]
    public async Task Pings_are_answered_and_our_own_come_back_as_pongs()
    {
        TestHandler handler = TestHandler.Echo();
        handler.Open = peer => peer.Ping("from the server"u8);
        var pong = new TaskCompletionSource<string>();
        handler.Pong = (_, _, payload) => pong.TrySetResult(Encoding.UTF8.GetString(payload));
        await using TestServer server = Driver.Loops.Start(handler);
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketPeer peer = await client.Connect();
        peer.Ping("from the client"u8);
        await Eventually.True(() => !client.Pongs.IsEmpty, "the pong");
        Assert.Equal("from the client", client.Pongs.First());
        Assert.Equal("from the server", await pong.Task.InTime());
    }

    [Theory]
    [InlineData(0x81, "\u00C3\u0028", ProtocolFault.InvalidUtf8, 1007)]
    [InlineData(0xC1, "x", ProtocolFault.ReservedBitSet, 1002)]
    [InlineData(0x83, "x", ProtocolFault.ReservedOpcode, 1002)]
    [InlineData(0x80, "x", ProtocolFault.UnexpectedContinuation, 1002)]
    public async Task What_breaks_a_rule_ends_the_connection_with_its_code(byte first, string payload, ProtocolFault fault, int status)
    {
        byte[] answer = [];
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Send(Frame(first, payload));
            byte[] close = new byte[8];
            await peer.Stream.ReadExactlyAsync(close);
            Masking.Apply(close.AsSpan(6), BitConverter.ToUInt32(close, 2));
            answer = close;
        });
        await using LoopClient client = new LoopClient().Start(server);
        await client.Connect();
        CloseCause cause = await client.End();
        Assert.Equal((CloseInitiator.ProtocolFault, fault, status), (cause.Initiator, cause.Fault, (int)cause.Status));
        await Eventually.True(() => answer.Length != 0, "the close frame");
        Assert.Equal((0x88, status), (answer[0], (answer[6] << 8) | answer[7]));
        Assert.Empty(client.Messages);
    }

    [Fact]
    public async Task A_masked_frame_of_a_server_is_refused_section_5_1()
    {
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Send(Wire.Text("masked"));
            await peer.End();
        });
        await using LoopClient client = new LoopClient().Start(server, new WebSocketClientOptions { Connection = new() { CloseTimeout = TimeSpan.FromSeconds(1) } });
        await client.Connect();
        Assert.Equal(ProtocolFault.MaskedServerFrame, (await client.End()).Fault);
    }

    [Fact]
    public async Task A_message_above_the_limit_is_refused_with_1009()
    {
        await using TestServer server = Driver.Loops.Start(TestHandler.Echo());
        await using LoopClient client = new LoopClient().Start(server, new WebSocketClientOptions { Connection = new() { MaxMessageSize = 1_000 } });
        WebSocketPeer peer = await client.Connect();
        peer.Send(WebSocketMessageType.Binary, new byte[1_001]);
        Assert.Equal(ProtocolFault.MessageTooBig, (await client.End()).Fault);
    }

    [Fact]
    public async Task What_a_handler_throws_ends_its_connection_and_no_other()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Driver.Loops.Start(handler);
        await using LoopClient client = new LoopClient { Message = (_, _, _) => throw new InvalidOperationException("my mistake") }.Start(server);
        WebSocketPeer other = await client.Connect();
        WebSocketPeer peer = await client.Connect();
        peer.Send(WebSocketMessageType.Text, "x"u8);
        CloseCause cause = await client.End();
        Assert.Equal((CloseInitiator.HandlerError, WebSocketCloseStatus.InternalServerError), (cause.Initiator, cause.Status));
        Assert.Equal("my mistake", Assert.Single(client.Errors).Exception.Message);
        Assert.Equal(WebSocketState.Open, other.ConnectionState);
    }

    [Fact]
    public async Task Two_ends_that_both_have_more_to_send_than_the_kernel_takes_do_not_wait_for_each_other()
    {
        // Far more than both sockets and both receive pauses hold, sent before anything is read.
        const int Messages = 200;
        await using TestServer server = Driver.Loops.Start(TestHandler.Echo());
        await using LoopClient client = new LoopClient().Start(server);
        int drained = 0;
        client.Drain = _ => Interlocked.Increment(ref drained);
        long received = 0;
        client.Message = (_, _, payload) => Interlocked.Add(ref received, payload.Length);
        client.Open = peer =>
        {
            for (int i = 0; i < Messages; i++) peer.Send(WebSocketMessageType.Binary, new byte[100_000]);
        };
        await client.Connect();
        await Eventually.Equal(Messages * 100_000L, () => Interlocked.Read(ref received), "bytes that came back");
        Assert.True(Volatile.Read(ref drained) > 0);
    }

    private static ScriptedServer Sending(params object[] frames) => ScriptedServer.Start(async peer =>
    {
        await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
        for (int i = 0; i < frames.Length; i += 2) await peer.Send(Frame((byte)(int)frames[i], (string)frames[i + 1]));
        await peer.End();
    });

    private static byte[] Frame(byte first, string payload) => [first, (byte)payload.Length, .. Wire.Ascii(payload)];
}
