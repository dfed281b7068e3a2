using System.Net;
using System.Net.Sockets;

namespace Tandem.WebSockets.Tests.Sockets;

/// <summary>Two ends of a TCP connection: a stream under test, and the peer's socket in the test's hands.</summary>
internal sealed class SocketPair : IDisposable
{
    private SocketPair(Socket own, Socket peer, Stream stream) => (Own, Peer, Stream) = (own, peer, stream);

    public Socket Own { get; }

    public Socket Peer { get; }

    public Stream Stream { get; }

    /// <summary>Over the stream of ours.</summary>
    public static Task<SocketPair> CreateAsync(Action? onPeerGone = null) => CreateAsync(socket => new SocketStream(socket, ownsSocket: true, onPeerGone));

    public static async Task<SocketPair> CreateAsync(Func<Socket, Stream> create)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await peer.ConnectAsync(listener.LocalEndPoint!);
        Socket own = await listener.AcceptAsync();
        return new SocketPair(own, peer, create(own));
    }

    /// <summary>Reads until so many bytes are there.</summary>
    public async Task<byte[]> ReadAsync(int count)
    {
        byte[] bytes = new byte[count];
        await Stream.ReadExactlyAsync(bytes).InTime();
        return bytes;
    }

    /// <summary>Has the peer end with a reset.</summary>
    public void Reset() => Peer.Close(timeout: 0);

    public void Dispose()
    {
        Stream.Dispose();
        Own.Dispose();
        Peer.Dispose();
    }
}
