namespace Tandem.Coap.Exchanges;

/// <summary>The bounds and timers of an <see cref="ExchangeTable"/>; the options of server and client have the defaults.</summary>
internal sealed class ExchangeSettings
{
    public required CoapTransmissionOptions Transmission { get; init; }

    public CoapRateLimits RateLimits { get; init; } = new();

    /// <summary>Whether requests are taken at all; a client takes none.</summary>
    public bool TakesRequests { get; init; } = true;

    /// <summary>Whether a peer must prove its address (RFC 9175) before a request of it is carried out.</summary>
    public bool VerifiesAddresses { get; init; } = true;

    /// <summary>How many times as many bytes as it sent an address may be sent before it is proved.</summary>
    public int MaxAmplification { get; init; } = 1;

    public int MaxMessageSize { get; init; } = 1500;

    public int MaxPeers { get; init; } = 4096;

    public int MaxPeersPerAddress { get; init; } = 256;

    public TimeSpan PeerLifetime { get; init; } = TimeSpan.FromMinutes(10);

    public int MaxQueuedPerPeer { get; init; } = 64;

    public int MaxInProgressPerPeer { get; init; } = 32;

    public int MaxRememberedPerPeer { get; init; } = 1024;

    public long MaxRememberedBytes { get; init; } = 32 * 1024 * 1024;
}
