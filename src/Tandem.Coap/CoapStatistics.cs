namespace Tandem.Coap;

/// <summary>What an endpoint has counted since it began.</summary>
public readonly record struct CoapStatistics
{
    /// <summary>Datagrams received.</summary>
    public long Received { get; init; }

    /// <summary>Datagrams sent.</summary>
    public long Sent { get; init; }

    /// <summary>Datagrams that are no CoAP message.</summary>
    public long Malformed { get; init; }

    /// <summary>Datagrams dropped by <see cref="CoapRateLimits"/>.</summary>
    public long RateLimited { get; init; }

    /// <summary>Messages that had come before.</summary>
    public long Duplicates { get; init; }

    /// <summary>Messages sent again because no acknowledgement came.</summary>
    public long Retransmissions { get; init; }

    /// <summary>Messages given up.</summary>
    public long GivenUp { get; init; }

    /// <summary>Requests answered by an Echo challenge (RFC 9175).</summary>
    public long Challenges { get; init; }

    /// <summary>Requests of unproved addresses that were too small for a challenge of no more bytes.</summary>
    public long TooSmallToChallenge { get; init; }

    /// <summary>Requests refused because a table was full.</summary>
    public long Refused { get; init; }

    /// <summary>Endpoints that are known.</summary>
    public int Peers { get; init; }
}
