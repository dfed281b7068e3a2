namespace Tandem.Coap.Exchanges;

/// <summary>A request that has come, until it has its response. Its deadline is that of its acknowledgement.</summary>
internal sealed class IncomingRequest(Peer peer, CoapMessage message, Received received) : Timed
{
    public Peer Peer => peer;

    public CoapMessage Message => message;

    public Received Received => received;

    /// <summary>Acknowledged without a response: that will be a message of its own.</summary>
    public bool IsAcknowledged { get; set; }

    public bool IsAnswered { get; set; }
}
