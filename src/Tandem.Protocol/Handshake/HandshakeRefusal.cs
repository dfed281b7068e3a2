namespace Tandem.Protocol.Handshake;

/// <summary>
/// Why an opening handshake is refused: one member per rule. <see cref="HandshakeRefusals"/> maps each to its HTTP status and text.
/// </summary>
public enum HandshakeRefusal : byte
{
    /// <summary>It is not refused.</summary>
    None,

    /// <summary>The head is not HTTP: see <see cref="HttpHeadStatus"/>.</summary>
    InvalidCharacter,

    /// <summary>A field is continued on the next line.</summary>
    ObsoleteFolding,

    /// <summary>A field line has no valid name.</summary>
    InvalidFieldName,

    /// <summary>The request line does not have a method, a target and a version.</summary>
    InvalidRequestLine,

    /// <summary>The request target is neither origin-form nor absolute-form.</summary>
    InvalidTarget,

    /// <summary>The request line alone is longer than a head may be.</summary>
    TargetTooLong,

    /// <summary>The head is longer than 8 KiB.</summary>
    HeadTooLong,

    /// <summary>The head has more than 64 fields.</summary>
    TooManyFields,

    /// <summary>The HTTP version is not 1.1.</summary>
    HttpVersionNot11,

    /// <summary>The method is not GET.</summary>
    MethodNotGet,

    /// <summary>Host is absent, repeated or empty.</summary>
    InvalidHost,

    /// <summary>The request announces a body.</summary>
    UnexpectedBody,

    /// <summary>Upgrade does not hold "websocket".</summary>
    NotAnUpgrade,

    /// <summary>Connection does not hold "Upgrade".</summary>
    ConnectionNotUpgrade,

    /// <summary>Sec-WebSocket-Key is absent or repeated.</summary>
    MissingKey,

    /// <summary>Sec-WebSocket-Key is not base64 of 16 bytes.</summary>
    InvalidKey,

    /// <summary>Sec-WebSocket-Key1 or -Key2 of hixie-76 is absent, repeated, or no number that its spaces divide.</summary>
    InvalidDraftKey,

    /// <summary>Sec-WebSocket-Version is not 13, and names no draft that is spoken.</summary>
    UnsupportedVersion,

    /// <summary>Origin is repeated.</summary>
    InvalidOrigin,

    /// <summary>Sec-WebSocket-Protocol is not a list of distinct tokens.</summary>
    InvalidSubprotocols,

    /// <summary>Sec-WebSocket-Extensions breaks its grammar.</summary>
    InvalidExtensions,

    /// <summary>No WebSocket is served at this path.</summary>
    NoSuchRoute,

    /// <summary>The origin policy refuses the page.</summary>
    OriginNotAllowed,

    /// <summary>The application failed on the request.</summary>
    HandlerFailed,

    /// <summary>The application refuses the request.</summary>
    Forbidden,

    /// <summary>The server has as many connections as it may have.</summary>
    TooManyConnections,

    /// <summary>This address has as many connections as it may have.</summary>
    TooManyConnectionsFromAddress,

    /// <summary>The server is stopping.</summary>
    Stopping,

    /// <summary>The request was not complete within the handshake deadline.</summary>
    TimedOut,

    /// <summary>The application did not decide about the request within the handshake deadline.</summary>
    DecisionTimedOut,
}
