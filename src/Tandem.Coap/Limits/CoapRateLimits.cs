namespace Tandem.Coap;

/// <summary>
/// How many datagrams are looked at: token buckets, one for each source address (of IPv6 its /64, which is what one subscriber has) and one for all. What is above is dropped
/// unread, without an answer; a peer that keeps to RFC 7252 sends it again, later each time.
/// </summary>
public sealed class CoapRateLimits
{
    /// <summary>Datagrams a second of one address. Default 1000: an upload in blocks of 1 KiB at 1 MB/s. 1 or more.</summary>
    public int DatagramsPerSecond { get; init; } = 1000;

    /// <summary>Datagrams of one address at once, after it has been quiet. Default 2000; 1 or more.</summary>
    public int Burst { get; init; } = 2000;

    /// <summary>Datagrams a second of all addresses. Default 50,000, about what a core reads. 1 or more.</summary>
    public int TotalDatagramsPerSecond { get; init; } = 50_000;

    /// <summary>Datagrams of all addresses at once. Default 100,000; 1 or more.</summary>
    public int TotalBurst { get; init; } = 100_000;

    /// <summary>For how many addresses a bucket is kept; those beyond share one. Default 16,384, about 1 MB. 1 or more.</summary>
    public int MaxTrackedAddresses { get; init; } = 16_384;

    internal void Validate()
    {
        Require.That(DatagramsPerSecond >= 1, nameof(DatagramsPerSecond), "must be positive");
        Require.That(Burst >= 1, nameof(Burst), "must be positive");
        Require.That(TotalDatagramsPerSecond >= 1, nameof(TotalDatagramsPerSecond), "must be positive");
        Require.That(TotalBurst >= 1, nameof(TotalBurst), "must be positive");
        Require.That(MaxTrackedAddresses >= 1, nameof(MaxTrackedAddresses), "must be positive");
    }
}
