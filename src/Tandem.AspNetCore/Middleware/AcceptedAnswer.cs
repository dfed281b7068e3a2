using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Tandem.Protocol.Handshake;

namespace Tandem.AspNetCore.Middleware;

/// <summary>What an accepted handshake is answered with where ASP.NET Core writes the answer, and the transport that it opens.</summary>
internal static class AcceptedAnswer
{
    /// <summary>Puts the answer's fields into the response; nothing is sent yet.</summary>
    /// <param name="context">The request, which has been judged.</param>
    /// <param name="isUpgrade">HTTP/1.1: an extended CONNECT has neither these fields nor the key (RFC 8441 section 5).</param>
    /// <param name="subprotocol">Null for none.</param>
    /// <param name="extensions">Null for none.</param>
    public static void Prepare(HttpContext context, bool isUpgrade, string? subprotocol, string? extensions)
    {
        IHeaderDictionary fields = context.Response.Headers;
        if (isUpgrade)
        {
            Span<byte> accept = stackalloc byte[AcceptKey.AcceptLength];
            AcceptKey.Compute(Encoding.ASCII.GetBytes(context.Request.Headers.SecWebSocketKey.ToString()), accept);
            fields.Upgrade = "websocket";
            fields.Connection = "Upgrade";
            fields.SecWebSocketAccept = Encoding.ASCII.GetString(accept);
        }

        if (subprotocol is not null) fields.SecWebSocketProtocol = subprotocol;
        if (extensions is not null) fields.SecWebSocketExtensions = extensions;
    }

    /// <summary>Sends it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="upgrade">Its upgrade; used when <paramref name="connect"/> is null.</param>
    /// <param name="connect">Its extended CONNECT; null over HTTP/1.1.</param>
    public static async Task<HttpTransportStream> SendAsync(HttpContext context, IHttpUpgradeFeature? upgrade, IHttpExtendedConnectFeature? connect)
    {
        Stream stream = connect is null ? await upgrade!.UpgradeAsync().ConfigureAwait(false) : await connect.AcceptAsync().ConfigureAwait(false);
        // A WebSocket may live for days; the application has its own deadlines for it.
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        if (connect is null && HandshakeConnection.Find(context.Features) is { } connection) stream = connection.TakeOver();
        return new HttpTransportStream(context, stream);
    }
}
