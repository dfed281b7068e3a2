namespace Tandem.Protocol.Drafts;

/// <summary>
/// The drafts before RFC 6455 that browsers spoke between 2009 and 2011, by what a server sees of them. A set: a server speaks those that it is told to, and
/// version 13, which is the RFC's, always.
/// </summary>
/// <remarks>
/// Not here are hybi-01 to hybi-06, which no browser spoke by default: their frames are like those of no other draft.
/// </remarks>
[Flags]
public enum WebSocketDrafts : byte
{
    /// <summary>None: RFC 6455 alone.</summary>
    None = 0,

    /// <summary>
    /// draft-hixie-thewebsocketprotocol-75: a text is <c>00</c>, UTF-8, <c>FF</c>. No binary messages, no ping, no close frame. Nothing in its handshake proves that
    /// the server understood it, and nothing in its frames is masked.
    /// </summary>
    Hixie75 = 1,

    /// <summary>
    /// draft-hixie-thewebsocketprotocol-76, which is draft-ietf-hybi-thewebsocketprotocol-00: the same frames with <c>FF 00</c> to close, and a handshake with a proof
    /// in MD5.
    /// </summary>
    Hixie76 = 2,

    /// <summary>draft-ietf-hybi-thewebsocketprotocol-07, Sec-WebSocket-Version 7: the frames of RFC 6455; the page's origin is in Sec-WebSocket-Origin.</summary>
    Hybi07 = 4,

    /// <summary>
    /// draft-ietf-hybi-thewebsocketprotocol-08 to -12, Sec-WebSocket-Version 8: the frames of RFC 6455; the page's origin is in Sec-WebSocket-Origin, and from -11 on
    /// in Origin.
    /// </summary>
    Hybi08 = 8,

    /// <summary>Those whose frames have no length.</summary>
    Hixie = Hixie75 | Hixie76,

    /// <summary>Those with the frames of RFC 6455.</summary>
    Hybi = Hybi07 | Hybi08,

    /// <summary>All of them.</summary>
    All = Hixie | Hybi,
}
