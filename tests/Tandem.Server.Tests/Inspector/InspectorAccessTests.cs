using System.Net;
using Tandem.Server.Inspector;

namespace Tandem.Server.Tests.Inspector;

/// <summary>docs/serving.md, Inspector: who may look.</summary>
public sealed class InspectorAccessTests
{
    private const string Token = "correct-horse-battery";
    private const string OwnPage = "X-Tandem-Inspector: 1";

    [Theory]
    [InlineData(200)]
    [InlineData(200, "Host: localhost:1818")]
    [InlineData(200, "Host: tandem.localhost")]
    [InlineData(200, "Host: [::1]")]
    [InlineData(200, $"{InspectorSite.From}: ::1")]
    [InlineData(200, $"{InspectorSite.From}: ::ffff:127.0.0.2")]
    [InlineData(404, $"{InspectorSite.From}: 192.0.2.1")]
    [InlineData(404, $"{InspectorSite.From}: ::ffff:192.0.2.1")]
    [InlineData(404, $"{InspectorSite.From}: 2001:db8::1")]
    [InlineData(404, "X-Forwarded-For: 192.0.2.1")]
    [InlineData(404, "x-forwarded-for: 127.0.0.1")]
    [InlineData(404, "X-Forwarded-For: ")]
    [InlineData(404, "X-Forwarded-Proto: https")]
    [InlineData(404, "X-Original-For: 127.0.0.1")]
    [InlineData(404, "Forwarded: for=127.0.0.1")]
    [InlineData(404, "X-Real-IP: 127.0.0.1")]
    [InlineData(404, "X-Cluster-Client-Ip: 127.0.0.1")]
    [InlineData(404, "CF-Connecting-IP: 127.0.0.1")]
    [InlineData(404, "X-Envoy-Expected-Rq-Timeout-Ms: 15000")]
    [InlineData(404, "Proxy-Connection: keep-alive")]
    [InlineData(404, "CDN-Loop: cdn")]
    [InlineData(404, "Via: 1.1 proxy")]
    [InlineData(404, "Host: rebound.example")] // DNS rebinding: a stranger's name for this machine
    [InlineData(404, "Host: localhost.example")]
    [InlineData(404, "Host: 192.0.2.1")]
    public async Task Without_a_token_it_is_there_for_who_comes_directly_from_this_machine(int status, params string[] fields)
    {
        await using InspectorSite site = await InspectorSite.StartAsync();
        Assert.Equal(status, await site.StatusAsync(HttpMethod.Get, "/inspect", null, fields));
        Assert.Equal(status, await site.StatusAsync(HttpMethod.Get, "/inspect/feed", null, fields));
        int refused = status == 200 ? 400 : 404; // what is allowed and makes no sense
        Assert.Equal(refused, await site.StatusAsync(HttpMethod.Post, "/inspect/close", "{}", [OwnPage, .. fields]));
        Assert.Equal(404, await site.StatusAsync(HttpMethod.Post, "/inspect/token", Token, [OwnPage, .. fields]));
    }

    [Fact]
    public async Task Http_1_0_which_proxies_speak_and_browsers_do_not_is_not_directly()
    {
        await using InspectorSite site = await InspectorSite.StartAsync();
        using RawClient client = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, site.Port));
        await client.Send("GET /inspect HTTP/1.0\r\nHost: localhost\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 404", await client.ReadToEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403)] // this machine too
    [InlineData(403, $"Authorization: Bearer {Token}x")]
    [InlineData(403, "Authorization: Bearer correct-horse-batter")]
    [InlineData(403, "Authorization: Bearer ")]
    [InlineData(403, $"Authorization: Basic {Token}")]
    [InlineData(403, $"Cookie: tandem-inspector={Token}")]
    [InlineData(403, "Cookie: tandem-inspector=")]
    [InlineData(200, $"Authorization: Bearer {Token}")]
    [InlineData(200, $"authorization: bearer {Token}", $"{InspectorSite.From}: 192.0.2.1", "X-Forwarded-For: 192.0.2.1", "Host: example.org")]
    public async Task With_a_token_it_is_there_for_who_knows_it(int status, params string[] fields)
    {
        await using InspectorSite site = await InspectorSite.StartAsync(Token);
        Assert.Equal(status, await site.StatusAsync(HttpMethod.Get, "/inspect", null, fields));
        Assert.Equal(status, await site.StatusAsync(HttpMethod.Get, "/inspect/feed", null, fields));
        Assert.Equal(403, await site.StatusAsync(HttpMethod.Get, $"/inspect/feed?token={Token}"));
        Assert.Equal(status == 200 ? 400 : 403, await site.StatusAsync(HttpMethod.Post, "/inspect/close", "{}", [OwnPage, .. fields]));
    }

    [Fact]
    public async Task The_page_that_asks_for_the_token_gives_a_cookie_for_it_that_scripts_and_other_sites_do_not_get()
    {
        await using InspectorSite site = await InspectorSite.StartAsync(Token);
        using HttpResponseMessage page = await site.SendAsync(HttpMethod.Get, "/inspect");
        Assert.Equal("<p>the page</p>", await page.Content.ReadAsStringAsync());
        Assert.Equal(403, await site.StatusAsync(HttpMethod.Post, "/inspect/token", "wrong", OwnPage));
        Assert.Equal(403, await site.StatusAsync(HttpMethod.Post, "/inspect/token", Token)); // a form of another site
        Assert.Equal(403, await site.StatusAsync(HttpMethod.Post, "/inspect/token", Token + new string(' ', 2000), OwnPage));

        using HttpResponseMessage entered = await site.SendAsync(HttpMethod.Post, "/inspect/token", Token, OwnPage);
        Assert.Equal(HttpStatusCode.NoContent, entered.StatusCode);
        string cookie = entered.Headers.GetValues("Set-Cookie").Single();
        Assert.DoesNotContain(Token, cookie, StringComparison.Ordinal);
        Assert.EndsWith("; path=/inspect; samesite=strict; httponly", cookie, StringComparison.Ordinal);
        Assert.Equal(200, await site.StatusAsync(HttpMethod.Get, "/inspect/feed", null, $"Cookie: {cookie.Split(';')[0]}"));
    }

    [Theory]
    [InlineData(400, OwnPage)] // allowed: the body makes no sense
    [InlineData(400, OwnPage, "Origin: http://127.0.0.1", "Host: 127.0.0.1", "Sec-Fetch-Site: same-origin")]
    [InlineData(404)]
    [InlineData(404, "Origin: http://127.0.0.1", "Host: 127.0.0.1")]
    [InlineData(404, OwnPage, "Origin: http://evil.example")]
    [InlineData(404, OwnPage, "Origin: null")]
    [InlineData(404, OwnPage, "Sec-Fetch-Site: cross-site")]
    [InlineData(404, OwnPage, "Sec-Fetch-Site: same-site")]
    public async Task Only_the_page_itself_may_close_connections(int status, params string[] fields)
    {
        await using InspectorSite site = await InspectorSite.StartAsync();
        Assert.Equal(status, await site.StatusAsync(HttpMethod.Post, "/inspect/close", "{}", fields));
        // What a browser asks before it lets another site send the field: nobody answers.
        using HttpResponseMessage preflight = await site.SendAsync(HttpMethod.Options, "/inspect/close", null, "Origin: http://evil.example");
        Assert.DoesNotContain(preflight.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("short")]
    [InlineData("with a blank in it")]
    [InlineData("with-a-line-break\n")]
    [InlineData("nicht-nur-ASCII-größer")]
    public async Task A_token_that_is_none_is_refused_at_the_start(string token)
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => InspectorSite.StartAsync(token));
        Assert.StartsWith("TandemInspectorOptions.Token ", refused.Message, StringComparison.Ordinal);
        Assert.False(TandemInspectorOptions.IsToken(token));
    }
}
