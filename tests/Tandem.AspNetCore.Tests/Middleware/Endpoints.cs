using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>What applications do with a WebSocket.</summary>
internal static class Endpoints
{
    /// <summary>Refuses by custom what is no WebSocket, and echoes until the client closes.</summary>
    public static RequestDelegate Echo(WebSocketAcceptContext? accept = null, Action<WebSocket>? accepted = null) => async context =>
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(accept ?? new WebSocketAcceptContext());
        accepted?.Invoke(socket);
        await EchoAsync(socket);
    };

    public static async Task EchoAsync(WebSocket socket)
    {
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), default);
            if (received.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
        }

        await socket.CloseAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, default);
    }
}
