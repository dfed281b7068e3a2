using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using Tandem.WebSockets.EventLoop;

namespace Tandem.Benchmarks;

/// <summary>
/// The client's side of TCP, to loopback only. The engine's <see cref="Libc"/> has what a server needs; connecting is added here. A socket
/// blocks, within <see cref="TimeoutSeconds"/>, while it connects and shakes hands; what must not block later says so call by call.
/// </summary>
internal static unsafe partial class ClientSocket
{
    /// <summary>After this long without an answer the server is taken to hang.</summary>
    public const int TimeoutSeconds = 10;

    /// <summary>MSG_DONTWAIT.</summary>
    public const int DoNotWait = 0x40;

    private const int StreamCloseOnExec = 1 | 0x80000;
    private const int LevelIp = 0;
    private const int LevelSocket = 1;
    private const int LevelTcp = 6;
    private const int TcpNoDelay = 1;
    private const int SocketLinger = 13;
    private const int SocketReceiveTimeout = 20;
    private const int SocketSendTimeout = 21;
    private const int IpBindAddressNoPort = 24;
    private const int AddressLength = 16; // sockaddr_in

    /// <summary>Connects.</summary>
    /// <param name="port">Where the server listens, on 127.0.0.1.</param>
    /// <param name="source">Connects from 127.0.0.1 + this: each address has ports of its own, 28,000 by default.</param>
    /// <returns>The descriptor.</returns>
    public static int Connect(int port, int source)
    {
        int fd = Open(Libc.AddressFamilyInet, StreamCloseOnExec, 0);
        if (fd < 0) throw LoadFailureException.FromSystemCall("socket");
        Set(fd, LevelTcp, TcpNoDelay, 1);
        long* timeout = stackalloc long[2]; // struct timeval
        timeout[0] = TimeoutSeconds;
        timeout[1] = 0;
        _ = SetOption(fd, LevelSocket, SocketReceiveTimeout, timeout, 2 * sizeof(long));
        _ = SetOption(fd, LevelSocket, SocketSendTimeout, timeout, 2 * sizeof(long));

        byte* address = stackalloc byte[AddressLength];
        if (source != 0)
        {
            // The port is chosen when it connects, when the whole four-tuple is known.
            Set(fd, LevelIp, IpBindAddressNoPort, 1);
            WriteLoopback(address, source, 0);
            if (Bind(fd, address, AddressLength) != 0) throw LoadFailureException.FromSystemCall("bind");
        }

        WriteLoopback(address, 0, port);
        if (Connect(fd, address, AddressLength) != 0) throw LoadFailureException.FromSystemCall($"connect to port {port}");
        return fd;
    }

    /// <summary>Closes with a reset: no TIME_WAIT is left behind, which would use up the ports within seconds.</summary>
    public static void Reset(int fd)
    {
        int* linger = stackalloc int[2]; // struct linger: on, for 0 s
        linger[0] = 1;
        linger[1] = 0;
        _ = SetOption(fd, LevelSocket, SocketLinger, linger, 2 * sizeof(int));
        _ = Libc.Close(fd);
    }

    /// <summary>Sends all of it, waiting for room.</summary>
    public static void SendAll(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes)
        {
            for (int sent = 0; sent < bytes.Length;)
            {
                nint count = Libc.Send(fd, pointer + sent, bytes.Length - sent, Libc.MsgNoSignal);
                if (count < 0) throw Failed("send");
                sent += (int)count;
            }
        }
    }

    /// <summary>Receives what there is, waiting for the first byte.</summary>
    public static int Receive(int fd, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            nint count = Libc.Receive(fd, pointer, buffer.Length, 0);
            if (count < 0) throw Failed("receive");
            return count > 0 ? (int)count : throw new LoadFailureException("the server closed a connection");
        }
    }

    // A timeout of a blocking call is reported as EAGAIN.
    private static LoadFailureException Failed(string call)
    {
        int errno = Marshal.GetLastSystemError();
        return errno == Libc.Eagain
            ? new LoadFailureException($"{call}: no progress for {TimeoutSeconds} s")
            : LoadFailureException.FromErrno(call, errno);
    }

    private static void WriteLoopback(byte* address, int offset, int port)
    {
        new Span<byte>(address, AddressLength).Clear();
        *(ushort*)address = Libc.AddressFamilyInet;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), (ushort)port);
        const uint loopback = 0x7F00_0001;
        *(uint*)(address + 4) = (uint)IPAddress.HostToNetworkOrder((int)(loopback + offset));
    }

    private static void Set(int fd, int level, int option, int value) => _ = SetOption(fd, level, option, &value, sizeof(int));

    [LibraryImport("libc", EntryPoint = "socket")]
    private static partial int Open(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect")]
    private static partial int Connect(int fd, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "bind")]
    private static partial int Bind(int fd, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    private static partial int SetOption(int fd, int level, int option, void* value, int length);
}
