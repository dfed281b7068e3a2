namespace Tandem.WebSockets.Client;

/// <summary>What a WebSocket URI says (RFC 6455 section 3): whom to connect to, and what to ask for.</summary>
/// <param name="Uri">The URI, with http or https as its scheme: what cookies are kept by.</param>
/// <param name="Secure">Whether it is wss or https.</param>
/// <param name="Host">The host to look up or connect to: ASCII, without brackets.</param>
/// <param name="Port">The port, the scheme's own when the URI has none.</param>
internal sealed record ClientTarget(Uri Uri, bool Secure, string Host, int Port)
{
    /// <summary>Host and port for CONNECT, where the port must stand (RFC 9112 section 3.2.3).</summary>
    public string Authority => $"{BracketedHost}:{Port}";

    /// <summary>The value of Host: without the port when it is the scheme's own (RFC 6455 section 4.1).</summary>
    public string HostField => Uri.IsDefaultPort ? BracketedHost : Authority;

    // Uri.Host has the brackets of an IPv6 address, and not its zone, which means nothing to anybody else (RFC 6874 section 1).
    private string BracketedHost => Uri.HostNameType == UriHostNameType.IPv6 ? Uri.Host : Host;

    /// <summary>Reads a URI.</summary>
    /// <param name="uri">The URI.</param>
    /// <returns>What it says.</returns>
    /// <exception cref="ArgumentException">It is not one of a WebSocket.</exception>
    public static ClientTarget Parse(Uri uri)
    {
        if (!uri.IsAbsoluteUri) throw new ArgumentException("A WebSocket URI is absolute (RFC 6455 section 3).", nameof(uri));
        // The WHATWG's WebSocket takes http and https for ws and wss, so that one base URI serves for pages and connections.
        bool? secure = uri.Scheme switch
        {
            "ws" or "http" => false,
            "wss" or "https" => true,
            _ => null,
        };
        if (secure is null) throw new ArgumentException($"A WebSocket URI begins with ws or wss (RFC 6455 section 3), not with {uri.Scheme}.", nameof(uri));
        if (uri.Fragment.Length != 0) throw new ArgumentException("A WebSocket URI has no fragment; a # in it is written %23 (RFC 6455 section 3).", nameof(uri));
        if (uri.IdnHost.Length == 0) throw new ArgumentException("A WebSocket URI has a host (RFC 6455 section 3).", nameof(uri));
        int port = uri.Port;
        if (port is < 1 or > 65535) throw new ArgumentException("A port to connect to is 1 to 65535.", nameof(uri));
        var http = new UriBuilder(uri) { Scheme = secure.Value ? Uri.UriSchemeHttps : Uri.UriSchemeHttp, Port = port };
        return new ClientTarget(http.Uri, secure.Value, uri.IdnHost, port);
    }
}
