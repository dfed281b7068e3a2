using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Connections;

public enum Maker
{
    Bcl,
    Tandem,
}

public enum Transport
{
    Memory,
    Tcp,
    Epoll, // TCP by a SocketStream, on the subject's side
}

/// <summary>A WebSocket under test, and the other end of its stream in the test's hands: bytes, no WebSocket.</summary>
public sealed class Subject : IDisposable
{
    private Subject(WebSocket socket, WebSocketRole role, Stream own, Stream peer) =>
        (Socket, Role, Own, Peer) = (socket, role, own, new RawPeer(peer, role));

    public WebSocket Socket { get; }

    public WebSocketRole Role { get; }

    /// <summary>The subject's own stream.</summary>
    public Stream Own { get; }

    public RawPeer Peer { get; }

    public WebSocketConnection Ours => (WebSocketConnection)Socket;

    public static async Task<Subject> CreateAsync(Maker maker, WebSocketRole role, Transport transport)
    {
        (Stream own, Stream peer) = await StreamsAsync(transport);
        return new Subject(Create(maker, role, own), role, own, peer);
    }

    /// <summary>Ours over memory, with options of the test's choice.</summary>
    public static Subject Create(WebSocketConnectionOptions options, StreamTraits traits = StreamTraits.None)
    {
        (DuplexStream own, DuplexStream peer) = DuplexStream.Pair(traits);
        return new Subject(new WebSocketConnection(own, options), options.Role, own, peer);
    }

    public static WebSocket Create(Maker maker, WebSocketRole role, Stream stream) => maker == Maker.Tandem
        ? new WebSocketConnection(stream, new WebSocketConnectionOptions { Role = role, Subprotocol = "chat", KeepAliveInterval = Timeout.InfiniteTimeSpan })
        : WebSocket.CreateFromStream(
            stream,
            new WebSocketCreationOptions { IsServer = role == WebSocketRole.Server, SubProtocol = "chat", KeepAliveInterval = TimeSpan.Zero });

    public static async Task<(Stream Left, Stream Right)> StreamsAsync(Transport transport)
    {
        if (transport == Transport.Memory) return DuplexStream.Pair();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var left = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await left.ConnectAsync(listener.LocalEndPoint!);
        Socket right = await listener.AcceptAsync();
        right.NoDelay = true;
        return (transport == Transport.Epoll ? new SocketStream(left, ownsSocket: true) : new TcpStream(left), new TcpStream(right));
    }

    public void Dispose()
    {
        Socket.Dispose();
        Peer.Dispose();
    }

    /// <summary>
    /// Leaves cancellation to the WebSocket: where the stream sees to it as well, a BCL WebSocket races with it and may be left open.
    /// </summary>
    private sealed class TcpStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer, default);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => base.WriteAsync(buffer, default);
    }
}
