using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Sockets;

/// <summary>Sending the rest of what a socket has not taken at once.</summary>
internal sealed class TransmitOperation(SocketStream stream) : SocketOperation
{
    private ReadOnlyMemory<byte> _rest;

    public ValueTask SendAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        _rest = rest;
        try
        {
            return TryOrWait(cancellationToken, out _, out short version) ? default : new ValueTask(this, version);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return ValueTask.FromException(exception);
        }
    }

    /// <inheritdoc/>
    protected override bool TryOnce(bool isTold, out int result)
    {
        result = 0;
        while (!_rest.IsEmpty)
        {
            int count = stream.Send(_rest.Span, out int error);
            if (count < 0 && error == Libc.Eagain) return false;
            if (count < 0) throw SocketStream.Failed(error);
            _rest = _rest[count..];
        }

        return true;
    }
}
