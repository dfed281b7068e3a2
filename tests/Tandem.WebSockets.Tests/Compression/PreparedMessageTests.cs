using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Compression;

/// <summary>One message for many peers: compressed once for each window, read by all, whatever they were sent before and are sent behind it.</summary>
public abstract class PreparedMessageTests(Driver driver)
{
    private static readonly string[] Offers =
    [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=9; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8",
        "x-none",
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Between_messages_of_its_own_every_peer_reads_prepared_ones(bool onTheLoop)
    {
        // Of text that all messages share, so that each would refer to the one before it if it could.
        static byte[] Text(int i) => Wire.Ascii(string.Concat(Enumerable.Range(0, 40).Select(n => $"{n * 7 % 13} of a text that repeats, {(n == 39 ? i : 0)}; ")));

        PreparedMessage[] prepared = [.. Enumerable.Range(0, 8).Select(i => new PreparedMessage(WebSocketMessageType.Text, Text(100 + i)))];
        void SendAll(WebSocketPeer peer)
        {
            for (int i = 0; i < 8; i++)
            {
                peer.Send(WebSocketMessageType.Text, Text(i));
                peer.Send(prepared[i]);
                if (i % 3 == 0) peer.Send(prepared[7 - i]);
            }
        }

        var handler = new TestHandler { Message = (peer, _, _) => SendAll(peer) };
        await using TestServer server = Start(handler, new DeflateOptions());
        foreach (string offer in Offers)
        {
            using DeflateClient client = await DeflateClient.Open(server, offer);
            if (onTheLoop)
            {
                await client.Raw.Send(Wire.Text("go"));
            }
            else
            {
                int connection = Array.IndexOf(Offers, offer);
                await Eventually.Equal(connection + 1, () => handler.Opened.Count, "OnOpen");
                SendAll(handler.Opened.Last());
            }

            for (int i = 0; i < 8; i++)
            {
                await Expect(client, Text(i));
                await Expect(client, Text(100 + i));
                if (i % 3 == 0) await Expect(client, Text(107 - i));
            }
        }

        async Task Expect(DeflateClient client, byte[] text)
        {
            Received received = await client.Raw.Read();
            Assert.Equal(text, received.Payload);
            Assert.Equal(client.Answer is not null, received.Compressed);
        }
    }

    [Fact]
    public async Task All_peers_with_the_same_window_get_the_same_bytes()
    {
        var prepared = new PreparedMessage(WebSocketMessageType.Binary, new byte[5_000]);
        var handler = new TestHandler
        {
            Message = (peer, type, payload) =>
            {
                peer.Send(type, payload); // fills a window, where it is kept
                peer.Send(prepared);
            },
        };
        await using TestServer server = Start(handler, new DeflateOptions());
        List<byte[]> frames = [];
        foreach (string offer in Offers[..2])
        {
            using DeflateClient client = await DeflateClient.Open(server, offer);
            await client.Raw.Send(client.Message(WebSocketMessageType.Binary, new byte[3_000]));
            await client.Raw.ReadFrame();
            frames.Add((await client.Raw.ReadFrame()).Payload);
        }

        Assert.Equal(frames[0], frames[1]);
        Assert.True(frames[0].Length < 100);
    }

    [Fact]
    public async Task What_is_short_or_does_not_become_shorter_goes_as_it_is_and_leaves_the_context_alone()
    {
        var small = new PreparedMessage(WebSocketMessageType.Binary, new byte[10]);
        var noise = new PreparedMessage(WebSocketMessageType.Binary, Wire.Noise(1_000));
        byte[] own = Wire.Noise(500);
        var handler = new TestHandler
        {
            Message = (peer, type, _) =>
            {
                peer.Send(type, own);
                peer.Send(small);
                peer.Send(noise);
                peer.Send(type, own);
            },
        };
        await using TestServer server = Start(handler, new DeflateOptions());
        using DeflateClient client = await DeflateClient.Open(server);
        await client.Raw.Send(Wire.Binary([1]));
        Assert.Equal(own, (await client.Raw.Read()).Payload);
        Assert.Equal((false, 10), await Next());
        Assert.Equal((false, 1_000), await Next());
        // A repetition of what the window holds: a few bytes.
        Assert.InRange((await client.Raw.ReadFrame()).Payload.Length, 1, 30);

        async Task<(bool Compressed, int Length)> Next()
        {
            Received received = await client.Raw.Read();
            return (received.Compressed, received.Payload.Length);
        }
    }

    [Fact]
    public async Task Notifications_of_many_threads_come_to_the_serving_thread_and_what_is_sent_there_leaves()
    {
        int wanted = 0, sent = 0;
        var handler = new TestHandler
        {
            Notified = peer =>
            {
                for (; sent < Volatile.Read(ref wanted); sent++) peer.Send($"{sent}");
            },
        };
        await using TestServer server = Start(handler, null);
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                Interlocked.Increment(ref wanted);
                handler.Peer.Notify();
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        for (int i = 0; i < 2_000; i++) await client.ReadText($"{i}");
        foreach (Thread thread in threads) thread.Join();
    }

    [Fact]
    public async Task A_notification_within_OnNotified_comes_once_more()
    {
        int left = 5;
        var handler = new TestHandler { Message = (peer, _, _) => peer.Notify() };
        handler.Notified = peer =>
        {
            peer.Send($"{left}");
            if (--left > 0) peer.Notify();
        };
        await using TestServer server = Start(handler, null);
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("go"));
        for (int i = 5; i > 0; i--) await client.ReadText($"{i}");
    }

    private TestServer Start(TestHandler handler, DeflateOptions? deflate) =>
        driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, Deflate = deflate });
}

public sealed class PreparedMessageOnLoops() : PreparedMessageTests(Driver.Loops);

public sealed class PreparedMessageOnStreams() : PreparedMessageTests(Driver.Streams);
