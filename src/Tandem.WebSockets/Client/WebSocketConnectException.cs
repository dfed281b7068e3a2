using System.Net.WebSockets;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets;

/// <summary>The steps to an open connection; each has its own deadline.</summary>
public enum WebSocketConnectPhase : byte
{
    /// <summary>Looking the host up and connecting to it, or to the proxy: <see cref="WebSocketClientOptions.DialTimeout"/>.</summary>
    Dial,

    /// <summary>The proxy connects to the host: <see cref="WebSocketClientOptions.DialTimeout"/> again.</summary>
    Proxy,

    /// <summary>The TLS handshake: <see cref="WebSocketClientOptions.TlsTimeout"/>.</summary>
    Tls,

    /// <summary>The opening handshake of RFC 6455: <see cref="WebSocketClientOptions.HandshakeTimeout"/>.</summary>
    Handshake,
}

/// <summary>
/// Why a client got no open connection. It is the <see cref="Exception.InnerException"/> of a <see cref="WebSocketException"/>, which is
/// what programs written for <see cref="ClientWebSocket"/> catch and which cannot be derived from. Its own inner exception is what happened
/// underneath: a <see cref="TimeoutException"/>, a <see cref="System.Net.Sockets.SocketException"/>, an
/// <see cref="System.Security.Authentication.AuthenticationException"/>, an <see cref="IOException"/>; none when somebody answered, but not as hoped.
/// </summary>
/// <remarks>
/// A redirect is not followed, nor a challenge (401) answered, as RFC 6455 section 4.1 leaves to the client: a redirect could lead credentials
/// and cookies to another host, and a WebSocket endpoint has one address. Location and WWW-Authenticate are in <see cref="Headers"/>.
/// </remarks>
public sealed class WebSocketConnectException : Exception
{
    /// <summary>Most bytes of <see cref="Body"/>: enough for what an error page says, and not for the page.</summary>
    public const int MaxBodyLength = 4 * 1024;

    internal WebSocketConnectException(WebSocketConnectPhase phase, string message, Exception? inner = null)
        : base(message, inner) => Phase = phase;

    /// <summary>The step that failed.</summary>
    public WebSocketConnectPhase Phase { get; }

    /// <summary>The rule that the answer broke (RFC 6455 section 4.1), or null when there was no answer to judge.</summary>
    public ClientHandshakeFault? Fault { get; internal init; }

    /// <summary>The status of the answer, the server's or in <see cref="WebSocketConnectPhase.Proxy"/> the proxy's; null when there was none.</summary>
    public int? Status { get; internal init; }

    /// <summary>The fields of that answer, in order and as they were spelled; empty when there was none.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; internal init; } = [];

    /// <summary>
    /// The start of the body of an answer other than 101, at most <see cref="MaxBodyLength"/> bytes: without its chunks, otherwise as it came.
    /// It is shorter than the body when the deadline passed or the peer ended before.
    /// </summary>
    public ReadOnlyMemory<byte> Body { get; internal init; }
}
