using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// What lies between a hub and the hubs of other nodes. A hub counts the events that are published on it and delivers them to its own subscribers itself;
/// the backplane takes them to the other nodes, and keeps the mailboxes. All members may be called by many threads at once; none may block.
/// </summary>
public abstract class Backplane : IAsyncDisposable
{
    /// <summary>
    /// Whether other nodes may have subscribers or publishers. False: <see cref="PublishAsync"/>, <see cref="JoinAsync"/>, <see cref="Leave"/>,
    /// <see cref="HistoryAsync"/> and <see cref="PublishedAsync"/> are never called, and a publish costs one lock. It must not change while a hub uses the backplane.
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
    /// A code, and what <see cref="BackplaneNode.Counted"/> says on the other nodes, which <see cref="BackplaneNode.Meet"/> this one. An origin that is not named is taken to
    /// begin with 1 after this call; of several answers for one the highest counts.
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
    /// <returns>Within a bounded time one part for each node that answered by then.</returns>
    public abstract ValueTask<IReadOnlyList<BackplaneHistory>> HistoryAsync(BackplaneNode node, string topic, IReadOnlyList<TopicPosition> after);

    /// <summary>
    /// What other nodes have taken in of a publisher. Called after <see cref="JoinAsync"/>, for a client that publishes again what it had no answer to, perhaps from
    /// another node. By default taken from <see cref="HistoryAsync"/>, which does not have what is too old: a backplane does better to ask <see cref="BackplaneNode.Published"/>.
    /// </summary>
    /// <param name="node">The hub.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="publisher">The client.</param>
    /// <returns>
    /// Within a bounded time a code and ranges of numbers, in any order. Unavailable when a node that may have the topic did not answer: then the client is told
    /// that it is not known whether its event is there.
    /// </returns>
    public virtual async ValueTask<(SessionCode Code, IReadOnlyList<(long First, long Last)> Numbers)> PublishedAsync(BackplaneNode node, string topic, ulong publisher)
    {
        IReadOnlyList<BackplaneHistory> parts = await HistoryAsync(node, topic, []).ConfigureAwait(false);
        return (SessionCode.Ok, [.. parts.SelectMany(part => part.Events).Where(message => message.Publisher == publisher).Select(message => (message.Number, message.Number))]);
    }

    /// <summary>Puts a message into a mailbox. Promise: once, however often it comes with the same publisher and number.</summary>
    /// <param name="mailbox">The mailbox, made when there is none, unless it requires a consumer.</param>
    /// <param name="options">Its bounds, which count when it is made.</param>
    /// <param name="message">The message. The payload does not change any more.</param>
    /// <returns>Ok when it is stored; Full; NotFound: nobody has it open, and it requires a consumer; Unavailable: not known.</returns>
    public abstract ValueTask<SessionCode> SendAsync(string mailbox, MailboxOptions options, MailboxMessage message);

    /// <summary>Makes somebody the one consumer of a mailbox. The consumer before it is told <see cref="SessionCode.TakenOver"/>, one that has had it for too long Expired.</summary>
    /// <param name="mailbox">The mailbox, made when there is none.</param>
    /// <param name="options">Its bounds, which count when it is made.</param>
    /// <param name="consumer">Who takes the messages; deliveries begin after <see cref="MailboxConsumer.Resume"/> was called.</param>
    /// <returns>Ok or Unavailable.</returns>
    public abstract ValueTask<SessionCode> ConsumeAsync(string mailbox, MailboxOptions options, MailboxConsumer consumer);

    /// <summary>Shows mailboxes, where they are in the memory of this process.</summary>
    /// <param name="most">How many to show at most: those with most bytes.</param>
    /// <param name="prefix">What their names begin with. Default: all.</param>
    /// <returns>Null: they are elsewhere, for whoever keeps them to show. Default.</returns>
    public virtual MailboxPage? GetMailboxes(int most, string prefix = "") => null;

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
    /// Completes when the subscribers have it, at the latest after the topic's wait for room. The order is that of the calls, whether one is awaited before the next or
    /// not. A backplane that lets only so many be open holds back the publishers, which is what the policy Wait is for.
    /// </returns>
    public abstract ValueTask DeliverAsync(TopicMessage message);

    /// <summary>What this node may have missed while the way to it was lost. Delivers what is new of it, before events that are delivered later.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="parts">What other nodes have, one part for each.</param>
    /// <returns>As <see cref="DeliverAsync"/>.</returns>
    public abstract ValueTask CatchUpAsync(string topic, IReadOnlyList<BackplaneHistory> parts);

    /// <summary>What this node has of a topic, for another node.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="after">The position of who asks.</param>
    /// <returns>
    /// What it has counted itself, with events that are still with the backplane, and what it has heard of others: a node that is gone does not answer for itself. In the
    /// order of each origin.
    /// </returns>
    public abstract BackplaneHistory History(string topic, IReadOnlyList<TopicPosition> after);

    /// <summary>What this node has taken in of a publisher, for another node.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="publisher">The client.</param>
    /// <returns>Ranges of numbers, in any order; with events that are still with the backplane.</returns>
    public abstract IReadOnlyList<(long First, long Last)> Published(string topic, ulong publisher);

    /// <summary>How far this node has counted, for another node that joins: the events up to here do not come to it any more, those behind do.</summary>
    /// <param name="topic">The topic.</param>
    /// <returns>Also how far it has heard of other nodes. Empty: it does not have the topic.</returns>
    public abstract IReadOnlyList<TopicPosition> Counted(string topic);

    /// <summary>
    /// Another node joins. Its origin is known here from then on, so that a subscriber that comes from there when it is gone, before it has counted anything, is not
    /// told of a gap.
    /// </summary>
    /// <param name="topic">The topic.</param>
    /// <param name="counted">What <see cref="Counted"/> says there.</param>
    public abstract void Meet(string topic, IReadOnlyList<TopicPosition> counted);
}

/// <summary>A part of a topic's history.</summary>
/// <param name="Events">Events in the order in which the node has them, which is that of each origin.</param>
/// <param name="Heads">How far each origin has counted, as far as the node knows.</param>
public sealed record BackplaneHistory(IReadOnlyList<TopicMessage> Events, IReadOnlyList<TopicPosition> Heads)
{
    /// <summary>Nothing.</summary>
    public static readonly BackplaneHistory Empty = new([], []);
}
