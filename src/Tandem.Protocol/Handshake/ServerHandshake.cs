using Tandem.Protocol.Drafts;

namespace Tandem.Protocol.Handshake;

/// <summary>The server's answer to an opening handshake (RFC 6455 section 4.2.2), or to one of a draft.</summary>
public static class ServerHandshake
{
    /// <summary>Writes the answer that switches protocols.</summary>
    /// <param name="destination">Room for the answer: 160 bytes and what the arguments take; for hixie-75 and hixie-76 as much as the request has besides.</param>
    /// <param name="request">The request, passed by <see cref="UpgradeRequest.Judge"/>.</param>
    /// <param name="subprotocol">One of those that the client offered, or null.</param>
    /// <param name="extensions">The extensions that are agreed on, in the grammar of section 9.1, or null. hixie-75 and hixie-76 have none.</param>
    /// <param name="fields">Further fields, such as Set-Cookie; may be empty.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">
    /// The subprotocol was not offered: a client must fail such a connection (section 4.1), which is the riddle that docs/tutorial.md
    /// solves. Or a field is not a valid name and value, or the destination is too short.
    /// </exception>
    public static int WriteAccepted(
        Span<byte> destination, in UpgradeRequest request, string? subprotocol, string? extensions = null, ReadOnlySpan<KeyValuePair<string, string>> fields = default)
    {
        RequireOffered(in request, subprotocol);
        if (request.IsHixie) return HixieHandshake.WriteAccepted(destination, in request, subprotocol, fields);
        var writer = new HeadWriter(destination);
        writer.Append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "u8);
        AcceptKey.Compute(request.Key, writer.Take(AcceptKey.AcceptLength));
        writer.Append("\r\n"u8);
        if (subprotocol is not null) writer.AppendField("Sec-WebSocket-Protocol", subprotocol);
        if (extensions is not null) writer.AppendField("Sec-WebSocket-Extensions", extensions);
        foreach ((string name, string value) in fields) writer.AppendField(name, value);
        writer.Append("\r\n"u8);
        return writer.Written;
    }

    /// <summary>Checks a choice of subprotocol for a server that writes its answer itself.</summary>
    /// <param name="request">The request.</param>
    /// <param name="subprotocol">The choice, or null for none.</param>
    /// <exception cref="ArgumentException">The client did not offer it.</exception>
    public static void RequireOffered(in UpgradeRequest request, string? subprotocol)
    {
        if (subprotocol is null || request.Offers(subprotocol)) return;
        throw new ArgumentException($"The client did not offer the subprotocol \"{subprotocol}\" (RFC 6455 section 4.2.2).", nameof(subprotocol));
    }
}
