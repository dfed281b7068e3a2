using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>Whose middleware an application uses.</summary>
public enum Maker
{
    Framework,
    Tandem,
}

/// <summary>How clients reach an application.</summary>
public enum Door
{
    Http1,
    Http1Tls,

    /// <summary>HTTP/1.1 on a port whose connections event loops accept.</summary>
    Listener,

    /// <summary>HTTP/2 without TLS, with prior knowledge.</summary>
    H2c,
    H2,
}

/// <summary>An application on Kestrel whose only endpoint is the test's, on a port that the system chose.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Door _door;
    private readonly ConcurrentQueue<Exception> _errors = new();
    private readonly SocketsHttpHandler _handler = new()
    {
        SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 found && found.Thumbprint == Certificates.Server.Thumbprint },
    };

    private readonly HttpMessageInvoker _invoker;

    private TestApp(WebApplication app, Door door)
    {
        _app = app;
        _door = door;
        _invoker = new HttpMessageInvoker(_handler);
    }

    public int Port => new Uri(_app.Urls.First()).Port;

    public IPEndPoint EndPoint => new(IPAddress.Loopback, Port);

    public bool IsHttp2 => _door is Door.H2 or Door.H2c;

    /// <summary>What the endpoint threw, in order.</summary>
    public IReadOnlyCollection<Exception> Errors => _errors;

    public Uri Uri(string path = "/ws", string scheme = "ws") => new($"{scheme}{(_door is Door.H2 or Door.Http1Tls ? "s" : "")}://127.0.0.1:{Port}{path}");

    /// <summary>Starts an application with one of the two middlewares in front of an endpoint.</summary>
    public static Task<TestApp> StartAsync(Maker maker, Door door, RequestDelegate endpoint, Action<WebApplication>? before = null) =>
        StartAsync(door, endpoint, app =>
        {
            before?.Invoke(app);
            if (maker == Maker.Tandem) app.UseTandemWebSockets();
            else app.UseWebSockets();
        });

    public static async Task<TestApp> StartAsync(Door door, RequestDelegate? endpoint, Action<WebApplication> configure, Action<WebApplicationBuilder>? services = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        services?.Invoke(builder);
        if (door == Door.Listener) builder.WebHost.UseTandemListener();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = door is Door.H2 or Door.H2c ? HttpProtocols.Http2 : HttpProtocols.Http1;
            if (door is Door.H2 or Door.Http1Tls) listen.UseHttps(Certificates.Server);
        }));
        WebApplication app = builder.Build();
        var host = new TestApp(app, door);
        configure(app);
        if (endpoint is not null) app.Run(async context =>
        {
            try
            {
                await endpoint(context);
            }
            catch (Exception exception)
            {
                host._errors.Enqueue(exception);
                throw;
            }
        });
        await app.StartAsync();
        return host;
    }

    /// <summary>Opens a WebSocket with the client of the base class library.</summary>
    public async Task<ClientWebSocket> ConnectAsync(Action<ClientWebSocketOptions>? configure = null, string path = "/ws")
    {
        var client = new ClientWebSocket();
        try
        {
            await OpenAsync(client, configure, path);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Opens a client that the caller has made, and may look at when it fails.</summary>
    public Task OpenAsync(ClientWebSocket client, Action<ClientWebSocketOptions>? configure = null, string path = "/ws", CancellationToken cancellationToken = default)
    {
        client.Options.HttpVersion = IsHttp2 ? HttpVersion.Version20 : HttpVersion.Version11;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        client.Options.CollectHttpResponseDetails = true;
        configure?.Invoke(client.Options);
        return client.ConnectAsync(Uri(path), _invoker, cancellationToken).InTime();
    }

    /// <summary>A handshake over HTTP/2 with any fields (RFC 8441 section 5.1).</summary>
    public async Task<HttpResponseMessage> ExtendedConnectAsync(string protocol, params string[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Connect, Uri("/ws", "http"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Protocol = protocol;
        foreach (string field in fields)
        {
            int colon = field.IndexOf(": ", StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(field[..colon], field[(colon + 2)..]);
        }

        return await _invoker.SendAsync(request, default).InTime();
    }

    /// <summary>Opens one that must be refused; returns the status.</summary>
    public async Task<HttpStatusCode> RefusedAsync(Action<ClientWebSocketOptions>? configure = null, string path = "/ws")
    {
        using var client = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => OpenAsync(client, configure, path));
        return client.HttpStatusCode;
    }

    /// <summary>An ordinary request by the same door.</summary>
    public async Task<HttpResponseMessage> GetAsync(string path = "/ws")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Uri(path, "http"))
        {
            Version = IsHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        return await _invoker.SendAsync(request, default).InTime();
    }

    public Task StopAsync(CancellationToken cancellationToken = default) => _app.StopAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _invoker.Dispose();
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(5)); // tests that leave a WebSocket open must not wait for Kestrel's half minute
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
