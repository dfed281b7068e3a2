using System.Net;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap;

/// <summary>Where a server listens, and its bounds.</summary>
public sealed class CoapServerOptions
{
    /// <summary>
    /// Where to listen. Default 127.0.0.1, port 5683 (RFC 7252 section 6.1). Port 0: any, see <see cref="CoapServer.LocalEndPoint"/>. <c>[::]</c> takes IPv4 as well. Multicast is not joined.
    /// </summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, CoapServer.DefaultPort);

    /// <summary>The timers of transmission.</summary>
    public CoapTransmissionOptions Transmission { get; init; } = new();

    /// <summary>How many datagrams are looked at.</summary>
    public CoapRateLimits RateLimits { get; init; } = new();

    /// <summary>
    /// Whether a client must prove that it is where its datagrams say before a request of it is carried out, or anything is kept for it (RFC 9175 section 2). Default true: without it whoever can
    /// forge a source address has this server send its answers there. False is for clients that do not know Echo.
    /// </summary>
    public bool VerifyAddresses { get; init; } = true;

    /// <summary>
    /// How many times as many bytes as it sent an address may get before it is proved. Default 1: the server amplifies nothing. A request of fewer bytes than its challenge has (18 and its
    /// token) is then rejected by a reset; <see cref="CoapClient"/> sends none. 2 or 3 serves other clients with such requests. 1 to 3.
    /// </summary>
    public int MaxAmplification { get; init; } = 1;

    /// <summary>The longest datagram that is taken, in bytes. Default 1500; 576 to 65,507. RFC 7252 section 4.6 has senders stay below 1152.</summary>
    public int MaxMessageSize { get; init; } = 1500;

    /// <summary>The size of blocks (RFC 7959) in bytes: 16, 32, 64, 128, 256, 512 or 1024. Default 1024, which fits the 1280 bytes that every IPv6 link carries.</summary>
    public int BlockSize { get; init; } = 1024;

    /// <summary>The largest body of a request in bytes; beyond, 4.13. Default 1 MiB; 1024 to 16 MiB.</summary>
    public int MaxBodySize { get; init; } = 1024 * 1024;

    /// <summary>The most bytes in all bodies that come in blocks, and again in all that go in blocks. Default 64 MiB; at least <see cref="MaxBodySize"/>.</summary>
    public long MaxTransferBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The most bodies of one client that come, and that go, in blocks; its oldest is dropped for a further one. Default 4; 1 or more.</summary>
    public int MaxTransfersPerPeer { get; init; } = 4;

    /// <summary>How long the next block of a body is waited for. Default 120 s, above the 93 s for which a client repeats a block. More than 0.</summary>
    public TimeSpan TransferTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>The most endpoints that are known at a time. The one that was quiet for longest is forgotten for a new one, and proves its address again when it comes back. Default 4096; 1 or more.</summary>
    public int MaxPeers { get; init; } = 4096;

    /// <summary>The same of one IPv4 address, or one IPv6 /64; beyond, 5.03. Default 256: many phones may share an address, but one host cannot take the whole table with its ports. 1 or more.</summary>
    public int MaxPeersPerAddress { get; init; } = 256;

    /// <summary>After how long a quiet endpoint is forgotten. Default 10 min; at least <see cref="CoapTransmissionOptions.ExchangeLifetime"/>, for which its message IDs must be remembered.</summary>
    public TimeSpan PeerLifetime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The most requests of one client that have no response; beyond, 5.03. Default 32; 1 or more.</summary>
    public int MaxRequestsPerPeer { get; init; } = 32;

    /// <summary>The most messages to one client that wait for their turn (NSTART). Default 64; 1 or more.</summary>
    public int MaxQueuedPerPeer { get; init; } = 64;

    /// <summary>
    /// How many message IDs of one client are remembered against duplicates, with their answers; beyond, its oldest is forgotten. Default 1024: a datagram would have to be overtaken
    /// by so many others of the same client. 16 to 65,536.
    /// </summary>
    public int MaxRememberedPerPeer { get; init; } = 1024;

    /// <summary>The most bytes that all of them take; beyond, the oldest are forgotten. Default 32 MiB; 64 KiB or more.</summary>
    public long MaxRememberedBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>The most observations (RFC 7641); beyond, a request is answered without being observed. Default 16,384; 0 or more.</summary>
    public int MaxObservations { get; init; } = 16_384;

    /// <summary>The same of one client. Default 16; 0 or more.</summary>
    public int MaxObservationsPerPeer { get; init; } = 16;

    /// <summary>Whether GET .well-known/core lists the resources (RFC 6690), unless one is mapped there. Default true.</summary>
    public bool ServeWellKnownCore { get; init; } = true;

    /// <summary>Called when a handler fails; the client gets 5.00. It must not block, nor throw. Default: nothing.</summary>
    public Action<Exception>? OnError { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal ExchangeSettings ToSettings()
    {
        Transmission.Validate();
        RateLimits.Validate();
        Require.That(MaxAmplification is >= 1 and <= 3, nameof(MaxAmplification), "must be 1 to 3");
        Require.That(MaxMessageSize is >= 576 and <= 65_507, nameof(MaxMessageSize), "must be 576 to 65,507");
        Require.That(BlockSize is >= 16 and <= 1024 && int.IsPow2(BlockSize), nameof(BlockSize), "must be 16, 32, 64, 128, 256, 512 or 1024");
        Require.That(MaxBodySize is >= 1024 and <= 16 * 1024 * 1024, nameof(MaxBodySize), "must be 1024 to 16 MiB");
        Require.That(MaxTransferBytes >= MaxBodySize, nameof(MaxTransferBytes), "must not be below MaxBodySize");
        Require.That(MaxTransfersPerPeer >= 1, nameof(MaxTransfersPerPeer), "must be positive");
        Require.That(TransferTimeout > TimeSpan.Zero, nameof(TransferTimeout), "must be positive");
        Require.That(MaxPeers >= 1, nameof(MaxPeers), "must be positive");
        Require.That(MaxPeersPerAddress >= 1, nameof(MaxPeersPerAddress), "must be positive");
        Require.That(PeerLifetime >= Transmission.ExchangeLifetime, nameof(PeerLifetime), "must not be below Transmission.ExchangeLifetime");
        Require.That(MaxRequestsPerPeer >= 1, nameof(MaxRequestsPerPeer), "must be positive");
        Require.That(MaxQueuedPerPeer >= 1, nameof(MaxQueuedPerPeer), "must be positive");
        Require.That(MaxRememberedPerPeer is >= 16 and <= 65_536, nameof(MaxRememberedPerPeer), "must be 16 to 65,536");
        Require.That(MaxRememberedBytes >= 65_536, nameof(MaxRememberedBytes), "must be 64 KiB or more");
        Require.That(MaxObservations >= 0, nameof(MaxObservations), "must not be negative");
        Require.That(MaxObservationsPerPeer >= 0, nameof(MaxObservationsPerPeer), "must not be negative");
        return new ExchangeSettings
        {
            Transmission = Transmission,
            RateLimits = RateLimits,
            VerifiesAddresses = VerifyAddresses,
            MaxAmplification = MaxAmplification,
            MaxMessageSize = MaxMessageSize,
            MaxPeers = MaxPeers,
            MaxPeersPerAddress = MaxPeersPerAddress,
            PeerLifetime = PeerLifetime,
            MaxInProgressPerPeer = MaxRequestsPerPeer,
            MaxQueuedPerPeer = MaxQueuedPerPeer,
            MaxRememberedPerPeer = MaxRememberedPerPeer,
            MaxRememberedBytes = MaxRememberedBytes,
        };
    }
}
