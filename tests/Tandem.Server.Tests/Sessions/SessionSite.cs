using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Server.Tests.Sessions;

/// <summary>An application whose sessions may do everything, on a port that the system chose.</summary>
internal sealed class SessionSite : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SessionSite(WebApplication app, Application application, SessionHub hub) => (_app, Told, Hub) = (app, application, hub);

    public SessionHub Hub { get; }

    public Application Told { get; }

    public int Port => new Uri(_app.Urls.First()).Port;

    public string Origin => Base.GetLeftPart(UriPartial.Authority);

    public Uri Base => new($"{_app.Urls.First()}/session/");

    public Uri WebSocket => new($"ws://127.0.0.1:{Port}/session/websocket");

    public static async Task<SessionSite> StartAsync(
        SessionHubOptions? hubOptions = null,
        TandemSessionsOptions? options = null,
        Func<WebSocketServerOptions, WebSocketServerOptions>? configure = null,
        TopicOptions? topics = null,
        bool onLoops = true,
        bool overTls = false)
    {
        var application = new Application { Topics = topics ?? new TopicOptions() };
        // One address has all the sessions of a test.
        var hub = new SessionHub(application, (hubOptions ?? new SessionHubOptions()) with { MaxSessionsPerOwner = 10_000 });
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (onLoops) builder.WebHost.UseTandemListener(listener => listener.Configure = configure ?? listener.Configure);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (overTls) listen.UseHttps(Certificates.Server);
        }));
        WebApplication app = builder.Build();
        app.MapTandemSessions(hub, options);
        await app.StartAsync();
        return new SessionSite(app, application, hub);
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        await _app.DisposeAsync();
        Assert.Empty(Told.Faults);
    }

    internal sealed class Application : SessionApplication
    {
        public TopicOptions Topics { get; init; } = new();

        public ConcurrentQueue<Session> Opened { get; } = new();

        public ConcurrentQueue<(Session Session, SessionCode Code, string Reason)> Closed { get; } = new();

        public ConcurrentQueue<string> Messages { get; } = new();

        public ConcurrentQueue<Exception> Faults { get; } = new();

        /// <summary>Whether a message is answered with one of the same text.</summary>
        public bool Echoes { get; set; }

        public Func<CarrierContext, SessionCode> Admitted { get; set; } = _ => SessionCode.Ok;

        protected override SessionCode Admit(CarrierContext context) => Admitted(context);

        protected override bool May(Session session, SessionAction action, string name) => true;

        protected override TopicOptions? GetTopic(string name) => Topics;

        protected override void OnOpened(Session session) => Opened.Enqueue(session);

        protected override void OnMessage(Session session, MessageFlags flags, ReadOnlySpan<byte> payload)
        {
            Messages.Enqueue(Encoding.UTF8.GetString(payload));
            if (Echoes) Assert.Equal(SessionSend.Sent, session.Send(payload, flags));
        }

        protected override void OnClosed(Session session, SessionCode code, string reason) => Closed.Enqueue((session, code, reason));

        protected override void OnFault(Session? session, Exception exception) => Faults.Enqueue(exception);
    }
}
