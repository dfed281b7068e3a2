using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore.Routes;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>One endpoint: what its event loops do not claim comes out of <see cref="AcceptAsync"/>, with not a byte read.</summary>
internal sealed class TandemListener(
    WebSocketServer server,
    TandemConnections connections,
    LoopRoutes routes,
    HandedOver waiting,
    EndPointScheme scheme,
    SocketConnectionContextFactory factory,
    ILogger logger) : IConnectionListener
{
    private readonly CancellationTokenSource _unbound = new();
    private readonly Lock _gate = new();
    private bool _serves;
    private bool _isPlaintext;
    private bool _ended;

    public EndPoint EndPoint => server.EndPoints[0];

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        // Kestrel accepts on one task, one connection after the other, from the moment that the endpoint is bound.
        if (!_serves && !await ServeAsync(cancellationToken).ConfigureAwait(false)) return null;
        while (await waiting.TakeAsync(cancellationToken).ConfigureAwait(false) is { } socket)
        {
            try
            {
                return (_isPlaintext ? HandshakeConnection.TryCreate(socket, logger) : null) ?? factory.Create(socket);
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                socket.Dispose(); // it was reset while it waited, or the kernel watches no more sockets; the next one may be well
            }
        }

        return null; // no more will come: Kestrel's sign that the listener has ended
    }

    /// <summary>Host shutdown: the loops close their WebSockets with 1001 while Kestrel drains its requests.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        Task stopped;
        lock (_gate)
        {
            _unbound.Cancel();
            stopped = server.StopAsync(cancellationToken);
        }

        await stopped.ConfigureAwait(false);
        connections.Remove(server);
        waiting.Complete();
        if (_serves && !Interlocked.Exchange(ref _ended, true)) Log.Stopped(logger, (IPEndPoint)EndPoint);
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        waiting.Drop();
        factory.Dispose();
    }

    // Until here connections have waited in the kernel. An https endpoint gets no routes: a handshake in plaintext is not what it is for, and
    // Kestrel, which is given everything then, refuses it as it refuses every other plaintext request.
    private async Task<bool> ServeAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
        IReadOnlyList<WebSocketRoute> served;
        try
        {
            _isPlaintext = await scheme.IsPlaintextAsync((IPEndPoint)EndPoint, either.Token).ConfigureAwait(false);
            served = _isPlaintext ? await routes.FindAsync().ConfigureAwait(false) : [];
        }
        catch (OperationCanceledException) when (_unbound.IsCancellationRequested)
        {
            return false;
        }

        lock (_gate)
        {
            if (_unbound.IsCancellationRequested) return false;
            foreach (WebSocketRoute route in served) server.Map(route);
            server.Start();
            _serves = true;
            Log.Started(logger, served.Count, (IPEndPoint)EndPoint);
            return true;
        }
    }
}
