using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Tandem.AspNetCore.Middleware;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Routes;

/// <summary>
/// A mapped route: its endpoint serves what reaches Kestrel (TLS, HTTP/2, another system, a handshake behind another request), with the handler that
/// serves the event loops. As metadata it tells <see cref="LoopRoutes"/> which endpoints are routes.
/// </summary>
internal sealed class TandemRoute
{
    private readonly WebSocketRouteHost _host;
    private readonly WebSocketTelemetry _telemetry;

    public TandemRoute(WebSocketRoute route, WebSocketServerOptions options, TandemConnections connections)
    {
        Route = route;
        _host = new WebSocketRouteHost(route, options);
        connections.Add(_host);
        _telemetry = options.Telemetry;
        Serve = ServeAsync;
    }

    public WebSocketRoute Route { get; }

    /// <summary>The endpoint: one delegate, by which it is seen whether another has been put around it.</summary>
    public RequestDelegate Serve { get; }

    /// <summary>Closes every connection with 1001.</summary>
    public Task StopAsync() => _host.StopAsync();

    private async Task ServeAsync(HttpContext context)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        IHttpExtendedConnectFeature? connect = context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } extended ? extended : null;
        HandshakeRefusal refusal = JudgeRequest(context, upgrade, connect);
        if (refusal != HandshakeRefusal.None)
        {
            _telemetry.RecordRefused(refusal);
            await RefusalAnswer.WriteAsync(context, refusal).ConfigureAwait(false);
            return;
        }

        UpgradeResult result;
        try
        {
            result = await _host.UpgradeAsync(
                context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, Fields(context.Request), RemoteEndPoint(context.Connection),
                extendedConnect: connect is not null, context.RequestAborted, context.User).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return; // the client has gone while the decision was deferred
        }

        foreach ((string name, string value) in result.Headers) context.Response.Headers.Append(name, value);
        if (!result.IsAccepted)
        {
            await RefusalAnswer.WriteAsync(context, result.StatusCode, result.Body).ConfigureAwait(false);
            return;
        }

        AcceptedAnswer.Prepare(context, isUpgrade: connect is null, result.Subprotocol, result.Extensions);
        HttpTransportStream transport = await AcceptedAnswer.SendAsync(context, upgrade, connect).ConfigureAwait(false);
        CloseCause end = await _host.RunAsync(transport, result).ConfigureAwait(false);
        transport.Detach();
        // RFC 8441 section 5: an end in order is the end of the stream, any other one a reset; over HTTP/1.1 they are TCP's.
        if (end is { Status: CloseCause.Abnormal, Initiator: not CloseInitiator.TransportEnd }) context.Abort();
    }

    // What is not of the protocol but of the way that the request came by; the rest is the host's.
    private static HandshakeRefusal JudgeRequest(HttpContext context, IHttpUpgradeFeature? upgrade, IHttpExtendedConnectFeature? connect)
    {
        if (connect is not null) return HandshakeKind.IsWebSocket(connect) ? HandshakeRefusal.None : HandshakeRefusal.NotAnUpgrade;
        if (!HandshakeKind.IsWebSocket(context.Request.Headers.Upgrade)) return HandshakeRefusal.NotAnUpgrade;
        if (!HttpMethods.IsGet(context.Request.Method)) return HandshakeRefusal.MethodNotGet;
        if (!HttpProtocol.IsHttp11(context.Request.Protocol)) return HandshakeRefusal.HttpVersionNot11;
        if (upgrade is { IsUpgradableRequest: true }) return HandshakeRefusal.None;
        // The server takes it for no upgrade: most likely the protocol's rules say why.
        return context.Request.ContentLength > 0 || context.Request.Headers.TransferEncoding.Count > 0 ? HandshakeRefusal.UnexpectedBody : HandshakeRefusal.ConnectionNotUpgrade;
    }

    private static IPEndPoint? RemoteEndPoint(ConnectionInfo connection) =>
        connection.RemoteIpAddress is { } address ? new IPEndPoint(address, connection.RemotePort) : null;

    private static IEnumerable<KeyValuePair<string, string>> Fields(HttpRequest request)
    {
        yield return new("Host", RequestHead.Authority(request));
        foreach ((string name, StringValues lines) in request.Headers)
        {
            if (name.Equals("Host", StringComparison.OrdinalIgnoreCase)) continue;
            foreach (string? line in lines) yield return new(name, line ?? "");
        }
    }
}
