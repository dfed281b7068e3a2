using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Browser.Tests.Sessions;

/// <summary>Sessions that a page may open, behind a proxy that can be told what it does not let through, and to cut what it has.</summary>
public sealed class SessionWeb : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<HttpContext, bool> _running;
    private readonly Barrier _barrier;

    private SessionWeb(WebApplication app, SessionHub hub, Application told, ConcurrentDictionary<HttpContext, bool> running, Barrier barrier) =>
        (_app, Hub, Told, _running, _barrier) = (app, hub, told, running, barrier);

    /// <summary>What is not let through.</summary>
    [Flags]
    public enum Ways
    {
        None = 0,

        /// <summary>Handshakes are refused.</summary>
        WebSocket = 1,

        /// <summary>Streams are held back: not even their heads come.</summary>
        Streaming = 2,

        /// <summary>Requests that are not answered at once are answered with 504.</summary>
        LongPolling = 4,

        /// <summary>Nothing at all gets through.</summary>
        All = 8,
    }

    public SessionHub Hub { get; }

    public Application Told { get; }

    public string Address => _app.Urls.First();

    public static async Task<SessionWeb> StartAsync(SessionHubOptions? hubOptions = null, TandemSessionsOptions? options = null, TopicOptions? topics = null)
    {
        var application = new Application(topics ?? new TopicOptions());
        var hub = new SessionHub(application, hubOptions);
        var running = new ConcurrentDictionary<HttpContext, bool>();
        var barrier = new Barrier();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.UseWebSockets();
        app.Use(async (context, next) =>
        {
            if (context.Request.Path.StartsWithSegments("/session", StringComparison.Ordinal)) running[context] = true;
            try
            {
                if (await barrier.PassesAsync(context)) await next(context);
            }
            finally
            {
                running.TryRemove(context, out _);
            }
        });
        app.MapTandemSessions(hub, options);
        app.MapGet("/", (HttpContext context) =>
        {
            context.Response.Cookies.Append("login", "ada");
            return Results.Content("<!doctype html><title>Sessions</title>", "text/html");
        });
        app.MapGet("/session.js", () => Results.File(Repository.SessionScript, "text/javascript"));
        await app.StartAsync();
        return new SessionWeb(app, hub, application, running, barrier);
    }

    /// <summary>From now on these do not get through, and all that there is is cut, wherever it is.</summary>
    public void BlockAndCut(Ways blocked)
    {
        _barrier.Blocked = blocked;
        foreach (HttpContext context in _running.Keys) context.Abort();
    }

    /// <summary>From now on only these do not get through.</summary>
    public void Block(Ways blocked) => _barrier.Blocked = blocked;

    /// <summary>Publishes numbers from 0 on until it is told to stop.</summary>
    /// <returns>How many.</returns>
    public async Task<int> PublishNumbersAsync(string topic, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        int count = 0;
        while (!stop.IsCancellationRequested)
        {
            byte[] number = System.Text.Encoding.ASCII.GetBytes(count.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(SessionCode.Ok, await Hub.PublishAsync(topic, number, MessageFlags.Text));
            count++;
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }

        return count;
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        await _app.DisposeAsync();
        Assert.Empty(Told.Faults);
    }

    private sealed class Barrier
    {
        private volatile Ways _blocked;

        public Ways Blocked { set => _blocked = value; }

        public async Task<bool> PassesAsync(HttpContext context)
        {
            Ways blocked = _blocked;
            string path = context.Request.Path.Value!;
            if (blocked.HasFlag(Ways.All) && path.StartsWith("/session/", StringComparison.Ordinal))
            {
                context.Abort();
                return false;
            }

            if (blocked.HasFlag(Ways.WebSocket) && path == "/session/websocket") return Refuse(context, StatusCodes.Status403Forbidden);
            if (blocked.HasFlag(Ways.LongPolling) && context.Request.Headers.ContainsKey("Tandem-Wait")) return Refuse(context, StatusCodes.Status504GatewayTimeout);
            if (!blocked.HasFlag(Ways.Streaming) || path != "/session/events") return true;
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return false;
        }

        private static bool Refuse(HttpContext context, int status)
        {
            context.Response.StatusCode = status;
            return false;
        }
    }

    public sealed class Application(TopicOptions topics) : SessionApplication
    {
        public ConcurrentQueue<SessionCode> Closed { get; } = new();

        public ConcurrentQueue<Exception> Faults { get; } = new();

        protected override bool May(Session session, SessionAction action, string name) => true;

        protected override TopicOptions? GetTopic(string name) => topics;

        protected override void OnClosed(Session session, SessionCode code, string reason) => Closed.Enqueue(code);

        protected override void OnFault(Session? session, Exception exception) => Faults.Enqueue(exception);
    }
}
