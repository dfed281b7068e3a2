using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests;

/// <summary>An application with an echo on the event loop at /echo and pages on Kestrel, on one port that the system chose.</summary>
internal sealed class OnePort : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OnePort(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    public Uri Http(string path) => new($"http://127.0.0.1:{Port}{path}");

    public Uri WebSocket(string path) => new($"ws://127.0.0.1:{Port}{path}");

    /// <summary>Where it listens, as Kestrel tells it.</summary>
    public ICollection<string> Urls => _app.Urls;

    public static Task<OnePort> StartAsync(int port = 0, Func<WebSocketServerOptions, WebSocketServerOptions>? configure = null) =>
        StartAsync(builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port)), configure);

    /// <summary>The same application on other endpoints, or with more in it.</summary>
    public static async Task<OnePort> StartAsync(
        Action<WebApplicationBuilder> build,
        Func<WebSocketServerOptions, WebSocketServerOptions>? configure = null,
        Action<WebApplication>? map = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseTandemListener(options =>
        {
            if (configure is not null) options.Configure = configure;
        });
        build(builder);
        WebApplication app = builder.Build();
        map?.Invoke(app);
        app.MapTandem(new WebSocketRoute("/echo", new EchoHandler()));
        app.MapGet("/page", () => "a page");
        app.MapGet("/protocol", (HttpRequest request) => request.Protocol);
        app.MapPost("/length", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            return body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        });
        var host = new OnePort(app);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }

        return host;
    }

    /// <summary>What SIGTERM does first; <see cref="StopAsync"/> is what a host does next.</summary>
    public void Signal() => _app.Lifetime.StopApplication();

    public Task StopAsync() => _app.StopAsync();

    public async Task<NetworkStream> DialAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Port);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    /// <summary>Reads until the text is there, or the end.</summary>
    public static async Task<string> ReadUntilAsync(Stream stream, string text)
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        var read = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (!read.ToString().Contains(text, StringComparison.Ordinal))
        {
            int count = await stream.ReadAsync(buffer, deadline.Token);
            if (count == 0) break;
            read.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return read.ToString();
    }

    public sealed class EchoHandler : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);
    }
}
