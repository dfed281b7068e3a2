using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tandem.Server.Sessions;
using Tandem.WebSockets;

namespace Tandem.Server.Link;

/// <summary>
/// The requests of a login: <c>start</c>, <c>finish</c> and <c>cancel</c> of the computer's page, <c>approve</c> of the phone's. All are POST with JSON from a page of this very
/// origin, whatever other origins links are open to: cookies speak for who asks, and no other page is to make them do so.
/// </summary>
internal sealed class LinkLoginEndpoints
{
    // {"id":"22 characters"}, with room for white space.
    private const int MaxBody = 256;

    private readonly LinkLoginOptions _options;
    private readonly IReadOnlyList<IPNetwork> _proxies;
    private readonly PendingLogins _logins;
    private readonly AddressBuckets _requests;
    private readonly LinkTelemetry _telemetry;

    public LinkLoginEndpoints(TandemLinkOptions options, LinkTelemetry telemetry)
    {
        _options = options.Login!;
        _options.Validate();
        _proxies = options.KnownProxies;
        _telemetry = telemetry;
        TimeProvider time = options.Sessions.TimeProvider;
        _logins = new PendingLogins(_options.MaxPending, _options.TimeToLive, time);
        _requests = new AddressBuckets(_options.RequestsPerAddress, options.MaxAddresses, time);
    }

    public void Map(IEndpointRouteBuilder endpoints, string path)
    {
        Map("start", StartAsync);
        Map("approve", ApproveAsync);
        Map("finish", FinishAsync);
        Map("cancel", CancelAsync);

        void Map(string step, Func<HttpContext, Task> serve) =>
            endpoints.Map($"{path}/login/{step}", HttpGate.Before(OriginPolicy.SameHost, HttpMethods.Post, withCookies: false, context => GuardAsync(context, serve)));
    }

    private async Task GuardAsync(HttpContext context, Func<HttpContext, Task> serve)
    {
        // The scheme too: a page that came without TLS is another's.
        if (context.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin")) await RefuseAsync(context, StatusCodes.Status403Forbidden, "the page is not of this origin");
        else if (!context.Request.HasJsonContentType()) await RefuseAsync(context, StatusCodes.Status415UnsupportedMediaType, "the body is application/json");
        else if (ClientAddress.Of(context, _proxies) is { } address && !_requests.TryTake(ClientAddress.Counted(address))) await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "too many requests");
        else await serve(context);
    }

    private async Task StartAsync(HttpContext context)
    {
        if (_logins.Begin() is not { } login)
        {
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "too many logins are pending");
            return;
        }

        context.Response.Cookies.Append(CookieName(context), login.Secret, Cookie(context, _options.TimeToLive));
        _telemetry.Login("started");
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync($$"""{"id":"{{login.Id}}","seconds":{{(int)_options.TimeToLive.TotalSeconds}}}""");
    }

    private async Task ApproveAsync(HttpContext context)
    {
        if (await ReadIdAsync(context) is not { } id) return;
        if (await _options.Authenticate(context) is not { } principal)
        {
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "nobody is signed in here");
            return;
        }

        await AnswerAsync(context, _logins.Approve(id, principal), "approved", "it was approved already");
    }

    private async Task FinishAsync(HttpContext context)
    {
        if (await ReadIdAsync(context) is not { } id) return;
        LoginStep step = _logins.Finish(id, context.Request.Cookies[CookieName(context)], out ClaimsPrincipal? principal);
        if (step != LoginStep.Done)
        {
            await AnswerAsync(context, step, "", "it is not approved");
            return;
        }

        context.Response.Cookies.Delete(CookieName(context), Cookie(context, null));
        _telemetry.Login("finished");
        await _options.OnLinked(context, principal!);
        // What the application answers stands; otherwise it is done and there is nothing to say.
        if (!context.Response.HasStarted && context.Response.StatusCode == StatusCodes.Status200OK) context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task CancelAsync(HttpContext context)
    {
        if (await ReadIdAsync(context) is { } id) await AnswerAsync(context, _logins.Cancel(id, context.Request.Cookies[CookieName(context)]), "cancelled", "");
    }

    private Task AnswerAsync(HttpContext context, LoginStep step, string done, string outOfTurn)
    {
        if (step == LoginStep.Done)
        {
            _telemetry.Login(done);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        }

        return step switch
        {
            LoginStep.Unknown => RefuseAsync(context, StatusCodes.Status404NotFound, "no such login, or it is over"),
            LoginStep.OtherBrowser => RefuseAsync(context, StatusCodes.Status403Forbidden, "another browser has begun it"),
            _ => RefuseAsync(context, StatusCodes.Status409Conflict, outOfTurn),
        };
    }

    private Task RefuseAsync(HttpContext context, int status, string text)
    {
        _telemetry.Login("refused");
        return HttpGate.RefuseAsync(context, status, text);
    }

    private async Task<string?> ReadIdAsync(HttpContext context)
    {
        (int status, ReadOnlyMemory<byte> body) = await HttpBody.ReadAsync(context, MaxBody);
        if (status == StatusCodes.Status200OK && TryReadId(body) is { } id) return id;
        await RefuseAsync(context, status == StatusCodes.Status200OK ? StatusCodes.Status400BadRequest : status, "the body is {\"id\":\"...\"}");
        return null;
    }

    private static string? TryReadId(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The prefix keeps other hosts of the same site from setting it; browsers take it over https only.
    private static string CookieName(HttpContext context) => context.Request.IsHttps ? "__Host-tandem-login" : "tandem-login";

    private static CookieOptions Cookie(HttpContext context, TimeSpan? life) => new()
    {
        Path = "/", HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, IsEssential = true, MaxAge = life,
    };
}
