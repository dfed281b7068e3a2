using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Tandem.Protocol.Handshake;

namespace Tandem.AspNetCore.Middleware;

/// <summary>
/// A request that ASP.NET Core has parsed, put back into the form in which the protocol's core judges handshakes: one set of rules for every
/// door. Only the fields of a handshake are in it.
/// </summary>
internal static class RequestHead
{
    private static readonly string[] Fields =
    [
        HeaderNames.Upgrade, HeaderNames.Connection, HeaderNames.ContentLength, HeaderNames.TransferEncoding, HeaderNames.Origin,
        HeaderNames.SecWebSocketVersion, HeaderNames.SecWebSocketKey, HeaderNames.SecWebSocketProtocol, HeaderNames.SecWebSocketExtensions,
    ];

    /// <summary>Writes the head.</summary>
    /// <param name="request">The request; GET, or the extended CONNECT of RFC 8441.</param>
    /// <param name="destination">As long as a head may be.</param>
    /// <param name="length">Bytes written.</param>
    /// <returns>Why the request cannot be a head, or <see cref="HandshakeRefusal.None"/>.</returns>
    public static HandshakeRefusal Write(HttpRequest request, Span<byte> destination, out int length)
    {
        length = 0;
        // The server has judged the target, and the application's routes look it up: it does not matter here.
        bool fits = Append(request.Method, destination, ref length) && Append(" / HTTP/1.1\r\n", destination, ref length);
        fits = fits && AppendField(HeaderNames.Host, Authority(request), destination, ref length);
        foreach (string name in Fields)
        {
            StringValues lines = request.Headers[name];
            for (int i = 0; i < lines.Count; i++)
            {
                // A character that has no place in a head would be read as something else once it is a byte.
                string line = lines[i] ?? "";
                if (line.AsSpan().ContainsAnyExceptInRange(' ', '~')) return HandshakeRefusal.InvalidCharacter;
                fits = fits && AppendField(name, line, destination, ref length);
            }
        }

        return fits && Append("\r\n", destination, ref length) ? HandshakeRefusal.None : HandshakeRefusal.HeadTooLong;
    }

    /// <summary>
    /// The host that the client speaks to, as middleware before this one has corrected it. A request that came over TLS has its port written
    /// out: a page that came without TLS is then not of the same host (<see cref="WebSockets.OriginPolicy"/> adds the port of the page's scheme).
    /// </summary>
    public static string Authority(HttpRequest request)
    {
        HostString host = request.Host;
        return request.IsHttps && host.HasValue && host.Port is null ? $"{host.ToUriComponent()}:443" : host.ToUriComponent();
    }

    private static bool AppendField(string name, string value, Span<byte> destination, ref int length) =>
        Append(name, destination, ref length) && Append(": ", destination, ref length)
        && Append(value, destination, ref length) && Append("\r\n", destination, ref length);

    private static bool Append(string text, Span<byte> destination, ref int length)
    {
        if (!Encoding.ASCII.TryGetBytes(text, destination[length..], out int written)) return false;
        length += written;
        return true;
    }
}
