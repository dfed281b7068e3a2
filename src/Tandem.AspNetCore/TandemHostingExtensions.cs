using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tandem.AspNetCore.Routes;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>WebSocket routes on event loops, on the same ports that Kestrel serves.</summary>
public static class TandemHostingExtensions
{
    /// <summary>
    /// Puts event loops in front of Kestrel: they accept, serve the routes of <see cref="MapTandem(IEndpointRouteBuilder, WebSocketRoute)"/>
    /// themselves, and hand every other connection to Kestrel unread. Linux; elsewhere, and without this, Kestrel serves the routes.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="configure">Sets limits and deadlines.</param>
    /// <returns>The host.</returns>
    public static IWebHostBuilder UseTandemListener(this IWebHostBuilder builder, Action<TandemListenerOptions>? configure = null) =>
        builder.ConfigureServices(services =>
        {
            services.AddOptions<TandemListenerOptions>();
            if (configure is not null) services.Configure(configure);
            services.AddSingleton<LoopRoutes>();
            services.AddSingleton<HostResources>();
            services.AddSingleton<IConnectionListenerFactory, TandemListenerFactory>();
        });

    /// <summary>Serves a WebSocket route, with nothing said about it but its path.</summary>
    /// <inheritdoc cref="MapTandem(IEndpointRouteBuilder, WebSocketRoute)"/>
    /// <param name="endpoints">The application.</param>
    /// <param name="path">The path; see <see cref="WebSocketRoute"/>.</param>
    /// <param name="handler">What serves it.</param>
    public static IEndpointConventionBuilder MapTandem(this IEndpointRouteBuilder endpoints, string path, WebSocketHandler handler) =>
        endpoints.MapTandem(new WebSocketRoute(path, handler));

    /// <summary>
    /// Serves a WebSocket route: on the event loops (<see cref="UseTandemListener"/>) where a connection begins with its handshake, in HTTP/1.1
    /// without TLS; everywhere else as an endpoint of ASP.NET Core, by HTTP/1.1 upgrade and the extended CONNECT of RFC 8441. The handler sees no
    /// difference. Before the host starts.
    /// </summary>
    /// <remarks>
    /// The event loops run no middleware. A route that is given metadata for middleware (RequireAuthorization, RequireHost, RequireCors, RequireRateLimiting
    /// and whatever else is more than a description), a filter or the prefix of a group is served by Kestrel alone, and so is, without AllowAnonymous, every route
    /// of an application that has a fallback policy of authorization. docs/aspnetcore.md has the details.
    /// </remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="route">The path and what serves it.</param>
    /// <returns>The endpoint, for its conventions.</returns>
    /// <exception cref="InvalidOperationException">The path has a route already, or <see cref="TandemListenerOptions.Configure"/> has not kept what it must.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or the route gathers whole messages of more than 1 GiB.</exception>
    public static IEndpointConventionBuilder MapTandem(this IEndpointRouteBuilder endpoints, WebSocketRoute route)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(route);
        IServiceProvider services = endpoints.ServiceProvider;
        TandemListenerOptions options = services.GetRequiredService<IOptions<TandemListenerOptions>>().Value;
        if (!options.Mapped.Add((endpoints, route.Path))) throw new InvalidOperationException($"The path {route.Path} has a route already.");
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Tandem.AspNetCore.Routes");
        var mapped = new TandemRoute(route, options.Create([], onUnclaimed: null, logger, services), options.Connections);
        services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(() => _ = StopAsync(mapped, services.GetService<Drain>(), logger));
        return endpoints.Map(route.Path, mapped.Serve).WithMetadata(mapped);
    }

    /// <summary>The WebSockets of an application's routes, to look at.</summary>
    /// <param name="services">The application's services.</param>
    /// <returns>The same for every call.</returns>
    public static TandemConnections GetTandemConnections(this IServiceProvider services) =>
        services.GetRequiredService<IOptions<TandemListenerOptions>>().Value.Connections;

    /// <summary>
    /// Has something disposed of with the host, once, after the host has stopped serving; what was given last goes first. For what is made while an application maps its endpoints, when services
    /// can no longer be added.
    /// </summary>
    /// <param name="services">The application's services; its host uses <see cref="UseTandemListener"/>, otherwise it is disposed of when the application has stopped.</param>
    /// <param name="resource">What is to be disposed of.</param>
    public static void DisposeWithHost(this IServiceProvider services, IAsyncDisposable resource)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(resource);
        if (services.GetService<HostResources>() is { } resources) resources.Add(resource);
        else services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(static resource => _ = ((IAsyncDisposable)resource!).DisposeAsync().AsTask(), resource);
    }

    // Kestrel waits at its end for the requests that it serves, and these would not end by themselves; so they are told when the host begins to
    // stop, but not before the delay is over in which everything is still served.
    private static async Task StopAsync(TandemRoute route, Drain? drain, ILogger logger)
    {
        try
        {
            if (drain is not null) await drain.Over.ConfigureAwait(false);
            await route.StopAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Log.StopFailed(logger, route.Route.Path, exception);
        }
    }
}
