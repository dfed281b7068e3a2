using System.Net;
using System.Net.WebSockets;
using System.Text;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>What a program does with the client: connect, talk, close.</summary>
public sealed class WebSocketClientTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(70_000)]
    [InlineData(1_000_000)]
    public async Task Messages_go_to_the_event_loop_and_come_back(int length)
    {
        TestHandler handler = TestHandler.Echo();
        handler.Open = peer => peer.Send("welcome");
        await using TestServer server = TestServer.Start(
            handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error }, "chat");
        using WebSocketConnection socket = await WebSocketClient.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws"), new() { Subprotocols = ["chat"] }).InTime();
        Assert.Equal((WebSocketState.Open, "chat"), (socket.State, socket.SubProtocol));
        // It came with the answer to the handshake, or right behind it.
        Assert.Equal(Wire.Ascii("welcome"), await Receive(socket));
        byte[] message = Wire.Noise(length);
        await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, default).InTime();
        Assert.Equal(message, await Receive(socket));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", default).InTime();
        Assert.Equal((WebSocketState.Closed, WebSocketCloseStatus.NormalClosure), (socket.State, socket.CloseStatus));
        Assert.Equal("done", (await handler.CloseCause()).Reason);
    }

    [Fact]
    public async Task The_fields_of_the_answer_are_told_once_and_what_their_reader_throws_closes_the_connection()
    {
        var handler = TestHandler.Echo();
        handler.Upgrade = (in _, context) => context.Headers.Add(new("X-Node", "seven"));
        await using TestServer server = TestServer.Start(handler);
        IReadOnlyList<KeyValuePair<string, string>> fields = [];
        var uri = new Uri($"ws://{server.EndPoint}/ws");
        using (WebSocketConnection socket = await WebSocketClient.ConnectAsync(uri, new() { OnHandshake = all => fields = all }).InTime())
        {
            Assert.Contains(new("X-Node", "seven"), fields);
            Assert.Equal("Upgrade", fields[0].Key);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
        }

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => WebSocketClient.ConnectAsync(uri, new() { OnHandshake = _ => throw new InvalidOperationException() }).InTime());
        await server.NoConnections();
    }

    [Fact]
    public async Task Through_a_proxy_and_TLS_to_a_server_of_the_BCL()
    {
        await using ScriptedServer server = ScriptedServer.StartTls(Certificates.Server, async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            using var socket = WebSocket.CreateFromStream(peer.Stream, new WebSocketCreationOptions { IsServer = true });
            byte[] buffer = new byte[100];
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, default);
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, endOfMessage: true, default);
            await socket.ReceiveAsync(buffer, default);
            await socket.CloseAsync(WebSocketCloseStatus.EndpointUnavailable, "bye", default);
        });
        await using ConnectProxy proxy = ConnectProxy.Start("me:secret");
        var options = new WebSocketClientOptions
        {
            ConfigureTls = Certificates.Trust,
            Proxy = new WebProxy(proxy.Uri) { Credentials = new NetworkCredential("me", "secret") },
        };
        using WebSocketConnection socket = await WebSocketClient.ConnectAsync(server.Uri(scheme: "wss", host: "localhost"), options).InTime();
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default).InTime();
        Assert.Equal("hello", Encoding.UTF8.GetString(await Receive(socket)));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
        Assert.Equal(("bye", WebSocketState.Closed), (socket.CloseStatusDescription, socket.State));
    }

    [Fact]
    public async Task A_token_that_is_cancelled_later_does_not_touch_the_connection()
    {
        await using TestServer server = TestServer.Start(TestHandler.Echo());
        using var cancel = new CancellationTokenSource();
        using WebSocketConnection socket = await WebSocketClient.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws"), new(), cancel.Token).InTime();
        await cancel.CancelAsync();
        await socket.SendAsync("still here"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default).InTime();
        Assert.Equal(Wire.Ascii("still here"), await Receive(socket));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
    }

    private static async Task<byte[]> Receive(WebSocketConnection socket)
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().InTime();
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage) return message.ToArray();
        }
    }
}
