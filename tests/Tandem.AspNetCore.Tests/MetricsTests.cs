using System.Diagnostics.Metrics;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Tandem.AspNetCore.Tests;

/// <summary>Event loops and middleware count in one meter, the one of the application's IMeterFactory.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Routes_of_the_event_loops_and_WebSockets_of_the_middleware_are_in_the_applications_meter()
    {
        using var metrics = new Metrics();
        await using OnePort host = await Start(metrics);
        foreach (string path in (string[])["/echo", "/accept"])
        {
            using var socket = new ClientWebSocket();
            await socket.ConnectAsync(host.WebSocket(path), default);
            await socket.SendAsync(new byte[10], WebSocketMessageType.Binary, true, default);
            Assert.Equal(10, (await socket.ReceiveAsync(new byte[20], default)).Count);
            await metrics.Becomes("websocket.server.connections", 1);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
            await metrics.Becomes("websocket.server.connections", 0);
        }

        Assert.Equal(2, metrics["websocket.server.messages{network.io.direction=receive}"]);
        await metrics.Becomes("websocket.server.messages{network.io.direction=transmit}", 2);
        Assert.Equal(["websocket.server.handshakes{http.response.status_code=101,websocket.handshake.outcome=accepted}: 2"], metrics.Of("websocket.server.handshakes"));
        Assert.Equal(["websocket.server.closes{websocket.close.code=1000,websocket.close.initiator=peer}: 2"], metrics.Of("websocket.server.closes"));
    }

    [Theory]
    [InlineData("/accept", "http://elsewhere", "error.type=origin_not_allowed,http.response.status_code=403")]
    [InlineData("/login", null, "error.type=401,http.response.status_code=401")]
    [InlineData("/fail", null, "error.type=handler_failed,http.response.status_code=500")]
    public async Task The_middleware_counts_what_is_not_accepted(string path, string? origin, string expected)
    {
        using var metrics = new Metrics();
        await using OnePort host = await Start(metrics);
        using var socket = new ClientWebSocket();
        if (origin is not null) socket.Options.SetRequestHeader("Origin", origin);
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(host.WebSocket(path), default));
        await metrics.Becomes($"websocket.server.handshakes{{{expected},websocket.handshake.outcome=refused}}", 1);
        Assert.Single(metrics.Of("websocket.server.handshakes"));
    }

    private static Task<OnePort> Start(Metrics metrics) => OnePort.StartAsync(
        builder =>
        {
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            builder.Services.AddSingleton<IMeterFactory>(metrics);
        },
        map: app =>
        {
            app.UseTandemWebSockets();
            app.Map("/accept", static async (HttpContext context) =>
            {
                using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                byte[] buffer = new byte[100];
                while (await socket.ReceiveAsync(buffer.AsMemory(), default) is { MessageType: not WebSocketMessageType.Close } received)
                {
                    await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
                }

                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
            });
            app.Map("/login", static (HttpContext context) => context.Response.StatusCode = 401);
            app.Map("/fail", static (HttpContext _) => throw new InvalidOperationException("broken"));
        });
}
