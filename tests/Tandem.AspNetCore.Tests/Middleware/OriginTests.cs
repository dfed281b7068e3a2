using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>RFC 6455 section 10.2: which pages may connect.</summary>
public sealed class OriginTests
{
    [Theory]
    [InlineData(Door.Http1, "http://127.0.0.1:{0}", true)]
    [InlineData(Door.Http1, "https://127.0.0.1:{0}", true)] // TLS may have ended at a proxy that does not say so
    [InlineData(Door.Http1, "http://127.0.0.1:1", false)]
    [InlineData(Door.Http1, "http://127.0.0.1", false)]
    [InlineData(Door.Http1, "http://evil.example", false)]
    [InlineData(Door.Http1, "null", false)]
    [InlineData(Door.Http1Tls, "https://127.0.0.1:{0}", true)]
    [InlineData(Door.H2c, "http://127.0.0.1:{0}", true)]
    [InlineData(Door.H2c, "http://evil.example", false)]
    [InlineData(Door.H2, "https://127.0.0.1:{0}", true)]
    [InlineData(Door.H2, "https://evil.example", false)]
    public async Task By_default_pages_of_the_same_host_connect_and_no_others(Door door, string origin, bool allowed)
    {
        bool reached = false;
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, context =>
        {
            reached = true; // before the client has its answer
            return Endpoints.Echo()(context);
        });
        string page = string.Format(System.Globalization.CultureInfo.InvariantCulture, origin, app.Port);
        if (allowed) (await app.ConnectAsync(options => options.SetRequestHeader("Origin", page))).Dispose();
        else Assert.Equal(HttpStatusCode.Forbidden, await app.RefusedAsync(options => options.SetRequestHeader("Origin", page)));
        Assert.Equal(allowed, reached);
    }

    [Theory]
    [InlineData("site.example", "https", "https://site.example", true)]
    [InlineData("site.example", "https", "https://site.example:443", true)]
    [InlineData("site.example:443", "https", "https://site.example", true)]
    [InlineData("site.example", "https", "https://SITE.example", true)]
    // A page that came without TLS, which anybody on the way could have written, is not of the same host as a service behind TLS.
    [InlineData("site.example", "https", "http://site.example", false)]
    [InlineData("site.example:8443", "https", "https://site.example:8443", true)]
    [InlineData("site.example:8443", "https", "https://site.example", false)]
    [InlineData("site.example", "http", "http://site.example", true)]
    [InlineData("xn--bcher-kva.example", "https", "https://xn--bcher-kva.example", true)]
    [InlineData("site.example", "https", "https://other.example", false)]
    public async Task Behind_a_proxy_the_host_and_the_scheme_are_those_that_it_forwards(string host, string scheme, string origin, bool allowed)
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Http1, Endpoints.Echo(), UseForwardedHeaders);
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/ws", $"X-Forwarded-Host: {host}", $"X-Forwarded-Proto: {scheme}", $"Origin: {origin}"));
        Assert.StartsWith(allowed ? "HTTP/1.1 101" : "HTTP/1.1 403", await client.ReadHead(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_page_is_told_so_whatever_is_at_the_path()
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Http1, _ => throw new InvalidOperationException("not reached"));
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/ws", "Origin: http://evil.example", "Connection: close"));
        Assert.Contains("pages of this origin may not connect", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.Empty(app.Errors);
    }

    [Theory]
    [InlineData(Maker.Framework, "http://friend.example", true)]
    [InlineData(Maker.Framework, "http://evil.example", false)]
    [InlineData(Maker.Tandem, "http://friend.example", true)]
    [InlineData(Maker.Tandem, "http://evil.example", false)]
    public async Task A_list_of_origins_is_kept(Maker maker, string origin, bool allowed)
    {
        await using TestApp app = await TestApp.StartAsync(Door.Http1, Endpoints.Echo(), app =>
        {
            var framework = new WebSocketOptions();
            framework.AllowedOrigins.Add("http://friend.example");
            if (maker == Maker.Framework) app.UseWebSockets(framework);
            else app.UseTandemWebSockets(new TandemWebSocketOptions { Origins = OriginPolicy.SameHostOr("http://friend.example") });
        });
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/ws", $"Origin: {origin}"));
        Assert.StartsWith(allowed ? "HTTP/1.1 101" : "HTTP/1.1 403", await client.ReadHead(), StringComparison.Ordinal);
    }

    private static void UseForwardedHeaders(WebApplication app) => app.UseForwardedHeaders(new ForwardedHeadersOptions
    {
        ForwardedHeaders = ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedProto,
    });
}
