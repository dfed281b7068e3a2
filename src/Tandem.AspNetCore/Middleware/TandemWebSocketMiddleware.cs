using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Middleware;

/// <summary>Puts a <see cref="WebSocketHandshake"/> behind <see cref="HttpContext.WebSockets"/> for requests that ask for a WebSocket.</summary>
internal sealed class TandemWebSocketMiddleware(
    RequestDelegate next, TandemWebSocketOptions options, WebSocketConnectionOptions connectionOptions, ILogger logger)
{
    public Task InvokeAsync(HttpContext context)
    {
        IFeatureCollection features = context.Features;
        var upgrade = features.Get<IHttpUpgradeFeature>();
        var connect = features.Get<IHttpExtendedConnectFeature>();
        bool extended = connect is { IsExtendedConnect: true };
        // A feature that is there already is the server's own, or that of UseWebSockets: the first is left to requests that only it can accept,
        // the second gives way. UseWebSockets in turn, as MapHub adds it, leaves alone what it finds.
        bool canTakeOver = extended || upgrade is { IsUpgradableRequest: true };
        if (!canTakeOver && (features.Get<IHttpWebSocketFeature>() is not null || (upgrade is null && connect is null))) return next(context);

        bool asks = extended ? HandshakeKind.IsWebSocket(connect!) : HandshakeKind.IsWebSocket(context.Request.Headers.Upgrade);
        if (asks) return HandleAsync(context, new WebSocketHandshake(context, upgrade, extended ? connect : null, options, connectionOptions));
        features.Set<IHttpWebSocketFeature>(NoHandshake.Instance);
        return next(context);
    }

    private async Task HandleAsync(HttpContext context, WebSocketHandshake handshake)
    {
        HandshakeRefusal refusal = handshake.Refusal;
        if (refusal != HandshakeRefusal.None)
        {
            connectionOptions.Telemetry.RecordRefused(refusal);
            Log.HandshakeRefused(logger, context.Request.Path, refusal.Text());
        }

        if (refusal == HandshakeRefusal.OriginNotAllowed)
        {
            await RefusalAnswer.WriteAsync(context, refusal).ConfigureAwait(false);
            return;
        }

        context.Features.Set<IHttpWebSocketFeature>(handshake);
        using (handshake)
        {
            try
            {
                await next(context).ConfigureAwait(false);
            }
            catch (Exception) when (refusal == HandshakeRefusal.None && !handshake.IsAccepted)
            {
                connectionOptions.Telemetry.RecordRefused(HandshakeRefusal.HandlerFailed);
                throw;
            }
        }

        if (refusal == HandshakeRefusal.None && !handshake.IsAccepted) connectionOptions.Telemetry.RecordRefused(context.Response.StatusCode);
        // Whether there is a WebSocket at this path only the application knows; that it found none in a handshake it says, by custom, with a
        // bare 400. The client is told why.
        if (refusal != HandshakeRefusal.None && context.Response is { StatusCode: StatusCodes.Status400BadRequest, HasStarted: false, ContentLength: null })
        {
            await RefusalAnswer.WriteAsync(context, refusal).ConfigureAwait(false);
        }
    }
}
