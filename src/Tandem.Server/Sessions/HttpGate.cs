using System.Text;
using Microsoft.AspNetCore.Http;
using Tandem.WebSockets;

namespace Tandem.Server.Sessions;

/// <summary>What goes before every request of HTTP carriers: the origin, CORS, the method.</summary>
internal static class HttpGate
{
    private const string AllowedHeaders = $"Authorization, Content-Type, {HttpSessionEndpoints.SessionHeader}, {HttpSessionEndpoints.ReceivedHeader}, {HttpSessionEndpoints.WaitHeader}";

    // What a client that is told to wait is told to wait at least, in seconds.
    private const string RetryAfterSeconds = "5";

    /// <summary>Puts it before an endpoint.</summary>
    /// <param name="origins">Which pages may come.</param>
    /// <param name="method">The one method.</param>
    /// <param name="withCookies">Whether pages of other origins may come with the visitor's cookies.</param>
    /// <param name="serve">The endpoint.</param>
    public static RequestDelegate Before(OriginPolicy origins, string method, bool withCookies, Func<HttpContext, Task> serve) => context =>
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.CacheControl = "no-store";
        headers.Vary = "Origin";
        string origin = context.Request.Headers.Origin.ToString();
        if (!origins.Allows(Encoding.Latin1.GetBytes(origin), Encoding.Latin1.GetBytes(context.Request.Host.Value ?? "")))
        {
            return RefuseAsync(context, StatusCodes.Status403Forbidden, "the origin is not allowed");
        }

        if (origin.Length > 0)
        {
            headers.AccessControlAllowOrigin = origin;
            headers.AccessControlExposeHeaders = "Retry-After";
            if (withCookies) headers.AccessControlAllowCredentials = "true";
        }

        if (HttpMethods.IsOptions(context.Request.Method)) return AnswerPreflight(context);
        if (context.Request.Method == method) return ServeAsync(context, serve);
        headers.Allow = $"{method}, OPTIONS";
        return RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, $"this is for {method}");
    };

    public static Task RefuseAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable) RetryLater(context);
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync($"{status}: {text}\n");
    }

    public static void RetryLater(HttpContext context) => context.Response.Headers.RetryAfter = RetryAfterSeconds;

    private static Task AnswerPreflight(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.AccessControlAllowMethods = "GET, POST";
        headers.AccessControlAllowHeaders = AllowedHeaders;
        headers.AccessControlMaxAge = "7200";
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static async Task ServeAsync(HttpContext context, Func<HttpContext, Task> serve)
    {
        try
        {
            await serve(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Whoever asked has gone: there is nobody to answer, and no error of this server.
        }
    }
}
