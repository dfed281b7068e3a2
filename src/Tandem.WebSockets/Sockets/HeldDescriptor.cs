using System.Net.Sockets;

namespace Tandem.WebSockets.Sockets;

/// <summary>A socket's descriptor for the length of a system call. Who closes the socket meanwhile leaves the descriptor to the call: its number could be another connection's by then.</summary>
internal readonly ref struct HeldDescriptor
{
    private readonly SafeSocketHandle _handle;

    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    public HeldDescriptor(SafeSocketHandle handle)
    {
        _handle = handle;
        bool isHeld = false;
        handle.DangerousAddRef(ref isHeld); // or it throws, and there is nothing to let go
    }

    public int Number => (int)_handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();
}
