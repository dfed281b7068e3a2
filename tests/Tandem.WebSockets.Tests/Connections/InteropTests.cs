using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>Ours at one end, the BCL's or ours at the other, over TCP: messages survive the way there and back.</summary>
public sealed class InteropTests
{
    public static TheoryData<Maker, Maker, WebSocketMessageType, int, int> Messages
    {
        get
        {
            var messages = new TheoryData<Maker, Maker, WebSocketMessageType, int, int>();
            foreach ((Maker server, Maker client) in ((Maker, Maker)[])[(Maker.Tandem, Maker.Bcl), (Maker.Bcl, Maker.Tandem), (Maker.Tandem, Maker.Tandem)])
            {
                foreach (WebSocketMessageType type in (WebSocketMessageType[])[WebSocketMessageType.Text, WebSocketMessageType.Binary])
                {
                    foreach ((int length, int fragments) in ((int, int)[])[(0, 1), (1, 1), (125, 1), (126, 2), (4096, 1), (65535, 1), (65536, 3), (1 << 20, 1), (1 << 20, 7)])
                    {
                        messages.Add(server, client, type, length, fragments);
                    }
                }
            }

            return messages;
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public async Task A_message_is_echoed(Maker serverMaker, Maker clientMaker, WebSocketMessageType type, int length, int fragments)
    {
        (Stream left, Stream right) = await Subject.StreamsAsync(Transport.Tcp);
        using WebSocket client = Subject.Create(clientMaker, WebSocketRole.Client, left);
        using WebSocket server = Subject.Create(serverMaker, WebSocketRole.Server, right);
        Task echo = EchoAsync(server);
        byte[] message = new byte[length];
        Random.Shared.NextBytes(message);
        if (type == WebSocketMessageType.Text) for (int i = 0; i < length; i++) message[i] &= 0x7F;

        Task send = SendAsync(client, message, type, fragments);
        using var arrived = new MemoryStream();
        byte[] buffer = new byte[5000];
        while (true)
        {
            ValueWebSocketReceiveResult result = await client.ReceiveAsync(buffer.AsMemory(), default).AsTask().InTime();
            Assert.Equal(type, result.MessageType);
            arrived.Write(buffer, 0, result.Count);
            if (result.EndOfMessage) break;
        }

        await send.InTime();
        Assert.True(message.AsSpan().SequenceEqual(arrived.ToArray()));
        await client.ShutAsync(1000, "done");
        await echo.InTime();
        Assert.Equal((WebSocketState.Closed, WebSocketState.Closed), (client.State, server.State));
        Assert.Equal("done", client.CloseStatusDescription);
    }

    private static async Task SendAsync(WebSocket socket, byte[] message, WebSocketMessageType type, int fragments)
    {
        int size = (message.Length + fragments - 1) / fragments;
        for (int i = 0; i < fragments; i++)
        {
            int start = Math.Min(i * size, message.Length);
            int end = Math.Min(start + size, message.Length);
            await socket.SendAsync(message.AsMemory(start..end), type, i == fragments - 1, default);
        }
    }

    private static async Task EchoAsync(WebSocket socket)
    {
        byte[] buffer = new byte[8192];
        while (true)
        {
            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(), default);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, default);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, default);
        }
    }
}
