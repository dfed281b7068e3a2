using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;

namespace Tandem.Tests.SignalR;

/// <summary>A WebSocket that the application accepted, and what carried it: the connection is that of TCP.</summary>
internal sealed record Accepted(WebSocket Socket, string HttpProtocol, bool IsExtendedConnect, string Connection);

/// <summary>An application with an unmodified SignalR hub at /hub, an echo at /ws and one that never reads at /stalled, behind <c>UseTandemWebSockets</c>.</summary>
internal sealed class HubApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Accepted> _accepted;

    private HubApp(WebApplication app, ConcurrentQueue<Accepted> accepted) => (_app, _accepted) = (app, accepted);

    /// <summary>Where the scripts are.</summary>
    public static string Folder { get; } = Path.Combine(FindRoot(), "tests", "SignalR");

    /// <summary>SignalR's JavaScript client: the sample's, so that there is one lock file.</summary>
    private static readonly string Client = Path.Combine(FindRoot(), "samples", "SignalRChat", "node_modules", "@microsoft", "signalr");

    /// <summary>Whether <c>npm ci</c> has run there.</summary>
    public static bool IsInstalled { get; } = File.Exists(Path.Combine(Client, "package.json"));

    public string Address => _app.Urls.First();

    public IReadOnlyCollection<Accepted> Accepted => _accepted;

    /// <summary>The TCP connection that the page at / was last fetched over.</summary>
    public string? PageConnection { get; private set; }

    public static async Task<HubApp> StartAsync(bool tls)
    {
        var accepted = new ConcurrentQueue<Accepted>();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSignalR(options => options.MaximumReceiveMessageSize = 2 << 20);
        builder.Services.AddSingleton(accepted);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = tls ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (tls) listen.UseHttps(Tandem.Tests.Support.Certificates.Server);
        }));
        WebApplication app = builder.Build();
        app.UseTandemWebSockets();
        app.Use((context, next) =>
        {
            if (context.WebSockets.IsWebSocketRequest) context.Features.Set<IHttpWebSocketFeature>(new AcceptSpy(context, accepted));
            return next(context);
        });
        app.MapHub<TestHub>("/hub");
        app.Map("/ws", EchoAsync);
        app.Map("/stalled", StallAsync);
        HubApp? host = null;
        app.MapGet("/", (HttpContext context) =>
        {
            host!.PageConnection = context.Connection.Id;
            return Results.Content("<!doctype html><title>SignalR</title><script src=/signalr.js></script>", "text/html");
        });
        app.MapGet("/signalr.js", () => Results.File(Path.Combine(Client, "dist", "browser", "signalr.js"), "text/javascript"));
        app.MapGet("/scenario.mjs", () => Results.File(Path.Combine(Folder, "scenario.mjs"), "text/javascript"));
        host = new HubApp(app, accepted);
        await app.StartAsync();
        return host;
    }

    /// <summary>What the scenario reports when everything works.</summary>
    public static void AssertAllSeen(JsonElement seen)
    {
        Assert.Equal("h\u00E9llo", seen.GetProperty("echo").GetString());
        Assert.Equal(7, seen.GetProperty("called").GetInt32());
        Assert.Equal(500_500, seen.GetProperty("streamed").GetInt32());
        Assert.Equal(500_500, seen.GetProperty("uploaded").GetInt32());
        Assert.True(seen.GetProperty("large").GetBoolean());
        Assert.True(seen.GetProperty("reconnected").GetBoolean());
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), default);
            if (received.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }

    private static async Task StallAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run inside the repository.");
    }

    private sealed class AcceptSpy(HttpContext context, ConcurrentQueue<Accepted> accepted) : IHttpWebSocketFeature
    {
        private readonly IHttpWebSocketFeature _inner = context.Features.GetRequiredFeature<IHttpWebSocketFeature>();

        public bool IsWebSocketRequest => true;

        public async Task<WebSocket> AcceptAsync(WebSocketAcceptContext acceptContext)
        {
            WebSocket socket = await _inner.AcceptAsync(acceptContext);
            bool extended = context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };
            accepted.Enqueue(new Accepted(socket, context.Request.Protocol, extended, context.Connection.Id));
            return socket;
        }
    }

    private sealed class TestHub(ConcurrentQueue<Accepted> accepted) : Hub
    {
        public string Echo(string text) => text;

        public Task CallMe(int number) => Clients.Caller.SendAsync("Called", number);

        public async IAsyncEnumerable<int> Count(int upTo, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            for (int n = 1; n <= upTo; n++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return n;
                if (n % 100 == 0) await Task.Yield();
            }
        }

        public async Task<int> Sum(ChannelReader<int> numbers)
        {
            int sum = 0;
            await foreach (int number in numbers.ReadAllAsync()) sum += number;
            return sum;
        }

        /// <summary>The connection breaks, as a network does it.</summary>
        public void Drop() => accepted.Last().Socket.Abort();
    }
}
