namespace Tandem.Coap.Exchanges;

internal enum ExchangeEventKind : byte
{
    /// <summary>A request has come, and must be answered: <see cref="ExchangeEvent.Request"/>.</summary>
    Request,

    /// <summary>A response to a request of this end, or a notification.</summary>
    Response,

    /// <summary>A message of this end has arrived; a response to it may still come.</summary>
    Acknowledged,

    /// <summary>The other end does not want a message of this end.</summary>
    Reset,

    /// <summary>No acknowledgement, or no response, in time.</summary>
    TimedOut,

    /// <summary>The response has a critical option that is not understood (RFC 7252 section 5.4.1).</summary>
    Unusable,

    /// <summary>A deadline that is not of this layer has come: <see cref="ExchangeEvent.Timed"/>.</summary>
    Elapsed,
}

/// <summary>What an <see cref="ExchangeTable"/> tells.</summary>
internal readonly record struct ExchangeEvent(ExchangeEventKind Kind, Timed Timed, CoapMessage? Message = null)
{
    public Sending Sending => (Sending)Timed;

    public IncomingRequest Request => (IncomingRequest)Timed;
}

/// <summary>A datagram to send.</summary>
internal readonly record struct Datagram(CoapAddress To, ReadOnlyMemory<byte> Bytes);
