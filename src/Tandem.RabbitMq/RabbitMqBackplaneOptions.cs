namespace Tandem.RabbitMq;

/// <summary>Where the broker is, and the bounds and deadlines of a node's dealings with it.</summary>
public sealed record RabbitMqBackplaneOptions
{
    /// <summary>The broker: <c>amqp://user:password@host:port/vhost</c>, or <c>amqps</c>. No default.</summary>
    public required Uri Uri { get; init; }

    /// <summary>What the names of all exchanges and queues begin with: two systems on one virtual host need two. Default "tandem"; 1 to 32 of a-z, 0-9, '-' and '.'.</summary>
    public string Prefix { get; init; } = "tandem";

    /// <summary>
    /// How long a publish, a send, a join or the opening of a mailbox waits for a broker that cannot be reached or does not confirm; then it is Unavailable. Default 10 s:
    /// a restart of the broker takes half of it. At least 100 ms.
    /// </summary>
    public TimeSpan ConfirmTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long other nodes are waited for when they are asked what they have of a topic. Default 2 s: a node that does not answer in that time is on its way to being given up. At least 100 ms.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a connection to the broker may take, handshake included. Default 5 s; at least 100 ms.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>AMQP's heartbeat: a side that hears nothing for two of them gives the connection up. Default 5 s; whole seconds, 1 to 60.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The ceiling of the first wait before connecting again; it doubles up to <see cref="MaxReconnectDelay"/>, and of each a random part is waited. Default 100 ms.</summary>
    public TimeSpan MinReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The highest ceiling of that wait. Default 2 s, well below <see cref="ConfirmTimeout"/>.</summary>
    public TimeSpan MaxReconnectDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Most messages of this node's queue that are with the node and not done with. Default 1024; 64 to 65535.</summary>
    public int Prefetch { get; init; } = 1024;

    /// <summary>Most messages in this node's queue at the broker; beyond, the oldest go, and subscribers are told of a gap. Default 100,000.</summary>
    public int MaxQueuedMessages { get; init; } = 100_000;

    /// <summary>The same in bytes. Default 64 MiB.</summary>
    public long MaxQueuedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Most messages that are sent and not confirmed, or wait to be sent; beyond, publishes are Unavailable at once. Default 16,384.</summary>
    public int MaxUnconfirmedMessages { get; init; } = 16_384;

    /// <summary>The same in bytes. Default 64 MiB.</summary>
    public long MaxUnconfirmedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Most bytes of history in an answer to another node; of more, the latest are sent. Default 8 MiB, half of what a broker takes in one message from version 4 on.</summary>
    public int MaxHistoryBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Most mailboxes that are open on this node; further ones are Full. Default 1000: each has an AMQP channel, of which a broker by default allows 2047.</summary>
    public int MaxOpenMailboxes { get; init; } = 1000;

    /// <summary>Called when the connection to the broker is there (null) and when it is lost or could not be made (why). It must not block, nor throw. Default: nothing.</summary>
    public Action<Exception?>? ConnectionChanged { get; init; }

    /// <summary>Called when a message of another node could not be understood, or the hub failed with it; the next ones go on. It must not block, nor throw. Default: nothing.</summary>
    public Action<Exception>? Faulted { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        Check(Uri is { IsAbsoluteUri: true, Scheme: "amqp" or "amqps" }, nameof(Uri), "must be amqp://... or amqps://...");
        Check(Prefix.Length is >= 1 and <= 32 && Prefix.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.'), nameof(Prefix), "must be 1 to 32 of a-z, 0-9, '-' and '.'");
        var least = TimeSpan.FromMilliseconds(100);
        Check(ConfirmTimeout >= least, nameof(ConfirmTimeout), "must be 100 ms or more");
        Check(AnswerTimeout >= least, nameof(AnswerTimeout), "must be 100 ms or more");
        Check(ConnectTimeout >= least, nameof(ConnectTimeout), "must be 100 ms or more");
        Check(Heartbeat.TotalSeconds is >= 1 and <= 60 && Heartbeat.Ticks % TimeSpan.TicksPerSecond == 0, nameof(Heartbeat), "must be whole seconds, 1 to 60");
        Check(MinReconnectDelay > TimeSpan.Zero, nameof(MinReconnectDelay), "must be positive");
        Check(MaxReconnectDelay >= MinReconnectDelay, nameof(MaxReconnectDelay), "must not be below MinReconnectDelay");
        Check(Prefetch is >= 64 and <= 65535, nameof(Prefetch), "must be 64 to 65535");
        Check(MaxQueuedMessages >= 1, nameof(MaxQueuedMessages), "must be positive");
        Check(MaxQueuedBytes >= 1, nameof(MaxQueuedBytes), "must be positive");
        Check(MaxUnconfirmedMessages >= 1, nameof(MaxUnconfirmedMessages), "must be positive");
        Check(MaxUnconfirmedBytes >= 1, nameof(MaxUnconfirmedBytes), "must be positive");
        Check(MaxHistoryBytes is >= 65536 and <= 100 * 1024 * 1024, nameof(MaxHistoryBytes), "must be 64 KiB to 100 MiB");
        Check(MaxOpenMailboxes is >= 1 and <= 2000, nameof(MaxOpenMailboxes), "must be 1 to 2000");
        Check(TimeProvider is not null, nameof(TimeProvider), "must not be null");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"RabbitMqBackplaneOptions.{name} {rule}.");
    }
}
