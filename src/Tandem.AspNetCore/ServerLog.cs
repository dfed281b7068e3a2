using Microsoft.Extensions.Logging;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>
/// What a <see cref="WebSocketServer"/> reports, as log events: docs/observability.md is their table. Events that a peer can bring about at will are
/// for Debug, or pass a <see cref="LogGate"/>.
/// </summary>
internal sealed class ServerLog(ILogger logger, TimeProvider time)
{
    private readonly LogGate _errors = new(time);
    private readonly LogGate _overflows = new(time);

    public void Error(Exception exception)
    {
        if (!_errors.TryPass(out int suppressed)) return;
        if (suppressed != 0) Log.Suppressed(logger, suppressed);
        Log.HandlerFailed(logger, exception);
    }

    public void Refused(RefusedHandshake refused) =>
        Log.ConnectionRefused(
            logger,
            refused.RemoteEndPoint,
            refused.StatusCode,
            refused.Refusal == HandshakeRefusal.None ? "by the application" : refused.Refusal.Text());

    public void Closed(WebSocketPeer peer, CloseCause cause)
    {
        if (cause.Initiator == CloseInitiator.ProtocolFault)
        {
            if (logger.IsEnabled(LogLevel.Debug)) Log.ProtocolFault(logger, peer.RemoteEndPoint, (int)cause.Status, cause.Fault.Text());
        }
        else if (cause.Initiator == CloseInitiator.Overflow)
        {
            if (!_overflows.TryPass(out int suppressed)) return;
            if (suppressed != 0) Log.Suppressed(logger, suppressed);
            Log.Overflow(logger, peer.RemoteEndPoint);
        }
        else if (logger.IsEnabled(LogLevel.Debug))
        {
            Log.Closed(logger, peer.RemoteEndPoint, cause.Initiator, (int)cause.Status);
        }
    }
}
