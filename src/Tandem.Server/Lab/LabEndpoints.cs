using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.FileProviders;
using Tandem.Server.Sessions;
using Tandem.Sessions;

namespace Tandem.Server.Lab;

/// <summary>The carrier lab: its page, sessions whose bytes are counted, and the counts.</summary>
public static class LabEndpoints
{
    /// <summary>
    /// Maps <c>/lab</c> (the page), <c>/lab/RUN/CARRIER/session</c> (the sessions of a page, one for each carrier that it measures) and <c>/lab/RUN/figures</c> (what they
    /// have cost). These sessions are Kestrel's on every carrier, so that all four are counted in the same place.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="hub">Where the sessions are.</param>
    /// <param name="meter">What counts. Its middleware and connection middleware are in use.</param>
    /// <param name="page">The page.</param>
    public static void MapTandemLab(this IEndpointRouteBuilder endpoints, SessionHub hub, LabMeter meter, IFileInfo page)
    {
        ArgumentNullException.ThrowIfNull(meter);
        // The prefix of a group is what makes a WebSocket route Kestrel's.
        endpoints.MapGroup("/lab/{run}/{carrier}").MapTandemSessions(hub);
        endpoints.MapGet("/lab/{run}/figures", meter.WriteFiguresAsync);
        endpoints.MapGet("/lab", (HttpContext context) =>
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            context.Response.Headers.CacheControl = "no-cache";
            return context.Response.SendFileAsync(page);
        });
    }
}
