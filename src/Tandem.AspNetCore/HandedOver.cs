using System.Net.Sockets;
using System.Threading.Channels;

namespace Tandem.AspNetCore;

/// <summary>Connections on their way from the event loops to Kestrel.</summary>
internal sealed class HandedOver
{
    // Kestrel accepts as fast as it can; what it has not taken when this many wait is refused, as a full backlog would.
    private const int MaxWaiting = 4096;

    private readonly Channel<Socket> _waiting = Channel.CreateBounded<Socket>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, AllowSynchronousContinuations = false });

    /// <summary>Takes over a connection; on a loop's thread.</summary>
    public void Add(Socket socket)
    {
        if (!_waiting.Writer.TryWrite(socket)) socket.Dispose();
    }

    /// <summary>The next one, with not a byte read; null when no more will come.</summary>
    public async ValueTask<Socket?> TakeAsync(CancellationToken cancellationToken)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_waiting.Reader.TryRead(out Socket? socket)) return socket;
        }

        return null;
    }

    /// <summary>Takes no more.</summary>
    public void Complete() => _waiting.Writer.TryComplete();

    /// <summary>Drops those that nobody took.</summary>
    public void Drop()
    {
        while (_waiting.Reader.TryRead(out Socket? socket)) socket.Dispose();
    }
}
