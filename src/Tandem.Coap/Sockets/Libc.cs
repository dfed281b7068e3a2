using System.Runtime.InteropServices;

namespace Tandem.Coap.Sockets;

/// <summary>The two system calls that .NET's sockets have no face for: sending from an address of one's own choice, and reading the queue of errors. Linux only.</summary>
internal static unsafe partial class Libc
{
    public const int MsgDontWait = 0x40;
    public const int MsgNoSignal = 0x4000;
    public const int MsgErrorQueue = 0x2000;

    public const int LevelIp = 0;
    public const int IpPacketInformation = 8;
    public const int IpReceiveErrors = 11;
    public const int LevelIpv6 = 41;
    public const int Ipv6ReceiveErrors = 25;
    public const int Ipv6PacketInformation = 50;

    public const int Eintr = 4;

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(nint fd, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(nint fd, MessageHeader* message, int flags);

    /// <summary>struct iovec.</summary>
    public struct IoVector
    {
        public byte* Base;
        public nint Length;
    }

    /// <summary>struct msghdr.</summary>
    public struct MessageHeader
    {
        public byte* Name;
        public int NameLength;
        public IoVector* Vectors;
        public nint VectorCount;
        public byte* Control;
        public nint ControlLength;
        public int Flags;
    }

    /// <summary>struct cmsghdr. Its data follows.</summary>
    public struct ControlHeader
    {
        public nint Length;
        public int Level;
        public int Type;
    }
}
