using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Link;
using Tandem.Sessions;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Server.Tests.Link;

/// <summary>An application with links and nothing else, on a port that the system chose, whose log a test reads.</summary>
internal sealed class LinkSite : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Recorder _log;

    private LinkSite(WebApplication app, SessionHub hub, Metrics metrics, Recorder log) => (_app, Hub, Metrics, _log) = (app, hub, metrics, log);

    public SessionHub Hub { get; }

    public Metrics Metrics { get; }

    public Uri Origin => new($"http://127.0.0.1:{new Uri(_app.Urls.First()).Port}/");

    public Uri Base => new(Origin, "link/");

    /// <summary>All that was logged, of every level.</summary>
    public string Logged => string.Join('\n', _log.Lines);

    public static async Task<LinkSite> StartAsync(TandemLinkOptions? options = null, Action<WebApplicationBuilder>? build = null, Action<WebApplication>? map = null)
    {
        var log = new Recorder();
        var metrics = new Metrics();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<IMeterFactory>(metrics);
        builder.WebHost.UseTandemListener();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        build?.Invoke(builder);
        WebApplication app = builder.Build();
        map?.Invoke(app);
        SessionHub hub = app.MapTandemLink(options);
        await app.StartAsync();
        return new LinkSite(app, hub, metrics, log);
    }

    /// <summary>16 random bytes as they stand in names.</summary>
    public static string NewId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));

    /// <summary>A session over a WebSocket.</summary>
    public async Task<LinkEnd> ConnectAsync(string? forwardedFor = null)
    {
        var connection = new WebSocketClientOptions();
        if (forwardedFor is not null) connection = connection with { Headers = [new("X-Forwarded-For", forwardedFor)] };
        var session = new WebSocketSession(new UriBuilder(new Uri(Base, "websocket")) { Scheme = "ws" }.Uri, new WebSocketSessionOptions { Connection = connection });
        await session.ConnectAsync().InTime();
        return new LinkEnd(session);
    }

    /// <summary>Nobody is there any more.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Metrics.Dispose();
    }

    private sealed class Recorder : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}

/// <summary>What a computer or a phone does with the server: its session, and what came of it.</summary>
internal sealed class LinkEnd : IAsyncDisposable
{
    private readonly Task _reading;

    public LinkEnd(WebSocketSession session)
    {
        Session = session;
        _reading = ReadAsync();
    }

    public WebSocketSession Session { get; }

    public ConcurrentQueue<MailboxDelivery> Deliveries { get; } = new();

    public ConcurrentQueue<(string Mailbox, SessionCode Code)> Ended { get; } = new();

    public Task<SessionCode> OpenAsync(string mailbox) => Session.OpenMailboxAsync(mailbox).InTime();

    public Task<SessionCode> SendAsync(string mailbox, params byte[] payload) => Session.SendToMailboxAsync(mailbox, payload).InTime();

    public async Task<byte[]> NextAsync()
    {
        MailboxDelivery? delivery = null;
        await Eventually.True(() => Deliveries.TryDequeue(out delivery), "a delivery");
        return delivery!.Payload.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        await _reading.InTime();
    }

    private async Task ReadAsync()
    {
        await foreach (SessionNotice notice in Session.ReadAllAsync())
        {
            if (notice is MailboxDelivery delivery)
            {
                Deliveries.Enqueue(delivery);
                Session.Settle(delivery);
            }
            else if (notice is MailboxEnded ended)
            {
                Ended.Enqueue((ended.Mailbox, ended.Code));
            }
        }
    }
}
