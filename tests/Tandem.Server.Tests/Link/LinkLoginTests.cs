using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Tandem.Server.Link;
using Tandem.WebSockets;

namespace Tandem.Server.Tests.Link;

/// <summary>docs/link-protocol.md, login: each step, and each way in which it is refused.</summary>
public sealed class LinkLoginTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly List<string> _linked = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false });
    private LinkSite? _site;

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_site is not null) await _site.DisposeAsync();
    }

    [Fact]
    public async Task A_browser_is_signed_in_as_whom_the_phone_is_once()
    {
        await StartAsync();
        (string id, string cookie) = await BeginAsync();
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync("approve", id, user: "ada"));
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync("finish", id, cookie));
        Assert.Equal(["ada"], _linked);
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("finish", id, cookie));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("approve", id, user: "ada"));
        Assert.Equal(["ada"], _linked);
        foreach (string outcome in (string[])["started", "approved", "finished"]) Assert.Equal(1, _site!.Metrics[$"link.logins{{link.login.outcome={outcome}}}"]);
    }

    [Fact]
    public async Task The_cookie_is_the_browsers_alone_and_goes_with_the_login()
    {
        await StartAsync();
        using HttpResponseMessage start = await SendAsync("start", "{}");
        string set = Assert.Single(start.Headers.GetValues("Set-Cookie"));
        Assert.Matches("^tandem-login=[A-Za-z0-9_-]{43}; max-age=120; path=/; samesite=strict; httponly$", set);
        Assert.True(start.Headers.CacheControl!.NoStore);
        using JsonDocument answer = JsonDocument.Parse(await start.Content.ReadAsStringAsync());
        string id = answer.RootElement.GetProperty("id").GetString()!, cookie = set.Split(';')[0];
        Assert.Equal(120, answer.RootElement.GetProperty("seconds").GetInt32());
        Assert.DoesNotContain(id, set, StringComparison.Ordinal);
        await PostAsync("approve", id, user: "ada");
        using HttpResponseMessage finish = await SendAsync("finish", Json(id), cookie);
        Assert.StartsWith("tandem-login=;", Assert.Single(finish.Headers.GetValues("Set-Cookie")), StringComparison.Ordinal);
        // Over https it has a name that no other host can set, and never travels without TLS.
        using HttpResponseMessage secure = await SendAsync("start", "{}", headers: ("X-Forwarded-Proto", "https"));
        Assert.Matches("^__Host-tandem-login=[A-Za-z0-9_-]{43}; max-age=120; path=/; secure; samesite=strict; httponly$", Assert.Single(secure.Headers.GetValues("Set-Cookie")));
    }

    [Fact]
    public async Task Another_browser_does_not_finish_and_does_not_end_it_for_the_right_one()
    {
        await StartAsync();
        (string id, string cookie) = await BeginAsync();
        (_, string other) = await BeginAsync();
        await PostAsync("approve", id, user: "ada");
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync("finish", id));
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync("finish", id, other));
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync("finish", id, "tandem-login="));
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync("cancel", id, other));
        Assert.Empty(_linked);
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync("finish", id, cookie));
        Assert.Equal(["ada"], _linked);
    }

    [Fact]
    public async Task Nothing_is_finished_that_was_not_approved()
    {
        await StartAsync();
        (string id, string cookie) = await BeginAsync();
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("finish", id, cookie));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync("approve", id));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("finish", id, cookie));
        Assert.Empty(_linked);
    }

    [Fact]
    public async Task The_first_approval_counts()
    {
        await StartAsync();
        (string id, string cookie) = await BeginAsync();
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync("approve", id, user: "ada"));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("approve", id, user: "eve"));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("approve", id, user: "ada"));
        await PostAsync("finish", id, cookie);
        Assert.Equal(["ada"], _linked);
    }

    [Fact]
    public async Task A_login_is_over_after_120_seconds_approved_or_not()
    {
        await StartAsync();
        (string first, string firstCookie) = await BeginAsync();
        (string second, string secondCookie) = await BeginAsync();
        await PostAsync("approve", first, user: "ada");
        _clock.Advance(119);
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("finish", second, secondCookie));
        _clock.Advance(2);
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("finish", first, firstCookie));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("approve", second, user: "ada"));
        Assert.Empty(_linked);
    }

    [Fact]
    public async Task A_cancelled_login_is_over()
    {
        await StartAsync();
        (string id, string cookie) = await BeginAsync();
        await PostAsync("approve", id, user: "ada");
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync("cancel", id, cookie));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("finish", id, cookie));
        Assert.Empty(_linked);
    }

    [Theory]
    [InlineData("start")]
    [InlineData("approve")]
    [InlineData("finish")]
    [InlineData("cancel")]
    public async Task Pages_of_other_origins_are_refused_also_where_links_are_open_to_them(string step)
    {
        await StartAsync(options => options with { Origins = OriginPolicy.Any });
        (string id, string cookie) = await BeginAsync();
        if (step != "approve") await PostAsync("approve", id, user: "ada");
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(step, Json(id), cookie, "ada", headers: ("Origin", "https://elsewhere.example"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(step, Json(id), cookie, "ada", headers: ("Sec-Fetch-Site", "same-site"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(step, Json(id), cookie, "ada", headers: ("Sec-Fetch-Site", "cross-site"))).StatusCode);
        // What a form can send.
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await SendAsync(step, Json(id), cookie, "ada", "text/plain")).StatusCode);
        using HttpResponseMessage get = await _http.GetAsync(new Uri(_site!.Base, $"login/{step}"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        Assert.Empty(_linked);
        string origin = _site.Origin.GetLeftPart(UriPartial.Authority);
        HttpStatusCode allowed = (await SendAsync(step, Json(id), cookie, "ada", headers: ("Origin", origin))).StatusCode;
        Assert.Equal(step == "start" ? HttpStatusCode.OK : HttpStatusCode.NoContent, allowed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"id\":1}")]
    public async Task What_is_no_JSON_with_an_id_is_refused(string body)
    {
        await StartAsync();
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync("approve", body, user: "ada")).StatusCode);
    }

    [Fact]
    public async Task A_body_and_an_id_that_are_too_long_or_unknown_are_refused()
    {
        await StartAsync();
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await PostAsync("approve", new string('x', 300), user: "ada"));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("approve", LinkSite.NewId(), user: "ada"));
    }

    [Fact]
    public async Task So_many_logins_are_pending_at_most_and_those_that_are_over_make_room()
    {
        await StartAsync(login: login => login with { MaxPending = 2 });
        await BeginAsync();
        (string id, string cookie) = await BeginAsync();
        using HttpResponseMessage third = await SendAsync("start", "{}");
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.NotNull(third.Headers.RetryAfter);
        await PostAsync("cancel", id, cookie);
        await BeginAsync();
        _clock.Advance(121);
        await BeginAsync();
        await BeginAsync();
    }

    [Fact]
    public async Task An_address_asks_so_often_only()
    {
        await StartAsync(login: login => login with { RequestsPerAddress = new LinkRate(3, 6) });
        (string id, _) = await BeginAsync();
        await PostAsync("approve", id);
        await PostAsync("approve", id);
        Assert.Equal(HttpStatusCode.TooManyRequests, await PostAsync("approve", id, user: "ada"));
        _clock.Advance(10.1);
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync("approve", id, user: "ada"));
    }

    [Fact]
    public async Task What_the_application_writes_is_the_answer_and_when_it_fails_the_login_is_over()
    {
        bool fails = false;
        await StartAsync(login: login => login with { OnLinked = (context, user) => fails ? throw new InvalidTimeZoneException() : context.Response.WriteAsync($"hello {user.Identity!.Name}") });
        (string id, string cookie) = await BeginAsync();
        await PostAsync("approve", id, user: "ada");
        using HttpResponseMessage finish = await SendAsync("finish", Json(id), cookie);
        Assert.Equal((HttpStatusCode.OK, "hello ada"), (finish.StatusCode, await finish.Content.ReadAsStringAsync()));
        fails = true;
        (id, cookie) = await BeginAsync();
        await PostAsync("approve", id, user: "ada");
        Assert.Equal(HttpStatusCode.InternalServerError, await PostAsync("finish", id, cookie));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync("finish", id, cookie));
    }

    [Fact]
    public async Task Without_the_option_there_is_no_login()
    {
        _site = await LinkSite.StartAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync("start", "{}")).StatusCode);
    }

    private static string Json(string id) => $$"""{"id":"{{id}}"}""";

    private async Task StartAsync(Func<TandemLinkOptions, TandemLinkOptions>? configure = null, Func<LinkLoginOptions, LinkLoginOptions>? login = null)
    {
        var options = new LinkLoginOptions
        {
            OnLinked = (_, user) =>
            {
                _linked.Add(user.Identity!.Name!);
                return Task.CompletedTask;
            },
            RequestsPerAddress = new LinkRate(1000, 1),
        };
        TandemLinkOptions all = LinkMailboxTests.WithClock(_clock) with { Login = login?.Invoke(options) ?? options };
        _site = await LinkSite.StartAsync(configure?.Invoke(all) ?? all, map: app =>
        {
            app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedProto });
            // The application's own authentication, as simple as can be.
            app.Use((context, next) =>
            {
                if (context.Request.Headers.Authorization is [{ } name]) context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], "test"));
                return next(context);
            });
        });
    }

    private async Task<(string Id, string Cookie)> BeginAsync()
    {
        using HttpResponseMessage response = await SendAsync("start", "{}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return (answer.RootElement.GetProperty("id").GetString()!, response.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
    }

    private async Task<HttpStatusCode> PostAsync(string step, string id, string? cookie = null, string? user = null)
    {
        using HttpResponseMessage response = await SendAsync(step, Json(id), cookie, user);
        return response.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(
        string step, string body, string? cookie = null, string? user = null, string type = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_site!.Base, $"login/{step}")) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(type)) };
        if (cookie is not null) request.Headers.Add("Cookie", cookie);
        if (user is not null) request.Headers.TryAddWithoutValidation("Authorization", user);
        foreach ((string name, string value) in headers) request.Headers.Add(name, value);
        return await _http.SendAsync(request).InTime();
    }
}
