using System.Net;
using System.Net.Sockets;

namespace Tandem.Interop.Tests.Matrix;

/// <summary>
/// Relays one TCP connection between a client and a server, and writes down both heads and every frame's header: what was on the wire, and
/// not what either end says that it did.
/// </summary>
internal sealed class WireTap : IDisposable
{
    private readonly Socket _listener;
    private readonly IPEndPoint _target;
    private Socket? _client;
    private Socket? _server;

    private WireTap(Socket listener, IPEndPoint target)
    {
        _listener = listener;
        _target = target;
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public Tape FromClient { get; } = new(masked: true);

    public Tape FromServer { get; } = new(masked: false);

    /// <summary>The extensions of the server's answer; null when there are none.</summary>
    public string? Extensions => FromServer.Field("Sec-WebSocket-Extensions");

    public static WireTap Start(IPEndPoint target)
    {
        var listener = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var tap = new WireTap(listener, target);
        _ = tap.RunAsync();
        return tap;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _client?.Dispose();
        _server?.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            _client = await _listener.AcceptAsync();
            _server = new Socket(_target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await _server.ConnectAsync(_target);
            _client.NoDelay = _server.NoDelay = true;
            await Task.WhenAll(RelayAsync(_client, _server, FromClient), RelayAsync(_server, _client, FromServer));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // A reset goes on to both ends; whether one was in order is judged there.
            _client?.Dispose();
            _server?.Dispose();
        }
    }

    private static async Task RelayAsync(Socket from, Socket to, Tape tape)
    {
        byte[] buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer) is var count and > 0)
        {
            tape.Append(buffer.AsSpan(0, count)); // before the other end can react to it
            for (int sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
        }

        to.Shutdown(SocketShutdown.Send);
    }
}
