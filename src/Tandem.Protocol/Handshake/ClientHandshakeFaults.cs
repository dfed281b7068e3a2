using System.Diagnostics;

namespace Tandem.Protocol.Handshake;

/// <summary>What each <see cref="ClientHandshakeFault"/> means in words: the one table from rule to text and section.</summary>
public static class ClientHandshakeFaults
{
    /// <summary>One line that says what is wrong with the answer, and which rule says so.</summary>
    /// <param name="fault">Any member but <see cref="ClientHandshakeFault.None"/>.</param>
    /// <returns>ASCII.</returns>
    /// <exception cref="UnreachableException">It is None, or no member.</exception>
    public static string Text(this ClientHandshakeFault fault) => fault switch
    {
        ClientHandshakeFault.InvalidHead => "the answer is not an HTTP/1.1 response head (RFC 9112 section 4)",
        ClientHandshakeFault.UnexpectedStatus => "the status is not 101 (RFC 6455 section 4.1)",
        ClientHandshakeFault.NotAnUpgrade => "Upgrade is not \"websocket\" (RFC 6455 section 4.1)",
        ClientHandshakeFault.ConnectionNotUpgrade => "Connection does not contain \"Upgrade\" (RFC 6455 section 4.1)",
        ClientHandshakeFault.MissingAccept => "Sec-WebSocket-Accept is absent or repeated (RFC 6455 section 4.1)",
        ClientHandshakeFault.WrongAccept => "Sec-WebSocket-Accept does not follow from the key (RFC 6455 section 4.1)",
        ClientHandshakeFault.UnofferedSubprotocol => "Sec-WebSocket-Protocol names what was not offered, or is repeated (RFC 6455 section 4.1)",
        ClientHandshakeFault.UnofferedExtension => "Sec-WebSocket-Extensions names what was not offered (RFC 6455 section 4.1)",
        ClientHandshakeFault.InvalidExtensions => "Sec-WebSocket-Extensions breaks its grammar (RFC 6455 section 9.1)",
        ClientHandshakeFault.InvalidDeflateAnswer => "the answer to permessage-deflate is malformed or grants something else than was offered (RFC 7692 section 7.1)",
        _ => throw new UnreachableException(),
    };
}
