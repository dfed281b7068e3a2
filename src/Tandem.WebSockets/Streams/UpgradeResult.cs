using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets;

/// <summary>
/// What a <see cref="WebSocketRouteHost"/> has decided about a handshake: how to answer it. Whoever speaks HTTP with the client writes the answer,
/// Sec-WebSocket-Accept included where the version of HTTP has it (<see cref="AcceptKey"/>).
/// </summary>
public sealed class UpgradeResult
{
    private UpgradeContext? _context;

    internal UpgradeResult(UpgradeContext context)
    {
        _context = context;
        StatusCode = 101;
        Subprotocol = context.Subprotocol;
        Extensions = context.Extensions;
        Headers = [.. context.Headers];
    }

    internal UpgradeResult(int statusCode, string body, IEnumerable<KeyValuePair<string, string>> headers)
    {
        StatusCode = statusCode;
        Body = body;
        Headers = [.. headers];
    }

    /// <summary>Whether the connection is to be run with <see cref="WebSocketRouteHost.RunAsync"/> once it is answered.</summary>
    public bool IsAccepted => StatusCode == 101;

    /// <summary>101 when it is accepted, which RFC 8441 section 5 makes 200 in HTTP/2; else the status of the refusal.</summary>
    public int StatusCode { get; }

    /// <summary>Sec-WebSocket-Protocol of the answer; null for none.</summary>
    public string? Subprotocol { get; }

    /// <summary>Sec-WebSocket-Extensions of the answer; null for none.</summary>
    public string? Extensions { get; }

    /// <summary>Further fields of the answer.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>The line of text that a refusal is answered with; empty when it has none, or is none.</summary>
    public string Body { get; } = "";

    internal UpgradeContext Take()
    {
        if (!IsAccepted) throw new InvalidOperationException($"The handshake is refused with {StatusCode}.");
        return Interlocked.Exchange(ref _context, null) ?? throw new InvalidOperationException("The connection of this handshake has been run already.");
    }
}
