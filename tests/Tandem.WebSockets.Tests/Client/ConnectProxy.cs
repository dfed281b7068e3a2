using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>An HTTP proxy that knows CONNECT, and asks for credentials when it is given some.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly ScriptedServer _server;
    private readonly string? _credentials;
    private readonly string _answer;

    private ConnectProxy(string? credentials, string answer)
    {
        _credentials = credentials;
        _answer = answer;
        _server = ScriptedServer.Start(ServeAsync);
    }

    /// <summary>The heads of the requests that came.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public Uri Uri => _server.Uri(scheme: "http");

    public IPEndPoint EndPoint => _server.EndPoint;

    /// <summary>Starts a proxy that answers a good request with the given status line.</summary>
    public static ConnectProxy Start(string? credentials = null, string answer = "HTTP/1.1 200 Connection established") => new(credentials, answer);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(ScriptedPeer peer)
    {
        string head = await peer.ReadHead();
        Requests.Enqueue(head);
        if (_credentials is not null && ScriptedPeer.Field(head, "Proxy-Authorization") != "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(_credentials)))
        {
            await peer.Send("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 7\r\n\r\nwho are");
            return;
        }

        // Names mean nothing here: whatever was asked for is on loopback.
        int port = int.Parse(head.Split(' ')[1].Split(':')[^1]);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        using var host = new NetworkStream(socket);
        await peer.Send(_answer + "\r\n\r\n");
        Task up = peer.Stream.CopyToAsync(host);
        Task down = host.CopyToAsync(peer.Stream);
        await Task.WhenAny(up, down);
        // One side has ended: closing both ends the other copy.
        socket.Dispose();
        await peer.Stream.DisposeAsync();
        await Task.WhenAll(up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
