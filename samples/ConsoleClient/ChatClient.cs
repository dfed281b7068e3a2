using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using Tandem.WebSockets;

namespace ConsoleClient;

/// <summary>
/// A member of the chat, for any .NET program. Its events are raised in the synchronization context of whoever called
/// <see cref="RunAsync"/>: in a window's program that is the window's thread.
/// </summary>
internal sealed class ChatClient(string name)
{
    private WebSocketConnection? _connection;

    /// <summary>The connection is open.</summary>
    public event Action? Connected;

    /// <summary>Somebody, this member included, has said something.</summary>
    public event Action<string>? Said;

    /// <summary>Connects, and raises events until the connection ends.</summary>
    public async Task RunAsync(Uri server, CancellationToken cancellation = default)
    {
        using WebSocketConnection connection = await WebSocketClient.ConnectAsync(server, new WebSocketClientOptions(), cancellation);
        _connection = connection;
        Connected?.Invoke();
        var message = new ArrayBufferWriter<byte>(4096);
        while (true)
        {
            ValueWebSocketReceiveResult received = await connection.ReceiveAsync(message.GetMemory(4096), cancellation);
            if (received.MessageType == WebSocketMessageType.Close) break;
            message.Advance(received.Count);
            if (!received.EndOfMessage) continue;
            Said?.Invoke(Encoding.UTF8.GetString(message.WrittenSpan));
            message.ResetWrittenCount();
        }

        if (connection.State == WebSocketState.CloseReceived) await connection.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellation);
    }

    /// <summary>Says something. Several calls at once are sent one after the other.</summary>
    public Task SayAsync(string text) =>
        Connection.SendAsync(Encoding.UTF8.GetBytes($"{name}: {text}"), WebSocketMessageType.Text, endOfMessage: true, default);

    /// <summary>Leaves: <see cref="RunAsync"/> ends when the server has answered.</summary>
    public Task LeaveAsync() => Connection.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "bye", default);

    private WebSocketConnection Connection => _connection ?? throw new InvalidOperationException("Not connected yet.");
}
