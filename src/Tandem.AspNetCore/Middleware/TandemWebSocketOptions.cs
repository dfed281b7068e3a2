using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>
/// How the WebSockets of an application are opened and kept. What <see cref="Microsoft.AspNetCore.Http.WebSocketAcceptContext"/> says about one of
/// them goes before.
/// </summary>
public sealed record TandemWebSocketOptions
{
    /// <summary>
    /// Which pages may connect; others are answered with 403. Default: those of the same host (RFC 6455 section 10.2), which is the host and
    /// the scheme of the request as the middleware before this one left them, so ForwardedHeaders belongs in front of it. Clients that are
    /// no browsers send no Origin and are let in.
    /// </summary>
    public OriginPolicy Origins { get; init; } = OriginPolicy.SameHost;

    /// <summary>
    /// How messages are compressed on every connection whose client offers permessage-deflate (RFC 7692). Default null: only where
    /// AcceptWebSocketAsync asks for it with DangerousEnableCompression, and then with the defaults of <see cref="DeflateOptions"/>. Compression
    /// reveals something of what it compresses by its length: do not use it on messages that mix secrets with what an attacker can choose.
    /// </summary>
    public DeflateOptions? Deflate { get; init; }

    /// <inheritdoc cref="WebSocketServerOptions.DeflateMemoryBudget"/>
    public long DeflateMemoryBudget { get; init; } = DeflateBudget.DefaultBytes;

    /// <inheritdoc cref="WebSocketConnectionOptions.MaxMessageSize"/>
    public long MaxMessageSize { get; init; } = long.MaxValue;

    /// <inheritdoc cref="WebSocketConnectionOptions.MaxFragments"/>
    public int MaxFragments { get; init; } = WebSocketReaderOptions.DefaultMaxFragments;

    /// <inheritdoc cref="WebSocketConnectionOptions.KeepAliveInterval"/>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc cref="WebSocketConnectionOptions.KeepAliveTimeout"/>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <inheritdoc cref="WebSocketConnectionOptions.CloseTimeout"/>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc cref="WebSocketConnectionOptions.ReceiveBufferSize"/>
    public int ReceiveBufferSize { get; init; } = 16 * 1024;

    /// <inheritdoc cref="WebSocketConnectionOptions.TimeProvider"/>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>What is the same for all connections; checks all ranges.</summary>
    internal WebSocketConnectionOptions ToConnectionOptions()
    {
        if (Origins is null) throw new ArgumentException($"{nameof(TandemWebSocketOptions)}.{nameof(Origins)} must not be null.");
        if (DeflateMemoryBudget < 0) throw new ArgumentException($"{nameof(TandemWebSocketOptions)}.{nameof(DeflateMemoryBudget)} must not be negative.");
        var options = new WebSocketConnectionOptions
        {
            MaxMessageSize = MaxMessageSize,
            MaxFragments = MaxFragments,
            KeepAliveInterval = OrNever(KeepAliveInterval),
            KeepAliveTimeout = OrNever(KeepAliveTimeout),
            CloseTimeout = CloseTimeout,
            ReceiveBufferSize = ReceiveBufferSize,
            TimeProvider = TimeProvider,
            DeflateOptions = Deflate ?? new DeflateOptions(),
        };
        options.Validate();
        return options;
    }

    /// <summary>ASP.NET Core takes zero for "never", and so do the programs that were written for it.</summary>
    internal static TimeSpan OrNever(TimeSpan wait) => wait == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : wait;
}
