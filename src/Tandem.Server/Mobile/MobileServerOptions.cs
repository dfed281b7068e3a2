using System.Net;
using Tandem.Coap;
using Tandem.Server.Link;
using Tandem.Sessions.Client;

namespace Tandem.Server.Mobile;

/// <summary>Where a <see cref="MobileServer"/> listens, for which hub, and what strangers may cost there.</summary>
public sealed record MobileServerOptions
{
    /// <summary>Where the hub has the WebSockets of its links, such as <c>ws://127.0.0.1:1818/link/websocket</c>.</summary>
    public required Uri Hub { get; init; }

    /// <summary>
    /// What the hub knows it by (<see cref="TandemLinkOptions.GatewayKey"/>). Default null: nothing; then the hub should have its address among its known proxies, or all its phones are
    /// one address there.
    /// </summary>
    public string? GatewayKey { get; init; }

    /// <summary>Where phones reach it. Default 127.0.0.1, port 5683 (RFC 7252 section 6.1). Port 0: any.</summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, CoapServer.DefaultPort);

    /// <summary>
    /// The timers of CoAP. Default: those of RFC 7252 but NSTART, which is 2: an answer that comes late does not wait for a notification that is not acknowledged. The order of
    /// messages does not depend on it, since an inbox has one notification under way.
    /// </summary>
    public CoapTransmissionOptions Transmission { get; init; } = new() { NStart = 2 };

    /// <summary>How many datagrams are looked at. Default: 4000 a second of one address, 4 MB/s in blocks of 1 KiB, which the phones of one network share.</summary>
    public CoapRateLimits RateLimits { get; init; } = new() { DatagramsPerSecond = 4000, Burst = 8000 };

    /// <summary>How sessions with the hub are kept. Default: the defaults, with tries at most 5 s apart, since phones wait meanwhile.</summary>
    public WebSocketSessionOptions Session { get; init; } = new() { MaxDelay = TimeSpan.FromSeconds(5) };

    /// <summary>The most phones at a time, each of which has a session with the hub. Default 1024; 1 or more.</summary>
    public int MaxPhones { get; init; } = 1024;

    /// <summary>The same of one address (of IPv6, of 64 bits). Default 32; 1 or more.</summary>
    public int MaxPhonesPerAddress { get; init; } = 32;

    /// <summary>How often one address may claim. Default 10 at once and 10 a minute, as at a hub.</summary>
    public LinkRate ClaimsPerAddress { get; init; } = new(10, 10);

    /// <summary>How many addresses are remembered for that. Default 16,384; 2 or more.</summary>
    public int MaxAddresses { get; init; } = 16_384;

    /// <summary>
    /// After how long without a request or an acknowledgement a phone's session is ended. What is in its inbox waits at the hub, and it may come back. Default 2 min,
    /// several times the interval at which observers renew their observation.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Max-Age of notifications: a phone that hears nothing for so long, and 5 to 15 s, observes anew (RFC 7641 section 3.3.1), which keeps its way through a NAT open and
    /// finds a gateway that began anew. Default 15 s, since NATs forget UDP after 30 s. 1 s or more.
    /// </summary>
    public TimeSpan Freshness { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the hub may take to answer before a phone is told to try again. Default 10 s.</summary>
    public TimeSpan HubTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Called with what fails in a way that is not foreseen. It must not block, nor throw. Default: nothing.</summary>
    public Action<Exception>? OnError { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        Check(Hub is { IsAbsoluteUri: true, Scheme: "ws" or "wss" }, nameof(Hub), "must be ws://... or wss://...");
        Check(MaxPhones >= 1, nameof(MaxPhones), "must be positive");
        Check(MaxPhonesPerAddress >= 1, nameof(MaxPhonesPerAddress), "must be positive");
        Check(ClaimsPerAddress.IsValid, nameof(ClaimsPerAddress), "must have a burst of 1 or more and a positive rate");
        Check(MaxAddresses >= 2, nameof(MaxAddresses), "must be 2 or more");
        Check(IdleTimeout > TimeSpan.Zero && IdleTimeout.TotalDays <= 1, nameof(IdleTimeout), "must be positive and at most a day");
        Check(Freshness.TotalSeconds >= 1 && Freshness.TotalDays <= 1, nameof(Freshness), "must be from a second to a day");
        Check(HubTimeout > TimeSpan.Zero && HubTimeout.TotalDays <= 1, nameof(HubTimeout), "must be positive and at most a day");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"MobileServerOptions.{name} {rule}.");
    }
}
