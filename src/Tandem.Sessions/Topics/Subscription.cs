namespace Tandem.Sessions;

/// <summary>One session's subscription to one topic.</summary>
internal sealed class Subscription(Session session, Topic topic, bool presence)
{
    public Session Session { get; } = session;

    public Topic Topic { get; } = topic;

    /// <summary>Whether it asked for notices of presence.</summary>
    public bool Presence { get; } = presence;

    // Guarded by the topic.

    /// <summary>Where it stands in the topic's list.</summary>
    public int Index { get; set; } = -1;

    /// <summary>The number of subscribers that it was told last.</summary>
    public int PresenceTold { get; set; }

    // Guarded by the session.

    /// <summary>The next one of its session.</summary>
    public Subscription? Next { get; set; }

    public bool IsEnded { get; set; }

    /// <summary>Made when something did not fit the window, dropped when it is empty.</summary>
    public Backlog? Backlog { get; set; }

    /// <summary>Whether it counts among those that a publish has to wait for.</summary>
    public bool IsHoldingUp { get; set; }

    public bool IsFull =>
        Backlog is { } backlog && (backlog.Events - backlog.Replayed >= Topic.Options.BacklogEvents || backlog.Bytes - backlog.ReplayedBytes >= Topic.Options.BacklogBytes);
}
