namespace Tandem.Sessions;

/// <summary>What a hub has at one moment: how many of each there are, and some of them.</summary>
/// <param name="TotalSessions">How many sessions there are, those without a carrier among them.</param>
/// <param name="Sessions">Those for whose clients most bytes wait.</param>
/// <param name="TotalTopics">How many topics this node has.</param>
/// <param name="Topics">Those with most subscribers.</param>
/// <param name="Mailboxes">The mailboxes; null: the backplane does not have them in this process.</param>
public sealed record HubSnapshot(
    int TotalSessions, IReadOnlyList<SessionSnapshot> Sessions, int TotalTopics, IReadOnlyList<TopicSnapshot> Topics, MailboxPage? Mailboxes);

/// <summary>A session at one moment.</summary>
/// <param name="Session">The session itself, which may have changed since.</param>
/// <param name="Carrier">What moves its frames; null: nothing does.</param>
/// <param name="Subscriptions">How many topics it is subscribed to.</param>
/// <param name="Mailboxes">How many mailboxes it has open.</param>
/// <param name="WaitingFrames">Frames that its client has not acknowledged.</param>
/// <param name="WaitingBytes">Bytes of those, and of the events behind them for which there is no room yet.</param>
public sealed record SessionSnapshot(Session Session, Carrier? Carrier, int Subscriptions, int Mailboxes, int WaitingFrames, long WaitingBytes);

/// <summary>A topic at one moment, on one node.</summary>
/// <param name="Name">The topic.</param>
/// <param name="Subscribers">Its subscribers on this node.</param>
/// <param name="HistoryEvents">Events that are kept for who comes later.</param>
/// <param name="WaitingEvents">Events that wait for subscribers or the backplane.</param>
public sealed record TopicSnapshot(string Name, int Subscribers, int HistoryEvents, int WaitingEvents);

/// <summary>Some of the mailboxes, and how many there are.</summary>
/// <param name="Total">How many there are.</param>
/// <param name="Mailboxes">Those with most bytes.</param>
public sealed record MailboxPage(int Total, IReadOnlyList<MailboxSnapshot> Mailboxes);

/// <summary>A mailbox at one moment.</summary>
/// <param name="Name">The mailbox.</param>
/// <param name="HasConsumer">Whether somebody has it open.</param>
/// <param name="Messages">Messages in it, those that are with the consumer among them.</param>
/// <param name="Bytes">Bytes of their payloads.</param>
public sealed record MailboxSnapshot(string Name, bool HasConsumer, int Messages, long Bytes);
