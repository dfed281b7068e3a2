using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>One endpoint: what its event loops do not claim comes out of <see cref="AcceptAsync"/>, with not a byte read.</summary>
internal sealed class TandemListener(SocketConnectionContextFactory factory) : IConnectionListener
{
    // Kestrel accepts as fast as it can; what it has not taken when this many wait is refused, as a full backlog would.
    private const int MaxWaiting = 4096;

    private readonly Channel<Socket> _waiting = Channel.CreateBounded<Socket>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, AllowSynchronousContinuations = false });

    private WebSocketServer? _server;

    public EndPoint EndPoint => _server!.EndPoints[0];

    public void Attach(WebSocketServer server) => _server = server;

    /// <summary>Takes over a connection; on a loop's thread.</summary>
    public void TakeOver(Socket socket)
    {
        if (!_waiting.Writer.TryWrite(socket)) socket.Dispose();
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!_waiting.Reader.TryRead(out Socket? socket)) continue;
            try
            {
                return factory.Create(socket);
            }
            catch (SocketException)
            {
                socket.Dispose(); // it was reset while it waited; the next one may be well
            }
        }

        return null; // no more will come: Kestrel's sign that the listener has ended
    }

    /// <summary>Host shutdown: the loops close their WebSockets with 1001 while Kestrel drains its requests.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _server!.StopAsync(cancellationToken).ConfigureAwait(false);
        _waiting.Writer.TryComplete();
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        while (_waiting.Reader.TryRead(out Socket? socket)) socket.Dispose();
        factory.Dispose();
    }
}
