using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Inspector;
using Tandem.Server.Link;
using Tandem.Server.Sessions;
using Tandem.Server.Tests.Sessions;
using Tandem.Sessions;
using Tandem.WebSockets;

namespace Tandem.Server.Tests.Inspector;

/// <summary>An application with sessions, a route that floods who asks for it, and an inspector.</summary>
internal sealed class InspectorSite : IAsyncDisposable
{
    /// <summary>A field in which a test says where a request comes from, as a proxy's middleware would have it.</summary>
    public const string From = "Test-From";

    private readonly WebApplication _app;
    private readonly TemporaryDirectory _files;

    private InspectorSite(WebApplication app, TemporaryDirectory files, SessionHub hub)
    {
        (_app, _files, Hub) = (app, files, hub);
        Http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new Uri($"http://127.0.0.1:{Port}"), Timeout = Eventually.Deadline };
    }

    public HttpClient Http { get; }

    public SessionHub Hub { get; }

    public int Port => new Uri(_app.Urls.First()).Port;

    public static async Task<InspectorSite> StartAsync(string? token = null, bool onLoops = true, int maxRows = 200, int maxViewers = 8)
    {
        var files = new TemporaryDirectory();
        files.File("inspect.html", "<p>the page</p>");
        var hub = new SessionHub(new SessionSite.Application());
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (onLoops) builder.WebHost.UseTandemListener();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.Use((context, next) =>
        {
            if (context.Request.Headers[From].ToString() is { Length: > 0 } from) context.Connection.RemoteIpAddress = IPAddress.Parse(from);
            return next(context);
        });
        app.MapTandemSessions(hub);
        app.MapTandem("/flood", new Flood());
        using var provider = new PhysicalFileProvider(files.Path);
        try
        {
            app.MapTandemInspector(new TandemInspectorOptions
            {
                Page = provider.GetFileInfo("inspect.html"), Sessions = hub, Links = app.MapTandemLink(), Token = token, MaxRows = maxRows, MaxViewers = maxViewers,
            });
        }
        catch
        {
            await hub.DisposeAsync();
            await app.DisposeAsync();
            files.Dispose();
            throw;
        }

        await app.StartAsync();
        return new InspectorSite(app, files, hub);
    }

    /// <summary>A connection, which is flooded and does not read when it stalls.</summary>
    public async Task<RawClient> ConnectAsync(bool stalls = false)
    {
        RawClient client = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, Port), receiveBuffer: 32 * 1024);
        await client.Upgrade("/flood");
        if (stalls) await client.Send(Wire.Text("go"));
        return client;
    }

    /// <summary>Sends a request with fields of the form <c>Name: value</c>.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body = null, params string[] fields)
    {
        var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        foreach (string field in fields)
        {
            string[] parts = field.Split(": ", 2);
            request.Headers.TryAddWithoutValidation(parts[0], parts[1]);
        }

        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async Task<int> StatusAsync(HttpMethod method, string path, string? body = null, params string[] fields)
    {
        using HttpResponseMessage response = await SendAsync(method, path, body, fields);
        return (int)response.StatusCode;
    }

    /// <summary>Looks until a report is what is expected.</summary>
    public async Task<JsonElement> ReportAsync(Func<JsonElement, bool> expected, string path = "/inspect/feed", params string[] fields)
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path, null, fields);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(deadline.Token));
        string last = "";
        try
        {
            while (await reader.ReadLineAsync(deadline.Token) is { } line)
            {
                if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
                last = line;
                JsonElement report = JsonElement.Parse(line[6..]);
                if (expected(report)) return report;
            }
        }
        catch (OperationCanceledException)
        {
        }

        Assert.Fail($"Not in time; the last report is {last}");
        return default;
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Hub.DisposeAsync();
        await _app.DisposeAsync();
        _files.Dispose();
    }

    private sealed class Flood : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
        {
            // Some megabytes more than the buffers of the kernel and of Kestrel hold.
            for (int i = 0; i < 100; i++) peer.Send(WebSocketMessageType.Binary, new byte[100_000]);
        }
    }
}
