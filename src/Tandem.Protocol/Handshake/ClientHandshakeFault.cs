namespace Tandem.Protocol.Handshake;

/// <summary>Why a client refuses a server's answer (RFC 6455 section 4.1): one member per rule.</summary>
public enum ClientHandshakeFault : byte
{
    /// <summary>The answer is right: the connection is open.</summary>
    None,

    /// <summary>The bytes are no HTTP/1.1 response head.</summary>
    InvalidHead,

    /// <summary>The status is not 101.</summary>
    UnexpectedStatus,

    /// <summary>Upgrade is not "websocket".</summary>
    NotAnUpgrade,

    /// <summary>Connection does not hold "Upgrade".</summary>
    ConnectionNotUpgrade,

    /// <summary>Sec-WebSocket-Accept is absent or repeated.</summary>
    MissingAccept,

    /// <summary>Sec-WebSocket-Accept does not follow from the key.</summary>
    WrongAccept,

    /// <summary>Sec-WebSocket-Protocol names what the client did not offer, or is repeated.</summary>
    UnofferedSubprotocol,

    /// <summary>Sec-WebSocket-Extensions names what the client did not offer.</summary>
    UnofferedExtension,

    /// <summary>Sec-WebSocket-Extensions breaks its grammar.</summary>
    InvalidExtensions,

    /// <summary>The answer to permessage-deflate is malformed, or grants something else than was offered.</summary>
    InvalidDeflateAnswer,
}
