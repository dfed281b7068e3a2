using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using Tandem.Cli.Bench;
using Tandem.WebSockets.EventLoop;

namespace Tandem.Benchmarks;

/// <summary>
/// The client's side of TCP, to loopback only, on the engine's system calls. A socket blocks, within <see cref="TimeoutSeconds"/>, while it connects and shakes hands; what must not block later says so call by call.
/// </summary>
internal static unsafe class ClientSocket
{
    /// <summary>After this long without an answer the server is taken to hang.</summary>
    public const int TimeoutSeconds = 10;

    /// <summary>MSG_DONTWAIT.</summary>
    public const int DoNotWait = 0x40;

    private const int StreamCloseOnExec = 1 | 0x80000;
    private const int SocketReceiveTimeout = 20;
    private const int SocketSendTimeout = 21;
    private const int AddressLength = 16; // sockaddr_in

    /// <summary>Connects.</summary>
    /// <param name="port">Where the server listens, on 127.0.0.1.</param>
    /// <param name="source">Connects from 127.0.0.1 + this: each address has ports of its own, 28,000 by default.</param>
    /// <returns>The descriptor.</returns>
    public static int Connect(int port, int source)
    {
        int fd = Libc.Socket(Libc.AddressFamilyInet, StreamCloseOnExec, 0);
        if (fd < 0) throw FailedCall("socket");
        Libc.SetOption(fd, Libc.LevelTcp, Libc.TcpNoDelay, 1);
        long* timeout = stackalloc long[2]; // struct timeval
        timeout[0] = TimeoutSeconds;
        timeout[1] = 0;
        _ = Libc.SetOption(fd, Libc.LevelSocket, SocketReceiveTimeout, timeout, 2 * sizeof(long));
        _ = Libc.SetOption(fd, Libc.LevelSocket, SocketSendTimeout, timeout, 2 * sizeof(long));

        byte* address = stackalloc byte[AddressLength];
        if (source != 0)
        {
            Libc.SetOption(fd, Libc.LevelIp, Libc.IpBindAddressNoPort, 1);
            WriteLoopback(address, source, 0);
            if (Libc.Bind(fd, address, AddressLength) != 0) throw FailedCall("bind");
        }

        WriteLoopback(address, 0, port);
        if (Libc.Connect(fd, address, AddressLength) != 0) throw FailedCall($"connect to port {port}");
        return fd;
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
            return count > 0 ? (int)count : throw new BenchException("the server closed a connection");
        }
    }

    /// <summary>A system call that failed; to be made right after it, while errno stands.</summary>
    public static BenchException FailedCall(string call) => FailedCall(call, Marshal.GetLastSystemError());

    public static BenchException FailedCall(string call, int errno) => new($"{call}: {Marshal.GetPInvokeErrorMessage(errno)}");

    // A timeout of a blocking call is reported as EAGAIN.
    private static BenchException Failed(string call)
    {
        int errno = Marshal.GetLastSystemError();
        return errno == Libc.Eagain
            ? new BenchException($"{call}: no progress for {TimeoutSeconds} s")
            : FailedCall(call, errno);
    }

    private static void WriteLoopback(byte* address, int offset, int port)
    {
        new Span<byte>(address, AddressLength).Clear();
        *(ushort*)address = Libc.AddressFamilyInet;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), (ushort)port);
        const uint loopback = 0x7F00_0001;
        *(uint*)(address + 4) = (uint)IPAddress.HostToNetworkOrder((int)(loopback + offset));
    }
}
