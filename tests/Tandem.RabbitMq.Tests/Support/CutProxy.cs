using System.Net;
using System.Net.Sockets;

namespace Tandem.RabbitMq.Tests.Support;

/// <summary>A TCP proxy before the broker that a test cuts, or lets stall.</summary>
internal sealed class CutProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _sockets = [];
    private readonly int _target;

    public CutProxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>While it is set, nothing is passed on, in either direction.</summary>
    public bool IsStalled { get; set; }

    /// <summary>While it is set, connections are refused.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Ends all connections.</summary>
    public void Cut()
    {
        lock (_sockets)
        {
            foreach (Socket socket in _sockets) socket.Close(0);
            _sockets.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Stop();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync();
                if (IsClosed)
                {
                    near.Close(0);
                    continue;
                }

                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                lock (_sockets) _sockets.AddRange([near, far]);
                _ = ServeAsync(near, far);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket near, Socket far)
    {
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAny(PassAsync(near, far), PassAsync(far, near));
        }
        catch (SocketException)
        {
        }

        near.Close();
        far.Close();
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        try
        {
            byte[] buffer = new byte[65536];
            while (await from.ReceiveAsync(buffer) is > 0 and int count)
            {
                while (IsStalled) await Task.Delay(10);
                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }
}
