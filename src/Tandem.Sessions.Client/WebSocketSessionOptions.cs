using Tandem.WebSockets;

namespace Tandem.Sessions.Client;

/// <summary>How a <see cref="WebSocketSession"/> connects, how patient it is, and how much it keeps.</summary>
public sealed record WebSocketSessionOptions
{
    /// <summary>
    /// How its WebSockets are opened: headers such as Authorization, proxy, TLS, compression, deadlines. The subprotocol and the clock are the session's own, as is the bound
    /// on messages. Default: the defaults.
    /// </summary>
    public WebSocketClientOptions Connection { get; init; } = new();

    /// <summary>
    /// Fetches a connect ticket, for servers that demand one; called before each try to begin a session, not before one that resumes. What it throws is a failed try.
    /// Default null: none.
    /// </summary>
    public Func<CancellationToken, ValueTask<string>>? GetTicket { get; init; }

    /// <summary>How long the server may take to answer OPEN. Default 10 s.</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The wait before the second try, at most; it doubles with every failed one. The wait is chosen at random between nothing and that, so that the clients
    /// of a server that was away do not come back all at once. Default 500 ms.
    /// </summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The most that it doubles to. Default 30 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most requests and messages that wait to be sent or for an answer; further ones wait their turn. Default 1024.</summary>
    public int MaxWaiting { get; init; } = 1024;

    /// <summary>
    /// Notices that wait to be read, above which nothing more is acknowledged: the server sends on to the end of its window (by default 256 frames or 1 MiB) and then
    /// applies the policies of its topics. Default 1024.
    /// </summary>
    public int MaxUnread { get; init; } = 1024;

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        Check(Connection is not null, nameof(Connection), "must not be null");
        Check(OpenTimeout > TimeSpan.Zero && OpenTimeout.TotalDays <= 1, nameof(OpenTimeout), "must be positive and at most a day");
        Check(FirstDelay > TimeSpan.Zero && FirstDelay <= MaxDelay, nameof(FirstDelay), "must be positive and at most MaxDelay");
        Check(MaxDelay.TotalDays <= 1, nameof(MaxDelay), "must be at most a day");
        Check(MaxWaiting >= 1, nameof(MaxWaiting), "must be positive");
        Check(MaxUnread >= 1, nameof(MaxUnread), "must be positive");
        Check(TimeProvider is not null, nameof(TimeProvider), "must not be null");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"WebSocketSessionOptions.{name} {rule}.");
    }
}
