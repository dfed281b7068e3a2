namespace Tandem.Protocol.Framing;

/// <summary>What <see cref="WebSocketReader.Read"/> found in its input.</summary>
public enum WebSocketEvent : byte
{
    /// <summary>Nothing more can be made of the input. What was not consumed must be given again, with more behind it.</summary>
    NeedMoreData,

    /// <summary>A part of a message; more of it follows.</summary>
    Payload,

    /// <summary>The last part of a message, and the whole of it when no <see cref="Payload"/> came before. May be empty.</summary>
    EndOfMessage,

    /// <summary>A ping; the payload is to be sent back in a pong (RFC 6455 section 5.5.2).</summary>
    Ping,

    /// <summary>A pong (section 5.5.3).</summary>
    Pong,

    /// <summary>A valid close frame; <see cref="ClosePayload.Read"/> takes its payload apart. Nothing is read after it (section 5.5.1).</summary>
    Close,

    /// <summary>The peer broke a rule, which <see cref="WebSocketReader.Fault"/> names. Nothing is read after it (section 7.1.7).</summary>
    Fault,
}
