using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Client;

/// <summary>Something that a session tells its application, in the order of the stream.</summary>
public abstract record SessionNotice;

/// <summary>There is a session.</summary>
/// <param name="Resumed">False: it is a new one. Where there was one before, its subscriptions and mailboxes are restored.</param>
public sealed record SessionOpened(bool Resumed) : SessionNotice;

/// <summary>The session that there was is lost, and a new one takes its place.</summary>
/// <param name="UnconfirmedMessages">Messages to the application on the server that may or may not have arrived; they are not sent again.</param>
public sealed record SessionLost(int UnconfirmedMessages) : SessionNotice;

/// <summary>An event of a topic.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Flags">Text or not.</param>
/// <param name="Key">What it is the latest state of; null: nothing.</param>
/// <param name="Payload">The event.</param>
public sealed record TopicEventReceived(string Topic, MessageFlags Flags, string? Key, ReadOnlyMemory<byte> Payload) : SessionNotice;

/// <summary>Events of a topic are missing here.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Missed">How many; 0: not known, perhaps none.</param>
public sealed record TopicGap(string Topic, long Missed) : SessionNotice;

/// <summary>How many subscribers a topic has.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Count">This one among them.</param>
public sealed record TopicPresence(string Topic, long Count) : SessionNotice;

/// <summary>A subscription could not be restored in the new session.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Code">Why.</param>
public sealed record SubscriptionEnded(string Topic, SessionCode Code) : SessionNotice;

/// <summary>A message of a mailbox, to be settled with <see cref="WebSocketSession.Settle"/>.</summary>
/// <param name="Mailbox">The mailbox.</param>
/// <param name="Delivery">What settles it.</param>
/// <param name="Flags">Text or not; whether it was delivered before.</param>
/// <param name="Payload">The message.</param>
public sealed record MailboxDelivery(string Mailbox, long Delivery, MessageFlags Flags, ReadOnlyMemory<byte> Payload) : SessionNotice
{
    /// <summary>Of which of the sessions that follow each other it is: each counts its deliveries anew.</summary>
    internal int Generation { get; init; }
}

/// <summary>A mailbox is no longer open here.</summary>
/// <param name="Mailbox">The mailbox.</param>
/// <param name="Code">Why.</param>
public sealed record MailboxEnded(string Mailbox, SessionCode Code) : SessionNotice;

/// <summary>A message of the application on the server.</summary>
/// <param name="Flags">Text or not.</param>
/// <param name="Payload">The message.</param>
public sealed record MessageReceived(MessageFlags Flags, ReadOnlyMemory<byte> Payload) : SessionNotice;
