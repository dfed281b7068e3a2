using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tandem.AspNetCore.Tests.Middleware;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.AspNetCore.Tests.Routes;

/// <summary>
/// What is asked for at an endpoint holds for its WebSockets, whoever serves: the loops leave alone what they could not obey. Whether middleware
/// has seen a handshake tells who has served it.
/// </summary>
public sealed class ConventionTests
{
    private readonly TestHandler _handler = TestHandler.Echo();
    private int _seen;

    [Theory]
    [InlineData("nothing", false)]
    [InlineData("description", false)]
    [InlineData("anonymous", false)]
    [InlineData("authorization", true)]
    [InlineData("host", true)]
    [InlineData("cors", true)]
    [InlineData("unknown", true)]
    [InlineData("filter", true)]
    [InlineData("delegate", true)]
    public async Task A_route_is_the_loops_when_nothing_is_asked_for(string what, bool kestrels)
    {
        await using TestApp app = await StartAsync(application =>
        {
            IEndpointConventionBuilder route = application.MapTandem("/ws", _handler);
            _ = what switch
            {
                "description" => route.WithName("chat").WithDisplayName("Chat").WithTags("a", "b").WithSummary("s").WithDescription("d").WithGroupName("g"),
                "anonymous" => route.AllowAnonymous(),
                "authorization" => route.RequireAuthorization(policy => policy.RequireAssertion(_ => true)),
                "host" => route.RequireHost("127.0.0.1"),
                "cors" => route.RequireCors(policy => policy.AllowAnyOrigin()),
                "unknown" => route.WithMetadata(new object()),
                "filter" => route.AddEndpointFilter<IEndpointConventionBuilder, PassingFilter>(),
                "delegate" => Wrapped(route),
                _ => route,
            };
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Text, "hello"u8.ToArray());
        Assert.Equal(kestrels ? 1 : 0, _seen);
    }

    [Theory]
    [InlineData(Way.Loop)]
    [InlineData(Way.Tls)]
    [InlineData(Way.H2)]
    public async Task RequireAuthorization_is_obeyed_and_the_handler_knows_the_user(Way way)
    {
        _handler.Upgrade = (in _, context) => context.State = context.User?.Identity?.Name;
        await using TestApp app = await StartAsync(application => application.MapTandem("/ws", _handler).RequireAuthorization(), way: way);
        Assert.Equal(HttpStatusCode.Unauthorized, await app.RefusedAsync());
        Assert.Empty(_handler.Opened);
        using ClientWebSocket client = await app.ConnectAsync(options => options.SetRequestHeader("X-User", "alice"));
        await client.RoundTrip(WebSocketMessageType.Text, "hello"u8.ToArray());
        Assert.Equal("alice", _handler.Peer.State);
    }

    [Fact]
    public async Task A_group_asks_for_its_routes_too()
    {
        await using TestApp app = await StartAsync(application => application.MapGroup("").RequireAuthorization().MapTandem("/ws", _handler));
        Assert.Equal(HttpStatusCode.Unauthorized, await app.RefusedAsync());
    }

    [Fact]
    public async Task A_route_of_a_group_has_its_prefix()
    {
        await using TestApp app = await StartAsync(application =>
        {
            application.MapGroup("/a").MapTandem("/ws", _handler);
            application.MapGroup("/b").MapTandem("/ws", _handler);
        });
        foreach (string path in (string[])["/a/ws", "/b/ws"])
        {
            using ClientWebSocket client = await app.ConnectAsync(path: path);
            await client.RoundTrip(WebSocketMessageType.Text, "hello"u8.ToArray());
        }

        Assert.Equal(HttpStatusCode.NotFound, await app.RefusedAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_fallback_policy_holds_where_anonymous_is_not_allowed(bool anonymous)
    {
        await using TestApp app = await StartAsync(
            application =>
            {
                IEndpointConventionBuilder route = application.MapTandem("/ws", _handler);
                if (anonymous) route.AllowAnonymous();
            },
            services => services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build()));
        if (anonymous) (await app.ConnectAsync()).Dispose();
        else Assert.Equal(HttpStatusCode.Unauthorized, await app.RefusedAsync());
        Assert.Equal(anonymous ? 0 : 1, _seen);
    }

    [Fact]
    public async Task A_path_is_mapped_once()
    {
        await using TestApp app = await StartAsync(application =>
        {
            application.MapTandem("/ws", _handler);
            Assert.Throws<InvalidOperationException>(() => application.MapTandem("/ws", _handler));
        });
    }

    [Theory]
    [InlineData(Way.Tls)]
    [InlineData(Way.H2c)]
    [InlineData(Way.WithoutListener)]
    public async Task A_plain_request_to_a_route_is_told_to_upgrade(Way way)
    {
        await using TestApp app = await way.StartAsync(_handler);
        using HttpResponseMessage answer = await app.GetAsync();
        Assert.Equal(HttpStatusCode.UpgradeRequired, answer.StatusCode);
        Assert.Equal(["13"], answer.Headers.GetValues("Sec-WebSocket-Version"));
    }

    [Fact]
    public async Task RFC8441_4_another_protocol_is_not_a_WebSocket()
    {
        await using TestApp app = await Way.H2c.StartAsync(_handler);
        using HttpResponseMessage answer = await app.ExtendedConnectAsync("webtransport", "Sec-WebSocket-Version: 13");
        Assert.Equal(HttpStatusCode.UpgradeRequired, answer.StatusCode);
        using HttpResponseMessage version = await app.ExtendedConnectAsync("websocket", "Sec-WebSocket-Version: 8");
        Assert.Equal(HttpStatusCode.UpgradeRequired, version.StatusCode);
        // Section 5: these fields have no meaning there, whatever is in them.
        using HttpResponseMessage accepted = await app.ExtendedConnectAsync("websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: none", "Sec-WebSocket-Key: two");
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
    }

    private Task<TestApp> StartAsync(Action<WebApplication> map, Action<IServiceCollection>? services = null, Way way = Way.Loop) => way.StartAsync(
        application =>
        {
            application.Use((context, next) =>
            {
                Interlocked.Increment(ref _seen);
                return next(context);
            });
            application.UseCors();
            application.UseAuthentication();
            application.UseAuthorization();
            map(application);
        },
        _handler,
        services: collection =>
        {
            collection.AddCors();
            collection.AddAuthorization();
            collection.AddAuthentication("header").AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("header", null);
            services?.Invoke(collection);
        });

    private static IEndpointConventionBuilder Wrapped(IEndpointConventionBuilder route)
    {
        route.Add(endpoint =>
        {
            RequestDelegate inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => inner(context);
        });
        return route;
    }

    private sealed class PassingFilter : IEndpointFilter
    {
        public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) => next(context);
    }
}
