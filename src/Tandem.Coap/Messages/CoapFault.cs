namespace Tandem.Coap;

/// <summary>What is wrong with a datagram: one member per rule. <see cref="CoapFaults"/> maps each to its text and section.</summary>
public enum CoapFault : byte
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>Fewer than the four bytes of a header.</summary>
    TooShort,

    /// <summary>More bytes than this end takes.</summary>
    TooLong,

    /// <summary>The version is not 1.</summary>
    UnknownVersion,

    /// <summary>A token length of 9 to 15.</summary>
    ReservedTokenLength,

    /// <summary>The datagram ends within the token.</summary>
    TruncatedToken,

    /// <summary>An empty message with bytes behind its header, or with a token.</summary>
    EmptyWithContent,

    /// <summary>A code of class 1, 6 or 7.</summary>
    ReservedCodeClass,

    /// <summary>An acknowledgement that carries a request.</summary>
    AcknowledgedRequest,

    /// <summary>A non-confirmable empty message.</summary>
    NonConfirmableEmpty,

    /// <summary>A reset that is not empty.</summary>
    ResetNotEmpty,

    /// <summary>An option delta of 15 that is not the payload marker.</summary>
    ReservedOptionDelta,

    /// <summary>An option length of 15.</summary>
    ReservedOptionLength,

    /// <summary>The datagram ends within an option.</summary>
    TruncatedOption,

    /// <summary>An option number above 65,535.</summary>
    OptionNumberTooLarge,

    /// <summary>More options than this end takes.</summary>
    TooManyOptions,

    /// <summary>A payload marker with nothing behind it.</summary>
    EmptyPayload,
}
