namespace Tandem.Coap.Exchanges;

/// <summary>A message ID that has come, remembered so that it does not come twice (RFC 7252 section 4.5).</summary>
internal sealed class Received(Peer peer, ushort messageId, TimeSpan expires)
{
    // Of the object, its places in a dictionary, a queue and a list; about.
    private const int Overhead = 200;

    public Peer Peer => peer;

    public ushort MessageId => messageId;

    /// <summary>EXCHANGE_LIFETIME or NON_LIFETIME after it came.</summary>
    public TimeSpan Expires => expires;

    /// <summary>What was sent in answer, to be sent again; null while there is none.</summary>
    public byte[]? Answer { get; set; }

    /// <summary>The request that it is, while that has no response.</summary>
    public IncomingRequest? Request { get; set; }

    /// <summary>Its place among all; null when it is forgotten.</summary>
    public LinkedListNode<Received>? Node { get; set; }

    public int Size => Overhead + (Answer?.Length ?? 0);
}
