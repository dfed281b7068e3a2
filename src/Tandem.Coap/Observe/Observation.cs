using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Observe;

/// <summary>An entry in the list of observers (RFC 7641 section 4.1). Its deadline is when the next notification may, or must, be sent.</summary>
internal sealed class Observation(Peer peer, CoapResource resource, CoapRequest request) : Timed
{
    public Peer Peer => peer;

    public CoapResource Resource => resource;

    /// <summary>What the handler is called with.</summary>
    public CoapRequest Request => request;

    /// <summary>Whether the state has changed since the handler was last called.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Whether the handler is called, or a confirmable notification is under way.</summary>
    public bool IsBusy { get; set; }

    public bool HasEnded { get; set; }

    public Sending? InFlight { get; set; }

    /// <summary>What the handler answered for the notification under way.</summary>
    public CoapResponse? Notified { get; set; }

    public uint? Sequence { get; set; }

    /// <summary>When a confirmable message last arrived there, or the observation began.</summary>
    public TimeSpan Confirmed { get; set; }

    /// <summary>No notification before that.</summary>
    public TimeSpan HoldUntil { get; set; }
}
