using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Tandem.Protocol.Handshake;

namespace Tandem.AspNetCore.Middleware;

/// <summary>What a refused handshake is answered with where ASP.NET Core writes the answer.</summary>
internal static class RefusalAnswer
{
    /// <summary>Sets status and fields, and writes one line that says which rule was broken.</summary>
    public static Task WriteAsync(HttpContext context, HandshakeRefusal refusal) =>
        WriteAsync(context, refusal.Status(), refusal.Text());

    /// <summary>The same with a status of the application's choice, whose fields are in the response already.</summary>
    public static Task WriteAsync(HttpContext context, int status, string why)
    {
        HttpResponse response = context.Response;
        response.StatusCode = status;
        if (response.StatusCode == StatusCodes.Status426UpgradeRequired)
        {
            // RFC 9110 section 15.5.22: 426 names the protocol to upgrade to. HTTP/2 has no Upgrade (RFC 9113 section 8.2.2).
            if (HttpProtocol.IsHttp11(context.Request.Protocol))
            {
                response.Headers.Upgrade = "websocket";
                response.Headers.Connection = "Upgrade";
            }

            // RFC 6455 section 4.4. Where drafts are spoken too, the fields of the answer say so already.
            if (response.Headers.SecWebSocketVersion.Count == 0) response.Headers.SecWebSocketVersion = "13";
        }
        else if (response.StatusCode == StatusCodes.Status405MethodNotAllowed)
        {
            response.Headers.Allow = "GET"; // RFC 9110 section 15.5.6
        }

        response.ContentType = "text/plain; charset=utf-8";
        string line = $"{status} {ReasonPhrases.GetReasonPhrase(status)}";
        return response.WriteAsync(why.Length == 0 ? $"{line}\n" : $"{line}: {why}\n");
    }
}
