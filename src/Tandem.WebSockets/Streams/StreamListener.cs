using System.Net;
using System.Net.Sockets;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Streams;

/// <summary>The listening sockets of a server without epoll.</summary>
internal sealed class StreamListener(WebSocketServer server, StreamDriver driver)
{
    private readonly List<Socket> _sockets = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the server has stopped.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Listens; <see cref="Start"/> accepts.</summary>
    /// <returns>Where, with the port that the system chose.</returns>
    public IPEndPoint Listen(IPEndPoint endPoint, int backlog)
    {
        Socket socket = Acceptor.Listen(endPoint, backlog);
        _sockets.Add(socket);
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    public void Start()
    {
        foreach (Socket socket in _sockets) _ = AcceptAsync(socket);
    }

    /// <summary>Accepts no more, closes every connection, and ends when the last one has.</summary>
    public void Stop()
    {
        foreach (Socket socket in _sockets) socket.Dispose();
        driver.Stop();
        _ = driver.EndedAsync().ContinueWith(_ => _ended.TrySetResult(), TaskScheduler.Default);
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!driver.IsStopping)
        {
            try
            {
                Socket socket = await listener.AcceptAsync().ConfigureAwait(false);
                if (driver.IsStopping) socket.Dispose();
                else server.Deal(socket);
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                server.Options.Report(null, new InvalidOperationException("Out of file descriptors or memory: accepting pauses for a moment.", exception));
                await Task.Delay(server.Options.TickInterval).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Of a connection that went before it was accepted; or the listener has ended, and so does this.
                if (driver.IsStopping) return;
            }
        }
    }
}
