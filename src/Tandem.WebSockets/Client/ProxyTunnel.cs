using System.Net;
using System.Text;

namespace Tandem.WebSockets.Client;

/// <summary>A tunnel through an HTTP proxy (RFC 9110 section 9.3.6), which RFC 6455 section 4.1 asks for with and without TLS inside.</summary>
/// <param name="Host">The proxy's host: ASCII, without brackets.</param>
/// <param name="Port">The proxy's port.</param>
/// <param name="Authorization">The value of Proxy-Authorization, or null.</param>
internal sealed record ProxyTunnel(string Host, int Port, string? Authorization)
{
    /// <summary>Asks which proxy leads to a URI.</summary>
    /// <param name="proxy">Who knows, or null.</param>
    /// <param name="uri">Where the connection goes.</param>
    /// <returns>The proxy, or null when the connection is direct.</returns>
    /// <exception cref="ArgumentException">The proxy is not an HTTP proxy, or its credentials cannot be sent.</exception>
    public static ProxyTunnel? For(IWebProxy? proxy, Uri uri)
    {
        if (proxy is null || proxy.IsBypassed(uri) || proxy.GetProxy(uri) is not { } via) return null;
        if (via.Scheme != Uri.UriSchemeHttp) throw new ArgumentException($"A proxy is spoken to over http, not {via.Scheme}.", nameof(proxy));
        string? authorization = BasicCredentials.From(proxy.Credentials?.GetCredential(via, "Basic")) ?? BasicCredentials.FromUserInfo(via);
        return new ProxyTunnel(via.IdnHost, via.Port, authorization);
    }

    /// <summary>Asks the proxy for the tunnel.</summary>
    /// <param name="stream">The connection to the proxy; afterwards, to the host.</param>
    /// <param name="target">The host.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="System.Net.WebSockets.WebSocketException">The proxy refuses, or does not speak HTTP.</exception>
    public async Task OpenAsync(Stream stream, ClientTarget target, CancellationToken cancellationToken)
    {
        string authorization = Authorization is null ? "" : $"Proxy-Authorization: {Authorization}\r\n";
        string request = $"CONNECT {target.Authority} HTTP/1.1\r\nHost: {target.Authority}\r\n{authorization}\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken).ConfigureAwait(false);

        var reader = new ResponseReader(stream, WebSocketConnectPhase.Proxy);
        ResponseHead head = await reader.ReadFinalHeadAsync(cancellationToken).ConfigureAwait(false);
        if (head.Status is < 200 or > 299)
        {
            byte[] body = await reader.ReadBodyAsync(head, cancellationToken).ConfigureAwait(false);
            throw ConnectFailures.Refused(WebSocketConnectPhase.Proxy, head, body);
        }

        // Behind the head of a 2xx the tunnel begins, and in it the client speaks first, with TLS as without. Bytes that are here already
        // come from the proxy itself, and would be taken for the server's.
        if (reader.Received.Length > head.Length) throw new IOException("The proxy sent bytes of its own behind its answer (RFC 9110 section 9.3.6).");
    }
}
