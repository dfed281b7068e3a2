using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tandem.AspNetCore.Tests.Middleware;
using Tandem.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.AspNetCore.Tests.Routes;

/// <summary>By whom a route is served, and how clients reach it there.</summary>
public enum Way
{
    /// <summary>The event loop.</summary>
    Loop,

    /// <summary>Kestrel behind the event loops: HTTP/1.1 over TLS.</summary>
    Tls,

    /// <summary>HTTP/2 without TLS.</summary>
    H2c,

    /// <summary>HTTP/2 over TLS.</summary>
    H2,

    /// <summary>Kestrel with its own transport, as on a system without epoll: HTTP/1.1 without TLS.</summary>
    WithoutListener,
}

/// <summary>Applications whose route is served in each of the ways.</summary>
internal static class RouteApp
{
    /// <summary>Every way, for tests that must see no difference.</summary>
    public static TheoryData<Way> Ways => [.. Enum.GetValues<Way>()];

    public static Task<TestApp> StartAsync(this Way way, TestHandler handler, params string[] subprotocols) =>
        way.StartAsync(app => app.MapTandem(new WebSocketRoute("/ws", handler) { Subprotocols = subprotocols }), handler);

    public static Task<TestApp> StartAsync(
        this Way way, Action<WebApplication> map, TestHandler handler, Func<WebSocketServerOptions, WebSocketServerOptions>? configure = null,
        Action<IServiceCollection>? services = null)
    {
        Door door = way switch { Way.Tls => Door.Http1Tls, Way.H2c => Door.H2c, Way.H2 => Door.H2, _ => Door.Http1 };
        return TestApp.StartAsync(door, endpoint: null, map, builder =>
        {
            void Configure(TandemListenerOptions options) =>
                options.Configure = template => (configure?.Invoke(template) ?? template) with { OnError = handler.Error };
            if (way == Way.WithoutListener) builder.Services.Configure<TandemListenerOptions>(Configure);
            else builder.WebHost.UseTandemListener(Configure);
            services?.Invoke(builder.Services);
        });
    }
}
