namespace Tandem.Sessions;

/// <summary>What happens with an event when a subscription's backlog is full.</summary>
public enum OverflowPolicy
{
    /// <summary>The oldest event that waits is dropped.</summary>
    DropOldest,

    /// <summary>The new event is dropped.</summary>
    DropNewest,

    /// <summary>Of the events that wait only the latest of each key is kept, also before the backlog is full. Then the oldest is dropped.</summary>
    KeepLatestByKey,

    /// <summary>The publish waits until there is room, and is refused as busy at its deadline.</summary>
    Wait,

    /// <summary>The subscriber's session is closed as too slow.</summary>
    Disconnect,
}

/// <summary>The bounds and the policy of a topic.</summary>
public sealed record TopicOptions
{
    internal static readonly TopicOptions Default = new();

    /// <summary>What happens to a subscriber that falls behind. Default: its oldest events are dropped, and it is told how many.</summary>
    public OverflowPolicy Overflow { get; init; } = OverflowPolicy.DropOldest;

    /// <summary>Most events that wait for one subscriber behind its session's window. Default 1024; 1 to 1,000,000.</summary>
    public int BacklogEvents { get; init; } = 1024;

    /// <summary>Most bytes that wait for one subscriber; one event may exceed it. Default 1 MiB.</summary>
    public long BacklogBytes { get; init; } = 1024 * 1024;

    /// <summary>How long a publish waits under <see cref="OverflowPolicy.Wait"/>. Default 5 s, in steps of the hub's tick.</summary>
    public TimeSpan WaitTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most publishes that wait at a time; further ones are refused as busy at once. Default 1024.</summary>
    public int MaxWaiting { get; init; } = 1024;

    /// <summary>Most events in the history from which subscribers recover. Default 1024; 0: none.</summary>
    public int HistoryEvents { get; init; } = 1024;

    /// <summary>Most bytes of frames in the history. Default 1 MiB.</summary>
    public long HistoryBytes { get; init; } = 1024 * 1024;

    /// <summary>How old an event in the history may be. Default 5 min.</summary>
    public TimeSpan HistoryAge { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Most bytes of payload in an event. Default 64 KiB. The bound on frames is the hub's.</summary>
    public int MaxPayload { get; init; } = 64 * 1024;

    /// <summary>Of how many publishers the topic remembers what they published, so that a repetition is known. The one longest silent is forgotten. Default 1024.</summary>
    public int MaxPublishers { get; init; } = 1024;

    internal void Validate()
    {
        Check(Overflow is >= OverflowPolicy.DropOldest and <= OverflowPolicy.Disconnect, nameof(Overflow), "must be a member");
        Check(BacklogEvents is >= 1 and <= 1_000_000, nameof(BacklogEvents), "must be 1 to 1,000,000");
        Check(BacklogBytes >= 1, nameof(BacklogBytes), "must be positive");
        Check(WaitTimeout > TimeSpan.Zero, nameof(WaitTimeout), "must be positive");
        Check(MaxWaiting >= 1, nameof(MaxWaiting), "must be positive");
        Check(HistoryEvents is >= 0 and <= 1_000_000, nameof(HistoryEvents), "must be 0 to 1,000,000");
        Check(HistoryBytes >= 0, nameof(HistoryBytes), "must not be negative");
        Check(HistoryAge > TimeSpan.Zero, nameof(HistoryAge), "must be positive");
        Check(MaxPayload >= 0, nameof(MaxPayload), "must not be negative");
        Check(MaxPublishers >= 1, nameof(MaxPublishers), "must be positive");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"TopicOptions.{name} {rule}.");
    }
}
