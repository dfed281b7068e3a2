using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets;

/// <summary>What a <see cref="WebSocketConnection"/> is told about its connection, and what it waits for.</summary>
public sealed record WebSocketConnectionOptions
{
    /// <summary>Which end this is: a client masks what it sends, a server does not (RFC 6455 section 5.1). Default: server.</summary>
    public WebSocketRole Role { get; init; } = WebSocketRole.Server;

    /// <summary>The subprotocol that the opening handshake agreed on (section 1.9). Default null: none.</summary>
    public string? Subprotocol { get; init; }

    /// <summary>
    /// What the opening handshake agreed on for permessage-deflate (RFC 7692). Default null: nothing is compressed. A connection that keeps
    /// its contexts holds about 400 KB for them once both are in use; <see cref="DeflateBudget"/> counts it, and tells a server what to agree to.
    /// </summary>
    public DeflateParameters? Deflate { get; init; }

    /// <summary>How this end compresses, where <see cref="Deflate"/> is set: level, memory, least size. Default: those of <see cref="DeflateOptions"/>.</summary>
    public DeflateOptions DeflateOptions { get; init; } = new();

    /// <summary>
    /// Most bytes of payload in one message, all fragments together; a larger one is refused with 1009 as soon as a header announces more.
    /// Default: no limit, as with the BCL, because nothing is gathered here: what a connection holds is bounded by the buffer that its
    /// application receives into. An application that gathers messages sets its limit here.
    /// </summary>
    public long MaxMessageSize { get; init; } = long.MaxValue;

    /// <summary>
    /// Most frames in one message, empty ones included; one more is refused with 1008. A message of fragments without payload is endless
    /// work under any limit of size. Default 131,072, as on the event loop; at least 1. The BCL has no such limit, which is
    /// <see cref="int.MaxValue"/>.
    /// </summary>
    public int MaxFragments { get; init; } = WebSocketReaderOptions.DefaultMaxFragments;

    /// <summary>
    /// After how long without a byte from the peer it is sent a ping (section 5.5.2). Default 30 s, below the 60 s after which common proxies
    /// cut a silent connection. It costs one timer for the connection. <see cref="Timeout.InfiniteTimeSpan"/>: never, and no timer.
    /// </summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long after that ping the peer may stay silent before the connection is aborted. Only time during which a receive is pending
    /// counts: a peer whose bytes nobody reads is not silent. Default 20 s. <see cref="Timeout.InfiniteTimeSpan"/>: forever.
    /// </summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long a peer may be silent after it was sent a close frame, while a receive or a close waits for its answer. Then the connection is
    /// aborted. Default 30 s: longer than the event loop's, because the answer may be up to an application that has work to finish.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: forever, as with the BCL.
    /// </summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Bytes that one read from the stream takes at most, when they do not go straight into the application's buffer. The buffer is rented
    /// when there is more to read than the 256 bytes of a first read, and goes back when it is used up. Default 16 KiB; 1 KiB to 1 MiB.
    /// </summary>
    public int ReceiveBufferSize { get; init; } = 16 * 1024;

    /// <summary>The clock for all deadlines. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where its metrics go. Default: <see cref="WebSocketTelemetry.Shared"/>.</summary>
    public WebSocketTelemetry Telemetry { get; init; } = WebSocketTelemetry.Shared;

    /// <summary>Checks all ranges. Every connection does it; a host that makes many by one set of options does it when it starts.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public void Validate()
    {
        Check(Role is WebSocketRole.Server or WebSocketRole.Client, nameof(Role), "must be server or client");
        Check(Subprotocol is not "", nameof(Subprotocol), "must be null or a name");
        Check(DeflateOptions is not null, nameof(DeflateOptions), "must not be null");
        DeflateOptions!.Validate();
        Check(Deflate is null or { ServerMaxWindowBits: >= 8 and <= 15, ClientMaxWindowBits: >= 8 and <= 15 }, nameof(Deflate), "must have windows of 8 to 15 bits");
        Check(MaxMessageSize >= 0, nameof(MaxMessageSize), "must not be negative");
        Check(MaxFragments >= 1, nameof(MaxFragments), "must be at least 1");
        Check(ReceiveBufferSize is >= 1024 and <= 1024 * 1024, nameof(ReceiveBufferSize), "must be 1 KiB to 1 MiB");
        Check(TimeProvider is not null, nameof(TimeProvider), "must not be null");
        Check(Telemetry is not null, nameof(Telemetry), "must not be null");
        CheckWait(KeepAliveInterval, nameof(KeepAliveInterval));
        CheckWait(KeepAliveTimeout, nameof(KeepAliveTimeout));
        CheckWait(CloseTimeout, nameof(CloseTimeout));
    }

    // The upper bound is that of timers: 2^32 - 2 milliseconds.
    private static void CheckWait(TimeSpan wait, string name) =>
        Check(
            wait == Timeout.InfiniteTimeSpan || (wait > TimeSpan.Zero && wait <= TimeSpan.FromMilliseconds(uint.MaxValue - 1)),
            name,
            "must be positive and at most 49 days, or Timeout.InfiniteTimeSpan");

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"WebSocketConnectionOptions.{name} {rule}.");
    }
}
