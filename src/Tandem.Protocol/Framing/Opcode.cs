namespace Tandem.Protocol.Framing;

/// <summary>What a frame carries (RFC 6455 section 5.2). The values are those of the wire; all others are reserved.</summary>
public enum Opcode : byte
{
    /// <summary>A further fragment of the message in progress (section 5.4).</summary>
    Continuation = 0x0,

    /// <summary>The first or only fragment of a text message, UTF-8 (section 5.6).</summary>
    Text = 0x1,

    /// <summary>The first or only fragment of a binary message (section 5.6).</summary>
    Binary = 0x2,

    /// <summary>The closing handshake (section 5.5.1).</summary>
    Close = 0x8,

    /// <summary>A question that a pong answers (section 5.5.2).</summary>
    Ping = 0x9,

    /// <summary>The answer to a ping, or an unsolicited heartbeat (section 5.5.3).</summary>
    Pong = 0xA,
}
