using System.Net.WebSockets;

namespace Tandem.WebSockets.Tests.Connections;

/// <summary>The operations of a connection, each under the deadline of all waits.</summary>
internal static class Waits
{
    public static Task<ValueWebSocketReceiveResult> TakeAsync(this WebSocket socket, int size = 100, CancellationToken cancellationToken = default) =>
        socket.ReceiveAsync(new Memory<byte>(new byte[size]), cancellationToken).AsTask().InTime();

    public static Task PutAsync(this WebSocket socket, string text, bool endOfMessage = true, CancellationToken cancellationToken = default) =>
        socket.SendAsync(System.Text.Encoding.UTF8.GetBytes(text).AsMemory(), WebSocketMessageType.Text, endOfMessage, cancellationToken).InTime();

    public static Task ShutAsync(this WebSocket socket, int code = 1000, string? reason = null, CancellationToken cancellationToken = default) =>
        socket.CloseAsync((WebSocketCloseStatus)code, reason, cancellationToken).InTime();

    public static Task ShutOutputAsync(this WebSocket socket, int code = 1000, string? reason = null, CancellationToken cancellationToken = default) =>
        socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, cancellationToken).InTime();

    public static void Is(this ValueWebSocketReceiveResult result, int count, WebSocketMessageType type, bool endOfMessage) =>
        Assert.Equal((count, type, endOfMessage), (result.Count, result.MessageType, result.EndOfMessage));

    public static async Task<WebSocketException> FailsAsync(WebSocketError error, Func<Task> act)
    {
        WebSocketException exception = await Assert.ThrowsAsync<WebSocketException>(act);
        Assert.Equal(error, exception.WebSocketErrorCode);
        return exception;
    }

    /// <summary>Awaits a condition that another thread makes true.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        while (!condition())
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
