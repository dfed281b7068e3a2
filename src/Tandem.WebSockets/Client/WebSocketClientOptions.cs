using System.Net;
using System.Net.Security;
using Tandem.Protocol.Compression;

namespace Tandem.WebSockets;

/// <summary>What a client says in its opening handshake, how it gets to the server, and how long it waits.</summary>
public sealed record WebSocketClientOptions
{
    /// <summary>
    /// The subprotocols to offer, the preferred one first; distinct tokens (RFC 6455 section 4.1). The server chooses one of them or none.
    /// Default: none.
    /// </summary>
    public IReadOnlyList<string> Subprotocols { get; init; } = [];

    /// <summary>
    /// The offer of permessage-deflate (RFC 7692), and how this end compresses. Default null: it is not offered. Compression reveals something of
    /// what it compresses by its length: do not use it on messages that mix secrets with what an attacker can choose.
    /// </summary>
    public DeflateOptions? Deflate { get; init; }

    /// <summary>
    /// Further fields of the request, such as Authorization. Those that are the handshake's own (Host, Upgrade, Connection, Sec-WebSocket-*,
    /// Origin and what would announce a body) are refused, and so is a name or value that would break out of its line. Default: none.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>
    /// The value of Origin, such as <c>https://example.org</c> (RFC 6454 section 7). Default null: it is not sent, because it speaks of the
    /// page that a script came from, and this client is no browser.
    /// </summary>
    public string? Origin { get; init; }

    /// <summary>
    /// Cookies to send, and where those of the answer are stored, of a refusal too (RFC 6265). Default null: none are sent or stored. A
    /// container may be shared between connections.
    /// </summary>
    public CookieContainer? Cookies { get; init; }

    /// <summary>
    /// The HTTP proxy through which to tunnel with CONNECT (RFC 9110 section 9.3.6), for ws as well as for wss; credentials, from
    /// <see cref="IWebProxy.Credentials"/> or the proxy's URI, are sent with the first request, as Basic. The proxy is spoken to in the clear:
    /// its scheme is http. Default null: none, and the environment is not asked, so that where the bytes go stands in the program;
    /// <c>HttpClient.DefaultProxy</c> is the proxy that the environment names.
    /// </summary>
    public IWebProxy? Proxy { get; init; }

    /// <summary>
    /// Changes how TLS is done for wss: trust, client certificates, versions. It is called for each connection with fresh settings that name
    /// the URI's host as <see cref="SslClientAuthenticationOptions.TargetHost"/> and offer only HTTP/1.1 by ALPN, since a server that
    /// preferred HTTP/2 could not answer 101. Default null: the system's trust, no client certificate.
    /// </summary>
    public Action<SslClientAuthenticationOptions>? ConfigureTls { get; init; }

    /// <summary>
    /// How long looking the host up and connecting to one of its addresses may take. With a proxy it is the proxy that is connected to, and
    /// the proxy then has as long again to connect to the host. Default 10 s: several tries of a lost SYN.
    /// </summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the TLS handshake may take. Default 10 s.</summary>
    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the server may take for its whole answer, the body of a refusal included. Default 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Is given the fields of the server's 101 answer, in order and as they were spelled, before <see cref="WebSocketClient.ConnectAsync"/>
    /// returns; what it throws, that throws. A connection does not keep them. Default null. Those of a refusal are in
    /// <see cref="WebSocketConnectException.Headers"/>.
    /// </summary>
    public Action<IReadOnlyList<KeyValuePair<string, string>>>? OnHandshake { get; init; }

    /// <summary>
    /// Limits and deadlines of the connection once it is open. Its role, subprotocol and clock are not read: they are the client's, the
    /// handshake's and <see cref="TimeProvider"/>. Default: those of <see cref="WebSocketConnectionOptions"/>.
    /// </summary>
    public WebSocketConnectionOptions Connection { get; init; } = new();

    /// <summary>The clock for all deadlines. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        Check(Subprotocols is not null && !Subprotocols.Contains(null!), nameof(Subprotocols), "must not be null or hold null");
        Check(Headers is not null && Headers.All(field => field is { Key: not null, Value: not null }), nameof(Headers), "must not be null or hold null");
        Check(TimeProvider is not null, nameof(TimeProvider), "must not be null");
        Check(Subprotocols!.Distinct(StringComparer.Ordinal).Count() == Subprotocols!.Count, nameof(Subprotocols), "must be distinct (RFC 6455 section 4.1)");
        Deflate?.Validate();
        Check(Connection is not null, nameof(Connection), "must not be null");
        Connection!.Validate();
        CheckWait(DialTimeout, nameof(DialTimeout));
        CheckWait(TlsTimeout, nameof(TlsTimeout));
        CheckWait(HandshakeTimeout, nameof(HandshakeTimeout));
    }

    // What the timers of .NET can count.
    private static void CheckWait(TimeSpan wait, string name) =>
        Check((wait > TimeSpan.Zero && wait.TotalDays <= 49) || wait == Timeout.InfiniteTimeSpan, name, "must be positive and at most 49 days, or Timeout.InfiniteTimeSpan");

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"WebSocketClientOptions.{name} {rule}.");
    }
}
