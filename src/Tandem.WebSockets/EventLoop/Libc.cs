using System.Runtime.InteropServices;

namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// The system calls of the event loop. Plain blittable P/Invoke without marshalling: errno is read right after the call with
/// <see cref="Marshal.GetLastSystemError"/>, which the runtime keeps intact over the return from native code. SuppressGCTransition was
/// measured: no gain, and a call that blocks would hold up every garbage collection.
/// </summary>
internal static unsafe partial class Libc
{
    public const int EpollCloseOnExec = 0x80000;
    public const int EpollCtlAdd = 1;
    public const int EpollCtlDelete = 2;
    public const int EpollCtlModify = 3;

    public const int EventFdNonBlockCloseOnExec = 0x800 | 0x80000;
    public const int SocketNonBlockCloseOnExec = 0x800 | 0x80000;

    public const int MsgPeek = 0x2;
    public const int MsgNoSignal = 0x4000; // a broken pipe is an errno, not a signal that ends the process
    public const int ShutdownWrite = 1;

    public const int StreamNonBlockCloseOnExec = 1 | SocketNonBlockCloseOnExec;
    public const int LevelIp = 0;
    public const int LevelSocket = 1;
    public const int LevelTcp = 6;
    public const int TcpNoDelay = 1;
    public const int SocketError = 4;
    public const int SocketLinger = 13;
    public const int IpBindAddressNoPort = 24; // the port is chosen when it connects, when the whole four-tuple is known

    public const int Eintr = 4;
    public const int Eagain = 11;
    public const int Emfile = 24;
    public const int Enfile = 23;
    public const int Enobufs = 105;
    public const int Enomem = 12;
    public const int Einprogress = 115;
    public const int Epipe = 32;
    public const int Econnreset = 104;
    public const int Etimedout = 110;

    public const ushort AddressFamilyInet = 2;
    public const ushort AddressFamilyInet6 = 10;

    /// <summary>Bytes of a sockaddr_in6, the longest address met here.</summary>
    public const int MaxAddressLength = 28;

    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    public static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    public static partial int EpollControl(int epoll, int operation, int fd, byte* @event);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    public static partial int EpollWait(int epoll, byte* events, int maxEvents, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd")]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "read")]
    public static partial nint Read(int fd, void* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "write")]
    public static partial nint Write(int fd, void* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "accept4")]
    public static partial int Accept(int fd, byte* address, int* addressLength, int flags);

    [LibraryImport("libc", EntryPoint = "recv")]
    public static partial nint Receive(int fd, byte* buffer, nint count, int flags);

    [LibraryImport("libc", EntryPoint = "send")]
    public static partial nint Send(int fd, byte* buffer, nint count, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg")]
    public static partial nint SendMessage(int fd, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    public static partial int Shutdown(int fd, int how);

    [LibraryImport("libc", EntryPoint = "socket")]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind")]
    public static partial int Bind(int fd, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "connect")]
    public static partial int Connect(int fd, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    public static partial int SetOption(int fd, int level, int option, void* value, int length);

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    public static partial int GetOption(int fd, int level, int option, void* value, int* length);

    public static void SetOption(int fd, int level, int option, int value) => _ = SetOption(fd, level, option, &value, sizeof(int));

    /// <summary>Closes with a reset, which leaves nothing in TIME_WAIT.</summary>
    public static void Reset(int fd)
    {
        int* linger = stackalloc int[2]; // struct linger: on, for 0 s
        linger[0] = 1;
        linger[1] = 0;
        _ = SetOption(fd, LevelSocket, SocketLinger, linger, 2 * sizeof(int));
        _ = Close(fd);
    }

    /// <summary>struct iovec.</summary>
    public struct IoVector
    {
        public byte* Base;
        public nint Length;
    }

    /// <summary>struct msghdr, as the 64-bit ABIs lay it out.</summary>
    public struct MessageHeader
    {
        public void* Name;
        public nint NameLength; // a socklen_t and its padding
        public IoVector* Vectors;
        public nint VectorCount;
        public void* Control;
        public nint ControlLength;
        public nint Flags;
    }
}
