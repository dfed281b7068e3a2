using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Claims;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <summary>
/// The answer to a handshake in the making. Valid only during <see cref="WebSocketHandler.OnUpgrade"/>, because it is used again, unless the
/// decision is deferred: then until that is made.
/// </summary>
/// <example>
/// <code>
/// public override void OnUpgrade(in UpgradeRequest request, UpgradeContext context) =&gt;
///     context.Defer(async (snapshot, cancellationToken) =&gt;
///     {
///         User? user = await users.FindAsync(snapshot.GetCookie("session"), cancellationToken);
///         if (user is null) context.Refuse(401, "log in first");
///         else context.State = user;
///     });
/// </code>
/// </example>
public sealed class UpgradeContext
{
    /// <summary>Most characters of the text of a refusal: what a person reads in a log, not a page.</summary>
    public const int MaxRefusalText = 512;

    private readonly List<KeyValuePair<string, string>> _headers = [];
    private RemoteAddress? _address;
    private ushort _port;

    internal UpgradeContext()
    {
    }

    /// <summary>Where the connection comes from.</summary>
    public IPEndPoint RemoteEndPoint => new(_address!.Address, _port);

    /// <summary>
    /// Whom the host has authenticated: in ASP.NET Core the user of the request. Null on the event loop, which authenticates nobody. It ends with the
    /// handshake; what of it the connection needs goes into <see cref="State"/>.
    /// </summary>
    public ClaimsPrincipal? User { get; internal init; }

    /// <summary>
    /// The subprotocol of the answer. It begins as the one that the route supports and the client prefers, or null; the handler may choose
    /// another one that the client offered (RFC 6455 section 4.2.2).
    /// </summary>
    public string? Subprotocol { get; set; }

    /// <summary>The extensions that the answer agrees to (section 9.1); null when there are none.</summary>
    public string? Extensions { get; private set; }

    /// <summary>
    /// Further fields of the answer, such as Set-Cookie, or WWW-Authenticate with a refusal. They are written as they are: a field of the
    /// handshake itself (RFC 6455 section 4.2.2) would make the client fail the connection.
    /// </summary>
    public IList<KeyValuePair<string, string>> Headers => _headers;

    /// <summary>What becomes <see cref="WebSocketPeer.State"/> of the connection.</summary>
    public object? State { get; set; }

    /// <summary>Of this handshake; null when nobody listens.</summary>
    internal Activity? Activity { get; set; }

    internal RemoteAddress Address => _address!;

    internal ushort Port => _port;

    /// <summary>What was agreed on, where <see cref="Extensions"/> is not null.</summary>
    internal DeflateParameters Deflate { get; private set; }

    internal HandshakeRefusal Refusal { get; private set; }

    /// <summary>The status that the application refuses with; 0 when it does not.</summary>
    internal int RefusalStatus { get; private set; }

    internal string RefusalText { get; private set; } = "";

    internal bool IsRefused => Refusal != HandshakeRefusal.None || RefusalStatus != 0;

    /// <summary>How the decision is made; null when it has been made.</summary>
    internal Func<UpgradeRequestSnapshot, CancellationToken, Task>? Decision { get; private set; }

    internal ReadOnlySpan<KeyValuePair<string, string>> HeaderSpan => CollectionsMarshal.AsSpan(_headers);

    /// <summary>Refuses the handshake.</summary>
    /// <param name="refusal">Why: gives status and text. <see cref="HandshakeRefusal.Forbidden"/> is the application's own.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="refusal"/> is <see cref="HandshakeRefusal.None"/>, or no member at all.</exception>
    public void Refuse(HandshakeRefusal refusal = HandshakeRefusal.Forbidden)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((int)refusal, (int)HandshakeRefusal.None, nameof(refusal));
        // Here, where it is the handler's exception: the answer is written where there is nobody to catch one.
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)refusal, (int)HandshakeRefusal.DecisionTimedOut, nameof(refusal));
        Refusal = refusal;
    }

    /// <summary>Refuses the handshake with a status of the application's choice, and with <see cref="Headers"/>.</summary>
    /// <param name="status">The HTTP status: 300 to 599, such as 401, 404, 429 or 503.</param>
    /// <param name="text">One line for the body that says why; at most <see cref="MaxRefusalText"/> characters. Null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The status is out of range.</exception>
    /// <exception cref="ArgumentException">The text is too long.</exception>
    public void Refuse(int status, string? text = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 300);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        if (text is { Length: > MaxRefusalText }) throw new ArgumentException($"At most {MaxRefusalText} characters.", nameof(text));
        RefusalStatus = status;
        RefusalText = text ?? "";
    }

    /// <summary>
    /// Defers the decision: the client waits for its answer while others are served. The handshake is accepted when the task completes and
    /// nothing was refused; an exception in it is 500 and reported to <see cref="WebSocketServerOptions.OnError"/>. After
    /// <see cref="WebSocketServerOptions.HandshakeTimeout"/>, counted from when the client connected, it is 503.
    /// </summary>
    /// <param name="decide">
    /// Decides. It runs on the thread pool, once <see cref="WebSocketHandler.OnUpgrade"/> has returned, and may use this context until it
    /// completes. It is given a copy of the request, since the request itself ends with OnUpgrade, and a token that is cancelled when nobody waits for
    /// the decision any more: the client has gone or ended its side, the time is over, or the server stops.
    /// </param>
    /// <exception cref="InvalidOperationException">It is deferred already.</exception>
    public void Defer(Func<UpgradeRequestSnapshot, CancellationToken, Task> decide)
    {
        ArgumentNullException.ThrowIfNull(decide);
        if (Decision is not null) throw new InvalidOperationException("The decision is deferred already.");
        Decision = decide;
    }

    internal void Begin(RemoteAddress address, ushort port, string? subprotocol, string? extensions, in DeflateParameters deflate)
    {
        _address = address;
        _port = port;
        Subprotocol = subprotocol;
        Extensions = extensions;
        Deflate = deflate;
        State = null;
        Refusal = HandshakeRefusal.None;
        RefusalStatus = 0;
        RefusalText = "";
        Decision = null;
        Activity = null;
        _headers.Clear();
    }
}
