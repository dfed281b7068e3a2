using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>The bounds and deadlines of a hub's sessions.</summary>
public sealed record SessionHubOptions
{
    /// <summary>Most sessions at a time, those without a carrier among them. Default 100,000.</summary>
    public int MaxSessions { get; init; } = 100_000;

    /// <summary>Most sessions of one owner, or of one address where nobody was authenticated. Default 64. A reverse proxy that hides addresses needs more.</summary>
    public int MaxSessionsPerOwner { get; init; } = 64;

    /// <summary>How long a session outlives its last carrier. Default 60 s; at least 1 s.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest silence of a side on a carrier; after two the carrier is given up. Default 25 s, below the 60 s after which common proxies cut a silent connection; at least 1 s, in whole seconds.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Most bytes of a frame in either direction. Default 128 KiB; 2 KiB to 16 MiB.</summary>
    public int MaxFrameBytes { get; init; } = 128 * 1024;

    /// <summary>Frames of events, deliveries and messages that a client has not acknowledged, before further ones wait. Default 256; 1 to 65536. Clients acknowledge every 64 frames or 200 ms: below 128 that slows a fast stream down.</summary>
    public int WindowFrames { get; init; } = 256;

    /// <summary>The same in bytes; one frame may exceed it. Default 1 MiB.</summary>
    public long WindowBytes { get; init; } = 1024 * 1024;

    /// <summary>Replies and notices that a client has not acknowledged, before its session is closed as too slow. Default 1024.</summary>
    public int MaxControlFrames { get; init; } = 1024;

    /// <summary>The same in bytes. Default 1 MiB.</summary>
    public long MaxControlBytes { get; init; } = 1024 * 1024;

    /// <summary>Most bytes in all backlogs of a session together, above which the policies of its topics apply; those with the policy Wait have their own bound only. Default 4 MiB.</summary>
    public long MaxBacklogBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Most requests of a session without an answer. Default 256.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>Most subscriptions of a session. Default 256.</summary>
    public int MaxSubscriptions { get; init; } = 256;

    /// <summary>Most open mailboxes of a session. Default 16.</summary>
    public int MaxMailboxes { get; init; } = 16;

    /// <summary>Most topics on this node; further ones are answered with Full. Default 100,000.</summary>
    public int MaxTopics { get; init; } = 100_000;

    /// <summary>After how long without a subscriber, a publish or history a topic is forgotten, and with it who published what. Default 5 min.</summary>
    public TimeSpan TopicIdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether a new session needs a connect ticket. Default false.</summary>
    public bool RequireTicket { get; init; }

    /// <summary>Most connect tickets that are out; beyond that none are issued. Default 10,000.</summary>
    public int MaxTickets { get; init; } = 10_000;

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        Check(MaxSessions >= 1, nameof(MaxSessions), "must be positive");
        Check(MaxSessionsPerOwner >= 1, nameof(MaxSessionsPerOwner), "must be positive");
        Check(TimeToLive >= TimeSpan.FromSeconds(1), nameof(TimeToLive), "must be 1 s or more");
        Check(Heartbeat >= TimeSpan.FromSeconds(1) && Heartbeat.Ticks % TimeSpan.TicksPerSecond == 0, nameof(Heartbeat), "must be whole seconds, 1 or more");
        Check(MaxFrameBytes is >= ProtocolLimits.MinFrameBytes and <= 16 * 1024 * 1024, nameof(MaxFrameBytes), "must be 2 KiB to 16 MiB");
        Check(WindowFrames is >= 1 and <= 65536, nameof(WindowFrames), "must be 1 to 65536");
        Check(WindowBytes >= 1, nameof(WindowBytes), "must be positive");
        Check(MaxControlFrames >= 1, nameof(MaxControlFrames), "must be positive");
        Check(MaxControlBytes >= ProtocolLimits.MinFrameBytes, nameof(MaxControlBytes), "must be 2 KiB or more");
        Check(MaxBacklogBytes >= 1, nameof(MaxBacklogBytes), "must be positive");
        Check(MaxRequests >= 1, nameof(MaxRequests), "must be positive");
        Check(MaxSubscriptions >= 1, nameof(MaxSubscriptions), "must be positive");
        Check(MaxMailboxes >= 1, nameof(MaxMailboxes), "must be positive");
        Check(MaxTopics >= 1, nameof(MaxTopics), "must be positive");
        Check(TopicIdleTimeout > TimeSpan.Zero, nameof(TopicIdleTimeout), "must be positive");
        Check(MaxTickets >= 1, nameof(MaxTickets), "must be positive");
        Check(TimeProvider is not null, nameof(TimeProvider), "must not be null");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"SessionHubOptions.{name} {rule}.");
    }
}
