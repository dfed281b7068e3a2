using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.WebSockets;

namespace Tandem.Fuzz.Tests.EventLoop;

/// <summary>An echo server on one socket by the stream driver, written as an application would.</summary>
internal static class StreamEcho
{
    public static async Task RunAsync(Socket socket, int maxMessageSize)
    {
        socket.NoDelay = true;
        var stream = new HalfClosing(socket);
        using (var connection = new WebSocketConnection(
            stream, new WebSocketConnectionOptions { MaxMessageSize = maxMessageSize, KeepAliveInterval = Timeout.InfiniteTimeSpan }))
        {
            await EchoAsync(connection, new byte[maxMessageSize + 1]);
        }

        await stream.DrainAsync();
    }

    private static async Task EchoAsync(WebSocketConnection connection, byte[] buffer)
    {
        try
        {
            int filled = 0;
            while (true)
            {
                ValueWebSocketReceiveResult result = await connection.ReceiveAsync(buffer.AsMemory(filled), default).InTime();
                filled += result.Count;
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    CloseCause cause = connection.CloseCause!.Value;
                    await connection.CloseOutputAsync(cause.Status, cause.Reason, default).InTime();
                    return;
                }

                if (!result.EndOfMessage) continue;
                await connection.SendAsync(buffer.AsMemory(0, filled), result.MessageType, true, default).InTime();
                filled = 0;
            }
        }
        catch (WebSocketException)
        {
            // A violation, which the peer has been told, or the end.
        }
    }

    /// <summary>Ends with FIN and reads on until the peer's, as the event loop does: closing a socket with bytes unread is a reset, which can overtake the last frame.</summary>
    private sealed class HalfClosing(Socket socket) : NetworkStream(socket, ownsSocket: false)
    {
        public async Task DrainAsync()
        {
            try
            {
                byte[] rest = new byte[4096];
                while (await Socket.ReceiveAsync(rest).InTime() > 0)
                {
                }
            }
            catch (SocketException)
            {
                // A reset is an end too.
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (Socket.Connected) Socket.Shutdown(SocketShutdown.Send);
            base.Dispose(disposing);
        }
    }
}
