using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore.Middleware;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>Tandem's connection behind ASP.NET Core's own WebSocket API.</summary>
public static class TandemWebSocketsExtensions
{
    /// <summary>
    /// Makes <c>HttpContext.WebSockets.AcceptWebSocketAsync</c> return a <see cref="WebSocketConnection"/>, over HTTP/1.1 and HTTP/2
    /// (RFC 8441), for everything that comes behind it in the pipeline, SignalR included. It takes the place of <c>UseWebSockets</c>;
    /// docs/aspnetcore.md says where the two differ.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <param name="options">Origins, compression, limits and deadlines. Default null: the defaults of <see cref="TandemWebSocketOptions"/>.</param>
    /// <returns>The application.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static IApplicationBuilder UseTandemWebSockets(this IApplicationBuilder app, TandemWebSocketOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        options ??= new TandemWebSocketOptions();
        WebSocketConnectionOptions connectionOptions = options.ToConnectionOptions() with
        {
            Telemetry = WebSocketTelemetry.For(app.ApplicationServices.GetService<IMeterFactory>()),
        };
        ILogger logger = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("Tandem.AspNetCore.WebSockets");
        return app.Use(next => new TandemWebSocketMiddleware(next, options, connectionOptions, logger).InvokeAsync);
    }
}
