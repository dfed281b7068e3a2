using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>How the event loops behind Kestrel's endpoints are set up.</summary>
public sealed class TandemListenerOptions
{
    /// <summary>
    /// Makes the options of the server behind one endpoint. It is given the endpoint and what must be kept (where to listen, who takes
    /// over what is no WebSocket, where errors, log events and metrics go) as a template; limits and deadlines are free. It is asked once more for
    /// every route, for those of its connections that Kestrel has accepted: then EndPoints is empty, and Loops, Backlog and MaxConnectionsPerAddress
    /// have no meaning. Default: the template as it is.
    /// </summary>
    public Func<WebSocketServerOptions, WebSocketServerOptions> Configure { get; set; } = template => template;

    /// <summary>What has been mapped, and on what: a path may be there once in the application, and once more in each group.</summary>
    internal HashSet<(IEndpointRouteBuilder On, string Path)> Mapped { get; } = [];

    /// <summary>Here because the options are there with and without the listener, once in an application.</summary>
    internal TandemConnections Connections { get; } = new();

    /// <exception cref="InvalidOperationException">Something of the template has not been kept.</exception>
    internal WebSocketServerOptions Create(IReadOnlyList<IPEndPoint> endPoints, Action<Socket>? onUnclaimed, ILogger logger, IServiceProvider services)
    {
        var log = new ServerLog(logger, TimeProvider.System);
        var template = new WebSocketServerOptions
        {
            EndPoints = endPoints,
            OnUnclaimed = onUnclaimed,
            OnError = (_, exception) => log.Error(exception),
            OnRefused = log.Refused,
            OnClosed = log.Closed,
            Telemetry = WebSocketTelemetry.For(services.GetService<IMeterFactory>()),
        };
        WebSocketServerOptions options = Configure(template);
        if (options.OnUnclaimed == template.OnUnclaimed && options.EndPoints == template.EndPoints) return options;
        throw new InvalidOperationException("TandemListenerOptions.Configure must keep EndPoints and OnUnclaimed of the template.");
    }
}
