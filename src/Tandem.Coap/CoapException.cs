namespace Tandem.Coap;

/// <summary>Why a client has no response.</summary>
public enum CoapError : byte
{
    /// <summary>No acknowledgement, or no response, in time (RFC 7252 section 4.2).</summary>
    TimedOut,

    /// <summary>The server has rejected the request by a reset.</summary>
    Reset,

    /// <summary>The response has a critical option that is not understood (section 5.4.1).</summary>
    UnusableResponse,

    /// <summary>Too many requests wait to be sent.</summary>
    Busy,

    /// <summary>The blocks of the response do not fit each other, or change faster than they are fetched (RFC 7959 section 2.4).</summary>
    BrokenTransfer,

    /// <summary>The response is larger than <see cref="CoapClientOptions.MaxBodySize"/>.</summary>
    TooLarge,

    /// <summary>The server asks for the address to be proved (RFC 9175) again and again.</summary>
    NotVerified,
}

/// <summary>There is no response. A response that says an error is none of these.</summary>
public sealed class CoapException : Exception
{
    internal CoapException(CoapError error, string message)
        : base(message)
    {
        Error = error;
    }

    /// <summary>Why.</summary>
    public CoapError Error { get; }
}
