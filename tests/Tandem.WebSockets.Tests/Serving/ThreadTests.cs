using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Reflection;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>Sending from everywhere: many threads, other loops, and how connections are dealt to loops.</summary>
public abstract class ThreadTests(Driver driver)
{
    [Fact]
    public async Task Eight_threads_send_to_one_peer_and_nothing_is_lost_or_out_of_order()
    {
        const int Threads = 8;
        const int Messages = 2_000;
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        WebSocketPeer peer = handler.Peer;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (int i = 0; i < Messages; i++)
            {
                // Of all sizes: those that are gathered and those that go to the kernel from where they lie.
                byte[] payload = new byte[8 + (i % 50 == 0 ? 20_000 : i % 40)];
                BitConverter.TryWriteBytes(payload, thread);
                BitConverter.TryWriteBytes(payload.AsSpan(4), i);
                peer.Send(WebSocketMessageType.Binary, payload);
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        int[] next = new int[Threads];
        for (int i = 0; i < Threads * Messages; i++)
        {
            byte[] payload = (await client.Read()).Payload;
            int thread = BitConverter.ToInt32(payload);
            Assert.Equal(next[thread]++, BitConverter.ToInt32(payload, 4));
        }

        Assert.All(next, count => Assert.Equal(Messages, count));
        foreach (Thread thread in threads) thread.Join();
        await Eventually.Equal(0, () => peer.BufferedBytes, "BufferedBytes");
    }

    [Fact]
    public async Task Pings_and_text_from_another_thread_keep_their_order()
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        for (int i = 0; i < 200; i++)
        {
            if (i % 2 == 0) handler.Peer.Send($"{i}");
            else handler.Peer.Ping(Wire.Ascii($"{i}"));
        }

        for (int i = 0; i < 200; i++)
        {
            Received received = await client.Read();
            Assert.Equal((i % 2 == 0 ? Got.Text : Got.Ping, $"{i}"), (received.Kind, received.Text));
        }
    }
}

public sealed class ThreadOnLoops() : ThreadTests(Driver.Loops)
{
    [Fact]
    public async Task Loops_get_connections_in_turn_and_their_handlers_send_to_each_others_peers()
    {
        var peers = new ConcurrentDictionary<string, (WebSocketPeer Peer, int Thread)>();
        var handler = new TestHandler
        {
            Message = (peer, type, payload) =>
            {
                string text = System.Text.Encoding.UTF8.GetString(payload);
                if (text.StartsWith("I am ", StringComparison.Ordinal))
                {
                    peers[text[5..]] = (peer, Environment.CurrentManagedThreadId);
                    peer.Send("welcome");
                    return;
                }

                foreach ((WebSocketPeer other, _) in peers.Values) other.Send(type, payload);
            },
        };
        await using TestServer server = TestServer.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 2 });
        var clients = new List<RawClient>();
        for (int i = 0; i < 6; i++)
        {
            clients.Add(await server.Open());
            await clients[i].Send(Wire.Text($"I am {i}"));
            await clients[i].ReadText("welcome");
        }

        Assert.Equal([3, 3], peers.Values.GroupBy(entry => entry.Thread).Select(group => group.Count()));
        // Everyone speaks at once; everyone hears each speaker in order.
        const int Rounds = 200;
        Task[] speaking = [.. clients.Select((client, i) => client.Send(Wire.Concat(Enumerable.Range(0, Rounds).Select(round => Wire.Text($"{i}:{round}")))))];
        foreach (RawClient client in clients)
        {
            int[] next = new int[clients.Count];
            for (int i = 0; i < Rounds * clients.Count; i++)
            {
                string[] words = (await client.Read()).Text.Split(':');
                Assert.Equal($"{next[int.Parse(words[0], null)]++}", words[1]);
            }
        }

        await Task.WhenAll(speaking);
        foreach (RawClient client in clients) client.Dispose();
    }

    [Fact]
    public async Task Dealing_goes_on_when_the_count_of_connections_wraps_around()
    {
        var handler = new TestHandler();
        await using TestServer server = TestServer.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 3 });
        FieldInfo next = typeof(WebSocketServer).GetField("_next", BindingFlags.NonPublic | BindingFlags.Instance)!;
        foreach (uint count in (uint[])[int.MaxValue - 1, uint.MaxValue - 1])
        {
            next.SetValue(server.Server, count);
            for (int i = 0; i < 4; i++)
            {
                using RawClient client = await server.Open();
            }
        }
    }
}

public sealed class ThreadOnStreams() : ThreadTests(Driver.Streams);
