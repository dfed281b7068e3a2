using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Tandem.Protocol.Compression;

namespace Tandem.WebSockets.Tests.Compression;

/// <summary>RFC 7692 between our client and our server: every combination of what a client asks for, with messages of all kinds.</summary>
public sealed class ClientDeflateTests
{
    public static TheoryData<bool, bool, int, int> Offers()
    {
        var data = new TheoryData<bool, bool, int, int>();
        foreach (bool server in new[] { false, true })
        {
            foreach (bool client in new[] { false, true })
            {
                foreach (int serverBits in new[] { 8, 9, 12, 15 })
                {
                    foreach (int clientBits in new[] { 8, 9, 12, 15 }) data.Add(server, client, serverBits, clientBits);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Offers))]
    public async Task Every_combination_of_parameters_carries_every_kind_of_message(bool server, bool client, int serverBits, int clientBits)
    {
        var options = new DeflateOptions
        {
            ServerNoContextTakeover = server, ClientNoContextTakeover = client, ServerMaxWindowBits = serverBits, ClientMaxWindowBits = clientBits,
        };
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        await using WebSocketServer echo = Echo();
        using WebSocketConnection socket = await ConnectAsync(echo, options, deadline.Token);
        byte[] json = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 500).Select(i => $"{{\"id\":{i},\"name\":\"user {i}\"}}")));
        byte[][] messages = [[], [7], json, json, RandomNumberGenerator.GetBytes(70_000), new byte[1 << 20], json];
        foreach (byte[] message in messages)
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, deadline.Token);
            Assert.Equal(message, await ReceiveAsync(socket, deadline.Token));
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", deadline.Token);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task Fragments_and_uncompressed_messages_mix()
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        await using WebSocketServer echo = Echo();
        using WebSocketConnection socket = await ConnectAsync(echo, new DeflateOptions(), deadline.Token);
        byte[] part = Encoding.UTF8.GetBytes(new string('é', 5_000));
        for (int round = 0; round < 3; round++)
        {
            await socket.SendAsync(part, WebSocketMessageType.Text, WebSocketMessageFlags.None, deadline.Token);
            await socket.SendAsync(part.AsMemory(0, 7), WebSocketMessageType.Text, WebSocketMessageFlags.None, deadline.Token); // ends inside a code point
            await socket.SendAsync(part.AsMemory(7), WebSocketMessageType.Text, WebSocketMessageFlags.EndOfMessage, deadline.Token);
            await socket.SendAsync(part, WebSocketMessageType.Text, WebSocketMessageFlags.EndOfMessage | WebSocketMessageFlags.DisableCompression, deadline.Token);
            Assert.Equal(part.Concat(part).ToArray(), await ReceiveAsync(socket, deadline.Token));
            Assert.Equal(part, await ReceiveAsync(socket, deadline.Token));
        }
    }

    [Fact]
    public async Task Many_senders_at_once_keep_one_context_in_step()
    {
        const int senders = 16;
        const int each = 200;
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        await using WebSocketServer echo = Echo();
        using WebSocketConnection socket = await ConnectAsync(echo, new DeflateOptions(), deadline.Token);
        Task[] sending = [.. Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
        {
            for (int i = 0; i < each; i++)
            {
                byte[] message = Encoding.UTF8.GetBytes($"{sender}:{i}:" + new string('x', 100 + i));
                await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, deadline.Token);
            }
        }))];
        int[] next = new int[senders];
        for (int i = 0; i < senders * each; i++)
        {
            string[] parts = Encoding.UTF8.GetString(await ReceiveAsync(socket, deadline.Token)).Split(':');
            int sender = int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(next[sender]++, int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
        }

        await Task.WhenAll(sending);
    }

    private static WebSocketServer Echo()
    {
        var server = new WebSocketServer(new WebSocketServerOptions
        {
            EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)], Loops = 1, Deflate = new DeflateOptions { MinimumSize = 0 },
        });
        server.Map(new WebSocketRoute("/", new EchoHandler()));
        server.Start();
        return server;
    }

    private static Task<WebSocketConnection> ConnectAsync(WebSocketServer server, DeflateOptions deflate, CancellationToken cancellation) =>
        WebSocketClient.ConnectAsync(
            new Uri($"ws://{server.EndPoints[0]}/"), new WebSocketClientOptions { Deflate = deflate with { MinimumSize = 0 } }, cancellation);

    private static async Task<byte[]> ReceiveAsync(WebSocketConnection socket, CancellationToken cancellation)
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[5000]; // less than what is inflated at once, so that it comes out in several turns
        ValueWebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
            message.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);
        return message.ToArray();
    }

    private sealed class EchoHandler : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);
    }
}
