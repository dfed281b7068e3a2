using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Routes;

/// <summary>
/// Which routes the event loops may serve. They run none of the application's middleware, so a route whose endpoint asks for anything that is
/// middleware's, such as authorization, is left to Kestrel: what was asked for must not depend on who serves. The rule is the short list of what asks
/// for nothing, not a list of what does.
/// </summary>
internal sealed class LoopRoutes(IServiceProvider services, ILoggerFactory loggerFactory)
{
    private readonly ILogger _logger = loggerFactory.CreateLogger("Tandem.AspNetCore.Listener");
    private readonly Lock _gate = new();
    private Task<IReadOnlyList<WebSocketRoute>>? _found;

    /// <summary>The routes. They are looked for once, when the first endpoint is bound: by then the application has mapped what it maps.</summary>
    public Task<IReadOnlyList<WebSocketRoute>> FindAsync()
    {
        lock (_gate) return _found ??= SearchAsync();
    }

    private async Task<IReadOnlyList<WebSocketRoute>> SearchAsync()
    {
        // An application without routing has no routes.
        IReadOnlyList<Endpoint> endpoints = services.GetService<EndpointDataSource>()?.Endpoints ?? [];
        AuthorizationPolicy? fallback = services.GetService<IAuthorizationPolicyProvider>() is { } policies
            ? await policies.GetFallbackPolicyAsync().ConfigureAwait(false)
            : null;
        var found = new List<WebSocketRoute>();
        foreach (Endpoint endpoint in endpoints)
        {
            if (endpoint.Metadata.GetMetadata<TandemRoute>() is not { } route) continue;
            if (WhyNot((RouteEndpoint)endpoint, route, fallback) is { } reason) Log.RouteLeftToKestrel(_logger, endpoint.DisplayName, reason);
            else found.Add(route.Route);
        }

        return found;
    }

    private static string? WhyNot(RouteEndpoint endpoint, TandemRoute route, AuthorizationPolicy? fallback)
    {
        // The loops compare bytes: a prefix of a group is not in the route's path, and a parameter in it would be taken as it is spelled.
        if (endpoint.RoutePattern.RawText != route.Route.Path || endpoint.RoutePattern.Parameters.Count != 0) return "its path is not the one that it was made with";
        if (endpoint.RequestDelegate != route.Serve) return "a filter or another delegate is around it";
        foreach (object item in endpoint.Metadata)
        {
            if (!AsksForNothing(item)) return $"it has the metadata {item.GetType().Name}";
        }

        return fallback is not null && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null ? "the application has a fallback policy of authorization" : null;
    }

    // What describes an endpoint, and is made by the framework: something of the application's own may be more than it says. AllowAnonymous asks
    // for nothing on its own; what it takes back is still there when it does.
    private static bool AsksForNothing(object metadata)
    {
        if (metadata is TandemRoute or MethodInfo) return true;
        Type type = metadata.GetType();
        if (type.Namespace is "System.Runtime.CompilerServices" or "System.Diagnostics") return true; // the compiler's, on the delegate's method
        return type.Assembly.GetName().Name!.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal)
            && metadata is IAllowAnonymous or IRouteDiagnosticsMetadata or IRouteNameMetadata or IEndpointNameMetadata or ITagsMetadata
                or IEndpointSummaryMetadata or IEndpointDescriptionMetadata or IEndpointGroupNameMetadata or IExcludeFromDescriptionMetadata;
    }
}
