using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tandem.AspNetCore;
using Tandem.Server.Sessions;
using Tandem.Sessions;

namespace Tandem.Server.Link;

/// <summary>The server's half of links in an application.</summary>
public static class LinkEndpoints
{
    /// <summary>
    /// Maps everything that links need of a server, as docs/link-protocol.md lays it down: the carriers of their sessions (<c>/link/websocket</c>, <c>open</c>, <c>send</c>,
    /// <c>events</c>, <c>poll</c>, <c>ticket</c>), <c>/link/address</c> and, where the options say so, <c>/link/login/</c>. They have a hub of their own, which ends with the host.
    /// </summary>
    /// <param name="endpoints">The application; its host uses <see cref="AspNetCore.TandemHostingExtensions.UseTandemListener"/>.</param>
    /// <param name="options">Path, bounds, limits. Null: the defaults.</param>
    /// <returns>The hub, for figures; it is disposed with the host.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static SessionHub MapTandemLink(this IEndpointRouteBuilder endpoints, TandemLinkOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        options ??= new TandemLinkOptions();
        LinkTelemetry telemetry = LinkTelemetry.For(endpoints.ServiceProvider.GetService<IMeterFactory>());
        var application = new LinkApplication(options, telemetry);
        Backplane? own = options.Backplane is null ? new InProcessBackplane(timeProvider: options.Sessions.TimeProvider, maxMailboxBytes: options.MaxInboxBytes) : null;
        if (own is not null) endpoints.ServiceProvider.DisposeWithHost(own);
        var hub = new SessionHub(application, options.Sessions, own ?? options.Backplane);
        endpoints.ServiceProvider.DisposeWithHost(hub);
        endpoints.MapTandemSessions(hub, options.ForSessions());
        endpoints.Map($"{options.Path}/address", HttpGate.Before(options.Origins, HttpMethods.Get, withCookies: false, context => WriteAddressAsync(context, options)));
        if (options.Login is not null) new LinkLoginEndpoints(options, telemetry).Map(endpoints, options.Path);
        return hub;
    }

    // The characters of addresses need no escaping.
    private static Task WriteAddressAsync(HttpContext context, TandemLinkOptions options)
    {
        string address = ClientAddress.Of(context, options.KnownProxies) is { } known ? ClientAddress.Plain(known).ToString() : "";
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"address":"{{address}}"}""");
    }
}
