using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tandem.AspNetCore;
using Tandem.Protocol.Framing;
using Tandem.Sessions;
using Tandem.WebSockets;

namespace Tandem.Server.Inspector;

/// <summary>The requests of the inspector.</summary>
internal sealed class InspectorHandler(TandemInspectorOptions options, TandemConnections connections, InspectorFigures figures, CancellationToken stopping)
{
    private const int MaxBodyBytes = 1024;
    private const string CloseReason = "closed by the operator";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // A loop that takes longer is not what one sees as live; the next report comes in a second anyway.
    private static readonly TimeSpan LoopTimeout = TimeSpan.FromMilliseconds(500);

    private readonly InspectorAccess _access = new(options);
    private readonly InspectedConnections _numbers = new();
    private int _viewers;

    public Task PageAsync(HttpContext context)
    {
        bool allowed = _access.Allows(context);
        if (!allowed && !_access.HasToken) return Refuse(context);
        context.Response.StatusCode = allowed ? StatusCodes.Status200OK : StatusCodes.Status403Forbidden;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.SendFileAsync(options.Page, context.RequestAborted);
    }

    public async Task FeedAsync(HttpContext context)
    {
        if (!_access.Allows(context))
        {
            await Refuse(context);
            return;
        }

        try
        {
            if (Interlocked.Increment(ref _viewers) <= options.MaxViewers) await TellAsync(context);
            else context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
        catch (OperationCanceledException)
        {
            // Nobody looks any more, or the server stops.
        }
        finally
        {
            Interlocked.Decrement(ref _viewers);
        }
    }

    /// <summary>The body is JSON: <c>id</c> of the feed, and <c>code</c>, 1001 where there is none.</summary>
    public async Task CloseAsync(HttpContext context)
    {
        if (!_access.Allows(context) || !InspectorAccess.IsOwnPage(context.Request))
        {
            await Refuse(context);
            return;
        }

        context.Response.StatusCode = await ReadBodyAsync(context) is not { } body || !TryParse(body, out long id, out int code)
            ? StatusCodes.Status400BadRequest
            : _numbers.TryClose(id, (WebSocketCloseStatus)code, CloseReason) ? StatusCodes.Status204NoContent : StatusCodes.Status404NotFound;
    }

    /// <summary>The body is the token; the answer is a cookie.</summary>
    public async Task EnterAsync(HttpContext context)
    {
        if (!_access.HasToken || !InspectorAccess.IsOwnPage(context.Request) || await ReadBodyAsync(context) is not { } body || !_access.IsToken(Encoding.UTF8.GetString(body)))
        {
            await Refuse(context);
            return;
        }

        _access.SetCookie(context);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task TellAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        ConnectionOrder order = context.Request.Query["order"] == "newest" ? ConnectionOrder.Newest : ConnectionOrder.MostBuffered;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        using var timer = new PeriodicTimer(Interval);
        var report = new ArrayBufferWriter<byte>();
        do
        {
            ConnectionPage page = await connections.GetPageAsync(options.MaxRows, order, LoopTimeout, context.RequestAborted);
            HubSnapshot? sessions = options.Sessions?.GetSnapshot(options.MaxRows);
            LinksSnapshot? links = LinksSnapshot.Of(options.Links, options.MaxRows);
            report.ResetWrittenCount();
            report.Write("data: "u8);
            InspectorReport.Write(report, figures.Collect(), page, _numbers, sessions, links);
            report.Write("\n\n"u8);
            // Who does not read gets no further reports, and is cut off by the server's minimum rate.
            await response.BodyWriter.WriteAsync(report.WrittenMemory, context.RequestAborted);
        }
        while (await timer.WaitForNextTickAsync(ended.Token));
    }

    private Task Refuse(HttpContext context)
    {
        context.Response.StatusCode = _access.HasToken ? StatusCodes.Status403Forbidden : StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static async Task<byte[]?> ReadBodyAsync(HttpContext context)
    {
        byte[] body = new byte[MaxBodyBytes + 1];
        int length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
        return length > MaxBodyBytes ? null : body[..length];
    }

    private static bool TryParse(byte[] body, out long id, out int code)
    {
        id = 0;
        code = (int)WebSocketCloseStatus.EndpointUnavailable;
        try
        {
            using var json = JsonDocument.Parse(body);
            JsonElement root = json.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("id", out JsonElement number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out id)
                && (!root.TryGetProperty("code", out JsonElement chosen)
                    || (chosen.ValueKind == JsonValueKind.Number && chosen.TryGetInt32(out code) && ClosePayload.IsSendable((WebSocketCloseStatus)code)));
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
