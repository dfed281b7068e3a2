using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.FileProviders;
using Tandem.AspNetCore;
using Tandem.WebSockets;

namespace Tandem.Server.Tutorial;

/// <summary>The tutorial: its page and the WebSockets that the page talks to.</summary>
public static class TutorialEndpoints
{
    /// <summary>
    /// Maps <c>/tutorial</c> (the page), <c>/chat</c> (the demo), <c>/wire</c> (what the page is told of its own connection) and
    /// <c>/chat/riddle</c> (a server that answers wrongly on purpose).
    /// </summary>
    /// <param name="endpoints">The application; its host uses <see cref="TandemHostingExtensions.UseTandemListener"/>.</param>
    /// <param name="page">The page.</param>
    public static void MapTandemTutorial(this IEndpointRouteBuilder endpoints, IFileInfo page)
    {
        var observers = new WireObservers();
        endpoints.MapTandem(new WebSocketRoute("/chat", new ChatHandler(observers)) { Subprotocols = ["chat"] });
        endpoints.MapTandem(new WebSocketRoute("/wire", observers.Handler));
        endpoints.MapTandem(new WebSocketRoute("/chat/riddle", new RiddleHandler(observers)));
        endpoints.MapGet("/tutorial", (HttpContext context) =>
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            context.Response.Headers.CacheControl = "no-cache";
            return context.Response.SendFileAsync(page);
        });
    }
}
