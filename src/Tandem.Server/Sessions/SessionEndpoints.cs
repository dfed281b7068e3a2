using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tandem.AspNetCore;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Server.Sessions;

/// <summary>The carriers of sessions in an application.</summary>
public static class SessionEndpoints
{
    /// <summary>
    /// Maps the carriers of a hub's sessions, as docs/session-protocol.md lays them down: WebSockets at <c>/session/websocket</c>, on the event
    /// loops where there are any, and <c>/session/open</c>, <c>send</c>, <c>events</c>, <c>poll</c> and <c>ticket</c> over HTTP. A session may change between
    /// them at any time.
    /// </summary>
    /// <param name="endpoints">The application; its host uses <see cref="TandemHostingExtensions.UseTandemListener"/>.</param>
    /// <param name="hub">Where the sessions are. It is not disposed with the application.</param>
    /// <param name="options">Path, origins, authentication. Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static void MapTandemSessions(this IEndpointRouteBuilder endpoints, SessionHub hub, TandemSessionsOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(hub);
        options ??= new TandemSessionsOptions();
        options.Validate();
        var sockets = new WebSocketSessionHandler(hub, options);
        endpoints.ServiceProvider.DisposeWithHost(sockets);
        endpoints.MapTandem(new WebSocketRoute($"{options.Path}/websocket", sockets)
        {
            Subprotocols = [ProtocolLimits.Subprotocol],
            Origins = options.Origins,
            MaxMessageSize = hub.Options.MaxFrameBytes,
        });
        var http = new HttpSessionEndpoints(hub, options, sockets);
        Map("open", HttpMethods.Post, http.OpenAsync);
        Map("send", HttpMethods.Post, http.SendAsync);
        Map("events", HttpMethods.Get, http.EventsAsync);
        Map("poll", HttpMethods.Post, http.PollAsync);
        Map("ticket", HttpMethods.Post, http.TicketAsync, withCookies: true);

        void Map(string name, string method, Func<HttpContext, Task> serve, bool withCookies = false) =>
            endpoints.Map($"{options.Path}/{name}", HttpGate.Before(options.Origins, method, withCookies, serve));
    }
}
