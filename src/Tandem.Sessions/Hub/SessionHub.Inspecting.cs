namespace Tandem.Sessions;

/// <content>Looking at what there is.</content>
public sealed partial class SessionHub
{
    /// <summary>
    /// Shows sessions, topics and mailboxes. It holds up nobody: the locks of those that are shown, and of topics and mailboxes, are taken one after the other, for as long
    /// as it takes to read a few numbers.
    /// </summary>
    /// <param name="most">How many of each to show at most: 1 to 10,000.</param>
    /// <returns>What there is; each part of it is of its own moment.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="most"/> is out of its range.</exception>
    public HubSnapshot GetSnapshot(int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, Largest<Session>.Limit);
        var sessions = new Largest<Session>(most);
        foreach (KeyValuePair<UInt128, Session> session in _sessions) sessions.Offer(session.Value, session.Value.ApproximateWaitingBytes);
        var topics = new Largest<TopicSnapshot>(most);
        foreach (KeyValuePair<string, Topic> topic in _topics)
        {
            TopicSnapshot found = topic.Value.ToSnapshot();
            topics.Offer(found, found.Subscribers);
        }

        return new HubSnapshot(
            Sessions, [.. sessions.Descending().Select(session => session.ToSnapshot())], Topics, [.. topics.Descending()], Backplane.GetMailboxes(most));
    }

    /// <summary>Shows the mailboxes of one kind, in the same way.</summary>
    /// <param name="prefix">What their names begin with.</param>
    /// <param name="most">How many to show at most: 1 to 10,000.</param>
    /// <returns>How many there are, and those with most bytes; null: they are not in the memory of this process.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="most"/> is out of its range.</exception>
    public MailboxPage? GetMailboxes(string prefix, int most)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, Largest<MailboxSnapshot>.Limit);
        return Backplane.GetMailboxes(most, prefix);
    }
}
