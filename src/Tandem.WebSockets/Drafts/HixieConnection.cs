using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Protocol.Drafts;
using Tandem.WebSockets.EventLoop;
using Tandem.WebSockets.Streams;

namespace Tandem.WebSockets.Drafts;

/// <summary>
/// A connection of hixie-75 or hixie-76: a <see cref="StreamPeer"/> behind a <see cref="HixieStream"/>, also in a server that has event loops. So handlers, limits and the
/// end are those of every connection, and the loops know nothing of other frames than their own.
/// </summary>
internal static class HixieConnection
{
    // Linux takes no more for an interval, in seconds.
    private const int MaxKeepAliveSeconds = 32_767;

    // How often TCP asks before it gives up.
    private const int KeepAliveProbes = 4;

    /// <summary>Serves a connection whose handshake has been accepted.</summary>
    /// <param name="driver">Its clock.</param>
    /// <param name="socket">The socket, which is the connection's from now on.</param>
    /// <param name="route">Handler and limits.</param>
    /// <param name="address">Where it comes from.</param>
    /// <param name="port">The port of that address.</param>
    /// <param name="context">The decision about its handshake.</param>
    /// <param name="draft">What the client speaks.</param>
    /// <param name="answer">The answer to the handshake, not sent yet; it is copied.</param>
    /// <param name="behind">What the client sent behind its handshake; it is copied.</param>
    /// <param name="onEnded">Called when everything is over.</param>
    public static void Begin(
        StreamDriver driver, Socket socket, ServedRoute route, RemoteAddress address, ushort port, UpgradeContext context, WebSocketDrafts draft,
        ReadOnlySpan<byte> answer, ReadOnlySpan<byte> behind, Action onEnded)
    {
        StreamPeer? peer = null;
        HixieStream stream;
        try
        {
            socket.Blocking = true; // of a descriptor of the loops; a NetworkStream asks for it, and waits without blocking all the same
            KeepAlive(socket, route.Options);
            stream = new HixieStream(socket, draft, answer.Length, behind.ToArray(), fault => OnFault(peer!, route.Options, fault));
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            socket.Dispose(); // the client has gone, and its handler was not told of it yet
            onEnded();
            return;
        }

        peer = new StreamPeer(driver, stream, route.WithoutPings, address, port, context, onEnded);
        _ = peer.Run(answer, default);
    }

    // There is no ping: whether the client is still there TCP asks, after as long and for as long.
    internal static void KeepAlive(Socket socket, WebSocketServerOptions options)
    {
        if (options.KeepAliveInterval == Timeout.InfiniteTimeSpan) return;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, Seconds(options.KeepAliveInterval));
        if (options.KeepAliveTimeout == Timeout.InfiniteTimeSpan) return;
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, Seconds(options.KeepAliveTimeout / KeepAliveProbes));
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
    }

    private static int Seconds(TimeSpan time) => (int)Math.Clamp(Math.Ceiling(time.TotalSeconds), 1, MaxKeepAliveSeconds);

    // On the thread that serves the peer, within its flush.
    private static void OnFault(StreamPeer peer, WebSocketServerOptions options, HixieFault fault)
    {
        if (fault == HixieFault.Binary)
        {
            const string binary = "the client speaks a draft without binary messages";
            options.Report(peer, new InvalidOperationException($"A binary message was sent, and {binary} (hixie-75, hixie-76). The connection is closed."));
            peer.Close(WebSocketCloseStatus.InvalidMessageType, binary);
        }
        else
        {
            options.Report(peer, new InvalidOperationException("A text message was sent that is no UTF-8: in hixie-75 and hixie-76 its byte FF would end it. The connection is dropped."));
            peer.Abort(); // a part of the message may have gone
        }
    }
}
