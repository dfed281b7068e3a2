using System.Net;
using System.Net.Sockets;

namespace Tandem.Server.Tests.Sessions;

/// <summary>
/// Passes TCP connections on. The first one is reset once so many bytes have passed in one direction behind the heads of the handshake; those that follow are left alone.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _server;
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private int _left;

    /// <param name="server">Where connections go.</param>
    /// <param name="cutsUp">Whether what the client sends is counted, or what the server does.</param>
    /// <param name="after">After how many bytes the first connection is cut.</param>
    public CuttingProxy(IPEndPoint server, bool cutsUp, int after)
    {
        _server = server;
        _left = after;
        _listener.Start();
        _accepting = AcceptAsync(cutsUp);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections => _connections.Count;

    /// <summary>How many more bytes would have passed before the cut; less than 0 when it was cut.</summary>
    public int Left => Volatile.Read(ref _left);

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections).InTime();
    }

    private async Task AcceptAsync(bool cutsUp)
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync();
                bool isFirst = _connections.Count == 0;
                _connections.Add(Task.Run(() => RunAsync(client, isFirst && cutsUp, isFirst && !cutsUp)));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task RunAsync(Socket client, bool cutsUp, bool cutsDown)
    {
        using Socket own = client;
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        await server.ConnectAsync(_server);
        await Task.WhenAny(PassAsync(client, server, cutsUp), PassAsync(server, client, cutsDown));
        // A reset, to both.
        client.Close(0);
        server.Close(0);
    }

    private async Task PassAsync(Socket from, Socket to, bool cuts)
    {
        byte[] buffer = new byte[4096];
        int matched = 0; // of CRLF CRLF
        try
        {
            while (await from.ReceiveAsync(buffer) is var count and > 0)
            {
                int pass = count;
                for (int i = 0; cuts && i < count; i++)
                {
                    if (matched < 4)
                    {
                        matched = buffer[i] == "\r\n\r\n"[matched] ? matched + 1 : buffer[i] == '\r' ? 1 : 0;
                        continue;
                    }

                    if (Interlocked.Decrement(ref _left) >= 0) continue;
                    pass = i;
                    break;
                }

                for (int sent = 0; sent < pass;) sent += await to.SendAsync(buffer.AsMemory(sent, pass - sent));
                if (pass < count) return;
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }
}
