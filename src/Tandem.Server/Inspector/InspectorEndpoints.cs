using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tandem.AspNetCore;

namespace Tandem.Server.Inspector;

/// <summary>A page on which who runs a server sees what is going on in it.</summary>
public static class InspectorEndpoints
{
    /// <summary>
    /// Maps the inspector: the page at <c>/inspect</c>, what it is told (<c>feed</c>, server-sent events, once a second and only while somebody looks), and what it may ask
    /// for: <c>close</c> a connection, and <c>token</c>, to come in. Without a token it is there for requests that come directly from this machine, and 404 for all others;
    /// with one it is there for who knows it, and 403 for all others, behind a page that asks for it. docs/serving.md has the details.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="options">Page, path, sessions, token.</param>
    /// <returns>The endpoints, for their conventions, such as an authorization policy besides.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static IEndpointConventionBuilder MapTandemInspector(this IEndpointRouteBuilder endpoints, TandemInspectorOptions options)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        IServiceProvider services = endpoints.ServiceProvider;
        var lifetime = services.GetRequiredService<IHostApplicationLifetime>();
        var figures = new InspectorFigures(services.GetService<IMeterFactory>());
        lifetime.ApplicationStopped.Register(figures.Dispose);
        var inspector = new InspectorHandler(options, services.GetTandemConnections(), figures, lifetime.ApplicationStopping);
        RouteGroupBuilder group = endpoints.MapGroup(options.Path);
        group.MapGet("", (RequestDelegate)inspector.PageAsync);
        group.MapGet("feed", (RequestDelegate)inspector.FeedAsync);
        group.MapPost("close", (RequestDelegate)inspector.CloseAsync);
        group.MapPost("token", (RequestDelegate)inspector.EnterAsync);
        return group;
    }
}
