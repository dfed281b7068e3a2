using System.Net;
using System.Runtime.InteropServices;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <summary>The answer to a handshake in the making. Valid only during <see cref="WebSocketHandler.OnUpgrade"/>: each loop has one and uses it again.</summary>
public sealed class UpgradeContext
{
    private readonly List<KeyValuePair<string, string>> _headers = [];
    private RemoteAddress? _address;
    private ushort _port;

    internal UpgradeContext()
    {
    }

    /// <summary>Where the connection comes from.</summary>
    public IPEndPoint RemoteEndPoint => new(_address!.Address, _port);

    /// <summary>
    /// The subprotocol of the answer. It begins as the one that the route supports and the client prefers, or null; the handler may choose
    /// another one that the client offered (RFC 6455 section 4.2.2).
    /// </summary>
    public string? Subprotocol { get; set; }

    /// <summary>The extensions that the answer agrees to (section 9.1); null when there are none.</summary>
    public string? Extensions { get; private set; }

    /// <summary>
    /// Further fields of the answer, such as Set-Cookie. They are written as they are: a field of the handshake itself (RFC 6455 section 4.2.2)
    /// would make the client fail the connection.
    /// </summary>
    public IList<KeyValuePair<string, string>> Headers => _headers;

    /// <summary>What becomes <see cref="WebSocketPeer.State"/> of the connection.</summary>
    public object? State { get; set; }

    internal HandshakeRefusal Refusal { get; private set; }

    internal ReadOnlySpan<KeyValuePair<string, string>> HeaderSpan => CollectionsMarshal.AsSpan(_headers);

    /// <summary>Refuses the handshake.</summary>
    /// <param name="refusal">Why: gives status and text. <see cref="HandshakeRefusal.Forbidden"/> is the application's own.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="refusal"/> is <see cref="HandshakeRefusal.None"/>, or no member at all.</exception>
    public void Refuse(HandshakeRefusal refusal = HandshakeRefusal.Forbidden)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((int)refusal, (int)HandshakeRefusal.None, nameof(refusal));
        // Here, where it is the handler's exception: the answer is written where there is nobody to catch one.
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)refusal, (int)HandshakeRefusal.TimedOut, nameof(refusal));
        Refusal = refusal;
    }

    internal void Begin(RemoteAddress address, ushort port, string? subprotocol, string? extensions)
    {
        _address = address;
        _port = port;
        Subprotocol = subprotocol;
        Extensions = extensions;
        State = null;
        Refusal = HandshakeRefusal.None;
        _headers.Clear();
    }
}
