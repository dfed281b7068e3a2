namespace Tandem.Sessions;

/// <summary>The bounds of a mailbox.</summary>
public sealed record MailboxOptions
{
    internal static readonly MailboxOptions Default = new();

    /// <summary>Most messages, those that are delivered but not settled among them. Default 1000.</summary>
    public int MaxMessages { get; init; } = 1000;

    /// <summary>Most bytes of their payloads. Default 4 MiB.</summary>
    public long MaxBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>How long a message waits before it is dropped; one that is with a consumer does not expire. Default 1 day.</summary>
    public TimeSpan MessageTimeToLive { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a mailbox lives without a consumer and without a message being put in. Default 2 days.</summary>
    public TimeSpan UnusedTimeToLive { get; init; } = TimeSpan.FromDays(2);

    /// <summary>
    /// Whether it exists only while it has a consumer: a message to one that nobody has open is answered with NotFound, and when its consumer closes it, or the
    /// consumer's session ends, what is in it is gone with it. A session that is between two carriers has it still. Where another node takes it over, or the way to
    /// the other nodes is lost, what was not delivered is lost too. Default false. <see cref="UnusedTimeToLive"/> then means nothing.
    /// </summary>
    public bool RequiresConsumer { get; init; }

    /// <summary>
    /// How long a consumer may have it, from its opening; then the consumer is told Expired, to the second. Default: without end
    /// (<see cref="Timeout.InfiniteTimeSpan"/>).
    /// </summary>
    public TimeSpan ConsumerTimeToLive { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>Most bytes of payload in a message. Default 64 KiB. The bound on frames is the hub's.</summary>
    public int MaxPayload { get; init; } = 64 * 1024;

    internal void Validate()
    {
        Check(MaxMessages >= 1, nameof(MaxMessages), "must be positive");
        Check(MaxBytes >= 1, nameof(MaxBytes), "must be positive");
        Check(MessageTimeToLive > TimeSpan.Zero, nameof(MessageTimeToLive), "must be positive");
        Check(UnusedTimeToLive > TimeSpan.Zero, nameof(UnusedTimeToLive), "must be positive");
        Check(ConsumerTimeToLive > TimeSpan.Zero || ConsumerTimeToLive == Timeout.InfiniteTimeSpan, nameof(ConsumerTimeToLive), "must be positive or infinite");
        Check(MaxPayload >= 0, nameof(MaxPayload), "must not be negative");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"MailboxOptions.{name} {rule}.");
    }
}
