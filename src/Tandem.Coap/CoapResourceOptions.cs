namespace Tandem.Coap;

/// <summary>How a resource is served.</summary>
public sealed class CoapResourceOptions
{
    /// <summary>The longest time between two confirmable notifications (RFC 7641 section 4.5).</summary>
    private static readonly TimeSpan MaxConfirmableInterval = TimeSpan.FromHours(24);

    /// <summary>Whether it may be observed (RFC 7641). Default false.</summary>
    public bool IsObservable { get; init; }

    /// <summary>
    /// Whether all notifications are confirmable: each is repeated until it has arrived, and the next goes out then, with what the state is by then. Default true. False: they are sent once
    /// each, <see cref="NonConfirmableSpacing"/> apart, and a lost one is lost.
    /// </summary>
    public bool ConfirmNotifications { get; init; } = true;

    /// <summary>
    /// After how long without an acknowledged notification the state is sent in a confirmable one, changed or not, so that an observer that is gone is noticed. Default 24 h, the
    /// RFC's most (section 4.5). More than 0.
    /// </summary>
    public TimeSpan ConfirmableInterval { get; init; } = MaxConfirmableInterval;

    /// <summary>The least time between two notifications that are not confirmable. Default 3 s (section 4.5.1); 0 or more.</summary>
    public TimeSpan NonConfirmableSpacing { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Called when a confirmable notification has been acknowledged, with the request that began the observation and the response of the handler that was sent. Of a body in several
    /// blocks the first has arrived by then (RFC 7959 section 2.6). It must not block, nor throw, nor notify. Default: nothing.
    /// </summary>
    public Action<CoapRequest, CoapResponse>? OnAcknowledged { get; init; }

    /// <summary>Called when an observation has ended, with the request that began it. It must not block, nor throw. Default: nothing.</summary>
    public Action<CoapRequest, CoapObservationEnd>? OnObservationEnded { get; init; }

    internal void Validate()
    {
        Require.That(ConfirmableInterval > TimeSpan.Zero && ConfirmableInterval <= MaxConfirmableInterval, nameof(ConfirmableInterval), "must be positive and not above 24 h");
        Require.That(NonConfirmableSpacing >= TimeSpan.Zero, nameof(NonConfirmableSpacing), "must not be negative");
    }
}

/// <summary>Why an observation has ended.</summary>
public enum CoapObservationEnd : byte
{
    /// <summary>The client does not want it any more: it said so, or it rejected a notification (RFC 7641 section 3.6).</summary>
    Cancelled,

    /// <summary>The client did not acknowledge a notification in time (section 4.5).</summary>
    TimedOut,

    /// <summary>The handler answered with an error, which was the last notification (section 4.2).</summary>
    Failed,

    /// <summary>The client has registered again with the same token: another observation goes on in its place (section 4.1).</summary>
    Replaced,

    /// <summary>The server stops.</summary>
    Stopped,
}
