using System.Buffers;
using System.Net.WebSockets;
using Tandem.WebSockets;

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>What an application of a connection over a stream does to echo: the same as server and as client.</summary>
internal static class ConnectionEcho
{
    /// <summary>Echoes until the connection ends, in whichever way; anything but the ends that a connection can have is thrown.</summary>
    public static async Task RunAsync(WebSocketConnection connection)
    {
        using (connection)
        {
            try
            {
                await EchoAsync(connection);
            }
            catch (WebSocketException exception) when (exception.InnerException is not null && exception.WebSocketErrorCode is WebSocketError.Faulted or WebSocketError.ConnectionClosedPrematurely)
            {
                // The peer broke a rule, or left: what it was told the tester has read.
            }
        }
    }

    private static async Task EchoAsync(WebSocketConnection connection)
    {
        // Whole messages: what turns out to be no UTF-8 must not have been sent back in part.
        var message = new ArrayBufferWriter<byte>(64 * 1024);
        while (true)
        {
            ValueWebSocketReceiveResult received = await connection.ReceiveAsync(message.GetMemory(64 * 1024), CancellationToken.None);
            if (received.MessageType == WebSocketMessageType.Close) break;
            message.Advance(received.Count);
            if (!received.EndOfMessage) continue;
            if (connection.State != WebSocketState.Open)
            {
                // It has closed: what still comes is for nobody.
            }
            else if (message.WrittenSpan.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(SubjectOptions.CloseCommand)))
            {
                await connection.CloseOutputAsync((WebSocketCloseStatus)SubjectOptions.OwnCloseCode, SubjectOptions.OwnCloseReason, CancellationToken.None);
            }
            else
            {
                await connection.SendAsync(message.WrittenMemory, received.MessageType, endOfMessage: true, CancellationToken.None);
            }

            message.ResetWrittenCount();
        }

        if (connection.State != WebSocketState.CloseReceived) return;
        // RFC 6455 section 5.5.1: answered with the code that came; none with none.
        WebSocketCloseStatus status = connection.CloseCause is { Status: WebSocketCloseStatus.Empty } ? WebSocketCloseStatus.Empty : connection.CloseStatus!.Value;
        await connection.CloseOutputAsync(status, status == WebSocketCloseStatus.Empty ? null : connection.CloseStatusDescription, CancellationToken.None);
    }
}
