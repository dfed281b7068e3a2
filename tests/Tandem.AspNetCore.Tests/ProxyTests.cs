using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Compression;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests;

/// <summary>Behind nginx and HAProxy: /ws is the middleware's, /loop the event loop's, /http2/ws the middleware's over HTTP/2 from the proxy on.</summary>
public sealed class ProxyTests
{
    public static TheoryData<Proxy, string> Routes => new()
    {
        { Proxy.Nginx, "/ws" },
        { Proxy.Nginx, "/loop" },
        { Proxy.HAProxy, "/ws" },
        { Proxy.HAProxy, "/loop" },
        { Proxy.HAProxy, "/http2/ws" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Messages_of_all_sizes_come_back_compressed_or_not(Proxy proxy, string path)
    {
        await using Site site = await Site.StartAsync(proxy);
        foreach (bool compressed in new[] { true, false })
        {
            using ClientWebSocket client = await site.ConnectAsync(path, options =>
            {
                if (compressed) options.DangerousDeflateOptions = new WebSocketDeflateOptions();
            });
            Assert.Equal(compressed, client.HttpResponseHeaders!.ContainsKey("Sec-WebSocket-Extensions"));
            await client.RoundTrip(WebSocketMessageType.Text, "hello"u8.ToArray());
            await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(100_000));
            await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(1 << 20));
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Close_codes_pass_both_ways(Proxy proxy, string path)
    {
        await using Site site = await Site.StartAsync(proxy);
        using (ClientWebSocket client = await site.ConnectAsync(path))
        {
            await client.CloseAsync((WebSocketCloseStatus)4000, "bye", default).InTime();
            Assert.Equal(((WebSocketCloseStatus)4000, "bye"), (client.CloseStatus!.Value, client.CloseStatusDescription));
        }

        using (ClientWebSocket client = await site.ConnectAsync(path))
        {
            await client.SendAsync("close"u8.ToArray(), WebSocketMessageType.Text, true, default).InTime();
            WebSocketReceiveResult received = await client.ReceiveAsync(new byte[10], default).InTime();
            Assert.Equal(((WebSocketCloseStatus)4001, "enough"), (received.CloseStatus!.Value, received.CloseStatusDescription));
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Pages_of_the_proxys_host_connect_and_others_do_not(Proxy proxy, string path)
    {
        await using Site site = await Site.StartAsync(proxy);
        using (await site.ConnectAsync(path, options => options.SetRequestHeader("Origin", site.Origin))) { }
        Assert.Equal(HttpStatusCode.Forbidden, await site.RefusedAsync(path, "http://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await site.RefusedAsync(path, $"http://127.0.0.1:{site.AppPort}")); // the application's own address
    }

    [Theory]
    [InlineData(Proxy.Nginx)]
    [InlineData(Proxy.HAProxy)]
    public async Task A_proxy_that_renames_the_application_says_how_visitors_call_it(Proxy proxy)
    {
        await using Site site = await Site.StartAsync(proxy);
        using (await site.ConnectAsync("/renamed/ws", options => options.SetRequestHeader("Origin", site.Origin))) { }
        Assert.Equal(HttpStatusCode.Forbidden, await site.RefusedAsync("/renamed/ws", "http://internal.example"));
        // The event loop knows Host only: such a proxy must keep it, or the route lists its origins.
        Assert.Equal(HttpStatusCode.Forbidden, await site.RefusedAsync("/renamed/loop", site.Origin));
    }

    /// <summary>An application with both kinds of WebSockets, and the proxy before it.</summary>
    private sealed class Site : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly ProxyProcess _proxy;

        private Site(WebApplication app, ProxyProcess proxy) => (_app, _proxy) = (app, proxy);

        public int AppPort => Ports(_app)[0];

        public string Origin => $"http://127.0.0.1:{_proxy.Port}";

        public static async Task<Site> StartAsync(Proxy proxy)
        {
            Assert.SkipUnless(ProxyProcess.IsInstalled(proxy), $"{proxy} is not installed.");
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseTandemListener(options => options.Configure = template => template with { Deflate = new DeflateOptions() });
            builder.WebHost.ConfigureKestrel(kestrel =>
            {
                kestrel.AllowAlternateSchemes = true; // see haproxy.cfg
                kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
                kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            });
            WebApplication app = builder.Build();
            app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedProto });
            app.UseTandemWebSockets(new TandemWebSocketOptions { Deflate = new DeflateOptions() });
            app.MapTandem(new WebSocketRoute("/loop", new EchoHandler()));
            app.Map("/ws", EchoAsync);
            await app.StartAsync();
            int[] ports = Ports(app);
            return new Site(app, await ProxyProcess.StartAsync(proxy, ports[0], ports[1]));
        }

        public async Task<ClientWebSocket> ConnectAsync(string path, Action<ClientWebSocketOptions>? configure = null)
        {
            var client = new ClientWebSocket();
            client.Options.CollectHttpResponseDetails = true;
            configure?.Invoke(client.Options);
            await client.ConnectAsync(new Uri($"ws://127.0.0.1:{_proxy.Port}{path}"), default).InTime();
            return client;
        }

        public async Task<HttpStatusCode> RefusedAsync(string path, string origin)
        {
            using var client = new ClientWebSocket();
            client.Options.CollectHttpResponseDetails = true;
            client.Options.SetRequestHeader("Origin", origin);
            await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(new Uri($"ws://127.0.0.1:{_proxy.Port}{path}"), default).InTime());
            return client.HttpStatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            await _proxy.DisposeAsync();
            await _app.DisposeAsync();
        }

        private static int[] Ports(WebApplication app) => [.. app.Urls.Select(url => new Uri(url).Port)];

        private static async Task EchoAsync(HttpContext context)
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[64 * 1024];
            while (true)
            {
                ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), default);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, default);
                    return;
                }

                if (Encoding.UTF8.GetString(buffer, 0, received.Count) == "close")
                {
                    await socket.CloseAsync((WebSocketCloseStatus)4001, "enough", default);
                    return;
                }

                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
            }
        }

        private sealed class EchoHandler : WebSocketHandler
        {
            public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
            {
                if (payload.SequenceEqual("close"u8)) peer.Close((WebSocketCloseStatus)4001, "enough");
                else peer.Send(type, payload);
            }
        }
    }
}
