using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// What lies between a hub and the hubs of other nodes. A hub counts the events that are published on it and delivers them to its own subscribers itself;
/// the backplane takes them to the other nodes, and keeps the mailboxes. All members may be called by many threads at once; none may block.
/// </summary>
public abstract class Backplane : IAsyncDisposable
{
    /// <summary>
    /// Whether other nodes may have subscribers or publishers. False: <see cref="PublishAsync"/>, <see cref="JoinAsync"/>, <see cref="Leave"/> and
    /// <see cref="HistoryAsync"/> are never called, and a publish costs one lock. It must not change while a hub uses the backplane.
    /// </summary>
    public abstract bool IsShared { get; }

    /// <summary>Called once by each hub that is given this backplane, before anything else.</summary>
    /// <param name="node">What the backplane calls. It may be called at once, on any thread, without locks held.</param>
    public abstract void Attach(BackplaneNode node);

    /// <summary>
    /// Takes an event to the other nodes that have joined its topic. Called with offsets in order, one call at a time for a topic and origin, not waiting for the
    /// answers to earlier ones (at most 64 are open).
    /// Promise: each node that has joined sees the events of one origin in the order of these calls, each at least once or, when the way to it
    /// was lost, with a hole in the offsets; never out of order. Hubs drop repetitions and report holes.
    /// </summary>
    /// <param name="node">The hub that publishes: it does not want its own event back.</param>
    /// <param name="message">The event. The payload does not change any more.</param>
    /// <returns>
    /// <see cref="SessionCode.Ok"/> when the event cannot be lost any more by the end of this node;
    /// otherwise <see cref="SessionCode.Unavailable"/>: whether it arrives is not known, and its publisher is told so.
    /// </returns>
    public abstract ValueTask<SessionCode> PublishAsync(BackplaneNode node, TopicMessage message);

    /// <summary>
    /// This node wants the events of a topic. Promise: every event for which another node's <see cref="PublishAsync"/> begins after this has completed is delivered.
    /// </summary>
    /// <param name="node">The hub.</param>
    /// <param name="topic">The topic.</param>
    /// <returns>
    /// A code, and how far the other nodes' origins have counted, or further. An origin that is not named is taken to begin with 1 after this call.
    /// </returns>
    public abstract ValueTask<(SessionCode Code, IReadOnlyList<TopicPosition> Heads)> JoinAsync(BackplaneNode node, string topic);

    /// <summary>This node has no more use for the events of a topic. A few more may come.</summary>
    /// <param name="node">The hub.</param>
    /// <param name="topic">The topic.</param>
    public abstract void Leave(BackplaneNode node, string topic);

    /// <summary>What other nodes still have of a topic. Called after <see cref="JoinAsync"/>, for a subscriber that recovers.</summary>
    /// <param name="node">The hub.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="after">The position of the subscriber.</param>
    /// <returns>Within a bounded time what answered by then: events in the order of their origins. Empty when nobody did.</returns>
    public abstract ValueTask<BackplaneHistory> HistoryAsync(BackplaneNode node, string topic, IReadOnlyList<TopicPosition> after);

    /// <summary>Puts a message into a mailbox. Promise: once, however often it comes with the same publisher and number.</summary>
    /// <param name="mailbox">The mailbox, made when there is none.</param>
    /// <param name="options">Its bounds, which count when it is made.</param>
    /// <param name="message">The message. The payload does not change any more.</param>
    /// <returns>Ok when it is stored; Full; Unavailable: not known.</returns>
    public abstract ValueTask<SessionCode> SendAsync(string mailbox, MailboxOptions options, MailboxMessage message);

    /// <summary>Makes somebody the one consumer of a mailbox. The consumer before it is told <see cref="SessionCode.TakenOver"/>.</summary>
    /// <param name="mailbox">The mailbox, made when there is none.</param>
    /// <param name="options">Its bounds, which count when it is made.</param>
    /// <param name="consumer">Who takes the messages; deliveries begin after <see cref="MailboxConsumer.Resume"/> was called.</param>
    /// <returns>Ok or Unavailable.</returns>
    public abstract ValueTask<SessionCode> ConsumeAsync(string mailbox, MailboxOptions options, MailboxConsumer consumer);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}

/// <summary>The hub, as its backplane sees it.</summary>
public abstract class BackplaneNode
{
    private protected BackplaneNode()
    {
    }

    /// <summary>An event of another node. Events of one origin come in order, one call at a time for a topic.</summary>
    /// <param name="message">The event; the payload does not change any more.</param>
    /// <returns>
    /// Completes when the subscribers have it, at the latest after the topic's wait for room. A backplane that awaits it before it takes the
    /// next event from its queue holds back the publishers, which is what the policy Wait is for.
    /// </returns>
    public abstract ValueTask DeliverAsync(TopicMessage message);

    /// <summary>What this node has of a topic, for another node.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="after">The position of the subscriber.</param>
    /// <returns>Only what this node itself has counted, since every node answers for itself.</returns>
    public abstract BackplaneHistory History(string topic, IReadOnlyList<TopicPosition> after);
}

/// <summary>A part of a topic's history.</summary>
/// <param name="Events">Events in the order of their origins.</param>
/// <param name="Heads">How far each origin that answered has counted.</param>
public sealed record BackplaneHistory(IReadOnlyList<TopicMessage> Events, IReadOnlyList<TopicPosition> Heads)
{
    /// <summary>Nothing.</summary>
    public static readonly BackplaneHistory Empty = new([], []);
}
