using System.Runtime.InteropServices;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Sockets;

/// <summary>Receiving from a socket.</summary>
internal sealed unsafe class ReceiveOperation(SocketStream stream) : SocketOperation
{
    private Memory<byte> _buffer;

    /// <summary>Whether a receive has come upon the peer's end, or upon a failure.</summary>
    public bool HasEnded { get; private set; }

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        _buffer = buffer;
        try
        {
            return TryOrWait(cancellationToken, out int count, out short version) ? new ValueTask<int>(count) : new ValueTask<int>(this, version);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return ValueTask.FromException<int>(exception);
        }
    }

    /// <summary>Looks whether there is something to receive, and leaves it.</summary>
    /// <param name="isEnd">Whether it is the end, or a failure.</param>
    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    public bool Peek(out bool isEnd)
    {
        byte first;
        int count = stream.Receive(&first, 1, Libc.MsgPeek, out int error);
        isEnd = count <= 0 && error != Libc.Eagain;
        return count > 0 || isEnd;
    }

    /// <inheritdoc/>
    protected override bool TryOnce(bool isTold, out int result)
    {
        result = 0;
        if (_buffer.IsEmpty)
        {
            // Waits for bytes and takes none. It is asked for by who wants no buffer while nothing comes, so it may not say so in vain.
            if (!isTold && !Peek(out _)) return false;
            KeepReady();
            return true;
        }

        int error;
        fixed (byte* start = &MemoryMarshal.GetReference(_buffer.Span))
        {
            result = stream.Receive(start, _buffer.Length, 0, out error);
        }

        if (result < 0 && error == Libc.Eagain) return false;
        if (result <= 0) HasEnded = true;
        // Less than was asked for is all that there was, and there will be an event when there is more; but none for an end that the last one has told of.
        if (result <= 0 || result == _buffer.Length || stream.HasHungUp) KeepReady();
        _buffer = default;
        return result >= 0 ? true : throw SocketStream.Failed(error);
    }
}
