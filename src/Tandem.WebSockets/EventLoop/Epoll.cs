using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tandem.WebSockets.EventLoop;

/// <summary>What epoll reports or is asked for.</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    In = 0x1,
    Out = 0x4,
    Error = 0x8,
    HangUp = 0x10,
    PeerHangUp = 0x2000, // FIN, even while input is not watched
    OneShot = 1u << 30, // reported once, and again after Modify
    EdgeTriggered = 1u << 31,
}

/// <summary>
/// One epoll instance: readiness of many descriptors, each registered with a 64-bit key. Level-triggered unless asked otherwise: what is
/// not read now is reported again, so one receive per report is enough and no connection can starve the others.
/// </summary>
internal sealed unsafe class Epoll : IDisposable
{
    // struct epoll_event is packed on x86-64 only (the kernel's EPOLL_PACKED), so its second member moves.
    private static readonly int KeyOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int Stride = KeyOffset + 8;

    private readonly int _fd;
    private readonly int _capacity;
    private byte* _events;

    /// <summary>Creates an instance.</summary>
    /// <param name="capacity">Most events taken by one wait.</param>
    /// <exception cref="Win32Exception">The kernel refuses, for want of descriptors or memory.</exception>
    public Epoll(int capacity)
    {
        _capacity = capacity;
        _fd = Libc.EpollCreate(Libc.EpollCloseOnExec);
        if (_fd < 0) throw new Win32Exception(Marshal.GetLastSystemError());
        _events = (byte*)NativeMemory.Alloc((nuint)capacity, (nuint)Stride);
    }

    /// <summary>Its own descriptor, which is readable while one of those that are registered is ready.</summary>
    public int Descriptor => _fd;

    /// <summary>Waits.</summary>
    /// <param name="timeoutMilliseconds">How long at most; -1 for ever.</param>
    /// <returns>How many events there are; 0 after the timeout or a signal.</returns>
    public int Wait(int timeoutMilliseconds)
    {
        int count = Libc.EpollWait(_fd, _events, _capacity, timeoutMilliseconds);
        return count >= 0 || Marshal.GetLastSystemError() == Libc.Eintr ? Math.Max(count, 0) : throw new Win32Exception(Marshal.GetLastSystemError());
    }

    /// <summary>The key and the events of one of those that the last wait gave.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Take(int index, out EpollEvents events)
    {
        byte* entry = _events + ((long)index * Stride);
        events = (EpollEvents)(*(uint*)entry);
        return Unsafe.ReadUnaligned<long>(entry + KeyOffset);
    }

    /// <summary>Registers a descriptor.</summary>
    /// <returns>False when the kernel refuses, for want of memory or watches.</returns>
    public bool Add(int fd, EpollEvents events, long key) => Control(Libc.EpollCtlAdd, fd, events, key);

    /// <summary>Changes what a registered descriptor is watched for.</summary>
    public bool Modify(int fd, EpollEvents events, long key) => Control(Libc.EpollCtlModify, fd, events, key);

    /// <summary>Forgets a descriptor that lives on; closing the last copy of one does it too.</summary>
    public bool Delete(int fd) => Control(Libc.EpollCtlDelete, fd, EpollEvents.None, 0);

    public void Dispose()
    {
        if (_events == null) return;
        NativeMemory.Free(_events);
        _events = null;
        _ = Libc.Close(_fd);
    }

    private bool Control(int operation, int fd, EpollEvents events, long key)
    {
        byte* entry = stackalloc byte[16];
        *(uint*)entry = (uint)events;
        Unsafe.WriteUnaligned(entry + KeyOffset, key);
        return Libc.EpollControl(_fd, operation, fd, entry) == 0;
    }
}
