using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Tandem.Browser.Tests.Link;

/// <summary>What lies between a browser and a server, and can be cut: whatever is on its way is lost, and nothing gets through until it is mended.</summary>
internal sealed class CuttableProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly CancellationTokenSource _disposed = new();
    private readonly Task _accepting;
    private volatile bool _isCut;
    private long _left = long.MaxValue;

    public CuttableProxy(int port)
    {
        _listener.Start();
        Address = $"http://{_listener.LocalEndpoint}";
        _accepting = AcceptAsync(port);
    }

    public string Address { get; }

    /// <summary>Resets every connection; new ones are reset, too.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (Socket socket in _sockets.Keys) Reset(socket);
    }

    /// <summary>Lets so many bytes more get through, both ways together, before it stalls: what is larger is still on its way when it is cut.</summary>
    public void StallAfter(long bytes) => Volatile.Write(ref _left, bytes);

    public void Mend()
    {
        Volatile.Write(ref _left, long.MaxValue);
        _isCut = false;
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _disposed.Dispose();
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task AcceptAsync(int port)
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_disposed.Token);
                if (_isCut) Reset(client);
                else _connections.Add(Task.Run(() => RunAsync(client, port)));
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task RunAsync(Socket client, int port)
    {
        using Socket own = client;
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _sockets[client] = _sockets[server] = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, port);
            await Task.WhenAny(PassAsync(client, server), PassAsync(server, client));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
        finally
        {
            _sockets.TryRemove(client, out _);
            _sockets.TryRemove(server, out _);
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _disposed.Token) is var length and > 0)
            {
                // The rest stays here until the connection is cut.
                if (Interlocked.Add(ref _left, -length) < 0) await Task.Delay(Timeout.Infinite, _disposed.Token);
                for (int sent = 0; sent < length;) sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), _disposed.Token);
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }
}
