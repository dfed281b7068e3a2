namespace Tandem.Protocol.Framing;

/// <summary>
/// What a peer did wrong after the opening handshake: one member per rule. <see cref="ProtocolFaults"/> maps each to its close code,
/// its text and the section of RFC 6455 that it breaks.
/// </summary>
public enum ProtocolFault : byte
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>RSV1, RSV2 or RSV3 is set and no negotiated extension gives it a meaning.</summary>
    ReservedBitSet,

    /// <summary>An opcode of 3-7 or B-F.</summary>
    ReservedOpcode,

    /// <summary>A close, ping or pong frame with FIN clear.</summary>
    FragmentedControlFrame,

    /// <summary>A close, ping or pong frame with more than 125 bytes of payload.</summary>
    ControlFrameTooLong,

    /// <summary>A client sent a frame without a masking key.</summary>
    UnmaskedClientFrame,

    /// <summary>A server sent a frame with a masking key.</summary>
    MaskedServerFrame,

    /// <summary>A continuation frame, and no message is in progress.</summary>
    UnexpectedContinuation,

    /// <summary>A new text or binary frame before the message in progress has ended.</summary>
    ExpectedContinuation,

    /// <summary>A length in a longer form than it needs.</summary>
    NonMinimalLength,

    /// <summary>A 64-bit length with its top bit set.</summary>
    LengthOver63Bits,

    /// <summary>A frame announces more payload than this end accepts in one frame.</summary>
    FrameTooBig,

    /// <summary>A message grows over what this end accepts in one message.</summary>
    MessageTooBig,

    /// <summary>A message comes in more fragments than this end accepts.</summary>
    TooManyFragments,

    /// <summary>A text message is not UTF-8.</summary>
    InvalidUtf8,

    /// <summary>A close frame with a payload of one byte, which is half a close code.</summary>
    TruncatedCloseCode,

    /// <summary>A close code that must not appear on the wire.</summary>
    InvalidCloseCode,

    /// <summary>The reason of a close frame is not UTF-8.</summary>
    InvalidUtf8InCloseReason,

    /// <summary>A compressed message is not DEFLATE data within the negotiated window.</summary>
    InvalidDeflateData,
}
