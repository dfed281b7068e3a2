using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Tandem.AspNetCore.Middleware;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>WebSocket routes on event loops, on the same ports that Kestrel serves.</summary>
public static class TandemHostingExtensions
{
    /// <summary>
    /// Puts event loops in front of Kestrel: they accept, serve the routes of <see cref="MapTandem"/> themselves, and hand every other
    /// connection to Kestrel unread. Linux; elsewhere it changes nothing.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="configure">Sets limits and deadlines.</param>
    /// <returns>The host.</returns>
    public static IWebHostBuilder UseTandemListener(this IWebHostBuilder builder, Action<TandemListenerOptions>? configure = null) =>
        builder.ConfigureServices(services =>
        {
            services.AddOptions<TandemListenerOptions>();
            if (configure is not null) services.Configure(configure);
            services.AddSingleton<IConnectionListenerFactory, TandemListenerFactory>();
        });

    /// <summary>
    /// Serves a WebSocket route on the event loops. Before the host starts. Requests for its path that are no WebSocket handshakes, or that
    /// reach Kestrel because they come over TLS or HTTP/2 or behind another request on the same connection, are answered with 426.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="route">The path and what serves it.</param>
    /// <returns>The endpoint that answers everything else at that path.</returns>
    /// <exception cref="InvalidOperationException">The path has a route already.</exception>
    public static IEndpointConventionBuilder MapTandem(this IEndpointRouteBuilder endpoints, WebSocketRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        List<WebSocketRoute> routes = endpoints.ServiceProvider.GetRequiredService<IOptions<TandemListenerOptions>>().Value.Routes;
        if (routes.Any(other => other.Path == route.Path)) throw new InvalidOperationException($"The path {route.Path} has a route already.");
        routes.Add(route);
        return endpoints.Map(route.Path, RefuseAsync);
    }

    private static Task RefuseAsync(HttpContext context)
    {
        string? why = AsksForUpgrade(context)
            ? "here a WebSocket needs a connection of its own, whose first request is the handshake, in HTTP/1.1 without TLS"
            : null;
        return RefusalAnswer.WriteAsync(context, HandshakeRefusal.NotAnUpgrade, why);
    }

    private static bool AsksForUpgrade(HttpContext context) =>
        context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
        || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };
}
