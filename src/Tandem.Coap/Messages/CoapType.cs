namespace Tandem.Coap;

/// <summary>The type of a message (RFC 7252 section 3); the value is the one on the wire.</summary>
public enum CoapType : byte
{
    /// <summary>CON: it is sent again until it is acknowledged or reset.</summary>
    Confirmable = 0,

    /// <summary>NON: it is sent once.</summary>
    NonConfirmable = 1,

    /// <summary>ACK: a confirmable message has arrived; may carry the response.</summary>
    Acknowledgement = 2,

    /// <summary>RST: a message has arrived that its receiver cannot process.</summary>
    Reset = 3,
}
