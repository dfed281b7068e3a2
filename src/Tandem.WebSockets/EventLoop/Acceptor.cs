using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// A listening socket, watched by one loop, which deals the connections out to all loops in turn. WebSockets live long, so an even number of
/// connections per loop matters more than which loop happened to wake up; one socket for all, instead of one for each with SO_REUSEPORT,
/// keeps "address already in use" an error.
/// </summary>
internal sealed unsafe class Acceptor : IDisposable
{
    // Enough to empty a burst in a few turns of the loop, and few enough that the connections it has are served in between.
    private const int MaxAcceptsPerEvent = 64;

    private readonly Socket _socket;
    private readonly int _fd;

    public Acceptor(IPEndPoint endPoint, int backlog)
    {
        _socket = Listen(endPoint, backlog);
        _socket.Blocking = false;
        _fd = (int)_socket.Handle;
        EndPoint = (IPEndPoint)_socket.LocalEndPoint!;
    }

    /// <summary>A listening socket.</summary>
    /// <exception cref="SocketException">The endpoint cannot be listened on.</exception>
    public static Socket Listen(IPEndPoint endPoint, int backlog)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Inherited by every accepted socket, which saves a system call for each. Batches are made here, not by Nagle's algorithm.
            socket.NoDelay = true;
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = endPoint.Address.Equals(IPAddress.IPv6Any);
            socket.Bind(endPoint);
            socket.Listen(backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Where it listens, with the port that the system chose.</summary>
    public IPEndPoint EndPoint { get; }

    public int Fd => _fd;

    /// <summary>Accepts what is waiting.</summary>
    /// <param name="deal">Is given each connection.</param>
    /// <returns>False when the process has no descriptors or memory left: accepting pauses until the next tick.</returns>
    public bool Accept(Action<int, UInt128, ushort> deal)
    {
        byte* address = stackalloc byte[Libc.MaxAddressLength];
        for (int i = 0; i < MaxAcceptsPerEvent; i++)
        {
            int length = Libc.MaxAddressLength;
            int fd = Libc.Accept(_fd, address, &length, Libc.SocketNonBlockCloseOnExec);
            if (fd < 0)
            {
                // All other errors are those of the connection that was about to be accepted (accept(2)): it is gone, the next may be well.
                return Marshal.GetLastSystemError() is not (Libc.Emfile or Libc.Enfile or Libc.Enobufs or Libc.Enomem);
            }

            UInt128 key = AddressTable.KeyOf(new ReadOnlySpan<byte>(address, Libc.MaxAddressLength), out ushort port);
            deal(fd, key, port);
        }

        return true;
    }

    public void Dispose() => _socket.Dispose();
}
