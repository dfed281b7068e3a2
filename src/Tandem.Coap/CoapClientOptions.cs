using System.Net;
using System.Net.Sockets;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap;

/// <summary>The bounds of a client.</summary>
public sealed class CoapClientOptions
{
    /// <summary>The timers of transmission. <see cref="CoapTransmissionOptions.NStart"/> is how many requests may be outstanding; with 1, the default, the server gets them in the order of the calls.</summary>
    public CoapTransmissionOptions Transmission { get; init; } = new();

    /// <summary>The address to send from. Default null: any, any port.</summary>
    public IPEndPoint? LocalEndPoint { get; init; }

    /// <summary>The size of blocks (RFC 7959) in bytes: 16, 32, 64, 128, 256, 512 or 1024. Default 1024. What is larger is sent in blocks; of responses, a smaller size is asked for.</summary>
    public int BlockSize { get; init; } = 1024;

    /// <summary>The largest body of a response in bytes. Default 1 MiB; 1024 to 16 MiB.</summary>
    public int MaxBodySize { get; init; } = 1024 * 1024;

    /// <summary>The longest datagram that is taken, in bytes. Default 1500; 576 to 65,507.</summary>
    public int MaxMessageSize { get; init; } = 1500;

    /// <summary>The most requests that wait for their turn (NSTART); beyond, <see cref="CoapError.Busy"/>. Default 1024; 1 or more.</summary>
    public int MaxQueued { get; init; } = 1024;

    /// <summary>
    /// Whether requests are made as long as a challenge of the server for the address (RFC 9175) by an option without meaning (Request-Tag), which a server that amplifies nothing needs to
    /// challenge at all. Default true; costs up to 14 bytes in requests that are shorter than 26.
    /// </summary>
    public bool PadRequests { get; init; } = true;

    /// <summary>How many notifications of an observation are kept for a reader that is slow; beyond, the oldest go, since the latest state is what counts. Default 64; 1 or more.</summary>
    public int MaxQueuedNotifications { get; init; } = 64;

    /// <summary>
    /// Called when the system says that the server cannot be reached: <see cref="SocketError.ConnectionRefused"/>, nobody has its port; <see cref="SocketError.HostUnreachable"/> or
    /// <see cref="SocketError.NetworkUnreachable"/>, there is no way to it. Nothing else follows of it: messages are repeated as before, since whoever knows the client's port can say so, and
    /// a server may be back for the next repetition. It must not throw; it may be called often. On Linux, and of ports on Windows. Default: nothing.
    /// </summary>
    public Action<SocketError>? OnUnreachable { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal ExchangeSettings ToSettings()
    {
        Transmission.Validate();
        Require.That(BlockSize is >= 16 and <= 1024 && int.IsPow2(BlockSize), nameof(BlockSize), "must be 16, 32, 64, 128, 256, 512 or 1024");
        Require.That(MaxBodySize is >= 1024 and <= 16 * 1024 * 1024, nameof(MaxBodySize), "must be 1024 to 16 MiB");
        Require.That(MaxMessageSize is >= 576 and <= 65_507, nameof(MaxMessageSize), "must be 576 to 65,507");
        Require.That(MaxQueued >= 1, nameof(MaxQueued), "must be positive");
        Require.That(MaxQueuedNotifications >= 1, nameof(MaxQueuedNotifications), "must be positive");
        return new ExchangeSettings
        {
            Transmission = Transmission,
            TakesRequests = false,
            MaxMessageSize = MaxMessageSize,
            MaxQueuedPerPeer = MaxQueued,
            RateLimits = new CoapRateLimits { DatagramsPerSecond = 50_000, Burst = 100_000 }, // its one server's, whose blocks come as fast as it asks for them
            PeerLifetime = 2 * Transmission.ExchangeLifetime,
        };
    }
}
