using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Tandem.Sessions.Tests.Model;

/// <summary>What a hub keeps, looked at from within: its bounds hold after every step, and what is counted twice agrees.</summary>
internal static class HubState
{
    public static uint? Origin(SessionHub hub, string topic) => TopicsOf(hub).TryGetValue(topic, out Topic? found) ? OriginOf(found) : null;

    public static string? TopicName(SessionHub hub, long id) => TopicsOf(hub).Values.FirstOrDefault(topic => topic.Id == id)?.Name;

    public static void Check(SessionHub hub)
    {
        ConcurrentDictionary<UInt128, Session> sessions = SessionsOf(hub);
        Assert.Equal(sessions.Count, hub.Sessions);
        Assert.Equal(sessions.Values.Count(session => session.Owner is not null), OwnersOf(hub).Values.Sum());
        var holding = new Dictionary<Topic, int>();
        int subscriptions = 0;
        foreach (Session session in sessions.Values)
        {
            Check(session, hub.Options);
            foreach (Subscription subscription in SubscriptionsOf(session))
            {
                subscriptions++;
                if (subscription.IsHoldingUp) holding[subscription.Topic] = holding.GetValueOrDefault(subscription.Topic) + 1;
            }
        }

        Assert.Equal(subscriptions, TopicsOf(hub).Values.Sum(topic => topic.Subscribers));
        foreach (Topic topic in TopicsOf(hub).Values)
        {
            Assert.Equal(holding.GetValueOrDefault(topic), HoldingOf(topic));
            Assert.InRange(HistoryOf(topic).Count, 0, topic.Options.HistoryEvents);
        }
    }

    private static IEnumerable<Subscription> SubscriptionsOf(Session session)
    {
        for (Subscription? subscription = FirstSubscriptionOf(session); subscription is not null; subscription = subscription.Next) yield return subscription;
    }

    private static void Check(Session session, SessionHubOptions options)
    {
        Assert.False(session.IsOver);
        Outbox outbox = OutboxOf(session);
        Assert.InRange(outbox.WindowFrames, 0, options.WindowFrames);
        Assert.InRange(outbox.ControlFrames, 0, options.MaxControlFrames);
        Assert.Equal(outbox.Count, outbox.WindowFrames + outbox.ControlFrames);
        Assert.InRange(RequestsOf(session), 0, options.MaxRequests);
        bool hasRoom = outbox.WindowFrames < options.WindowFrames && outbox.WindowBytes < options.WindowBytes;
        Subscription[] waiting = [.. BackloggedOf(session) ?? []];
        long bytes = 0, held = 0;
        Assert.Equal(SubscriptionsOf(session).Count(), SubscriptionCountOf(session));
        foreach (Subscription subscription in SubscriptionsOf(session))
        {
            Assert.False(subscription.IsEnded);
            TopicOptions topic = subscription.Topic.Options;
            Assert.Equal(topic.Overflow == OverflowPolicy.Wait && subscription.IsFull, subscription.IsHoldingUp);
            if (subscription.Backlog is not { } backlog) continue;
            Assert.False(hasRoom, "Something waits where there is room.");
            Assert.Single(waiting, subscription);
            Assert.InRange(backlog.Replayed, 0, backlog.Events);
            Assert.InRange(backlog.ReplayedBytes, 0, backlog.Bytes);
            Assert.InRange(backlog.Events - backlog.Replayed, 0, topic.BacklogEvents);
            bytes += backlog.Bytes;
            if (topic.Overflow == OverflowPolicy.Wait) held += backlog.Bytes;
        }

        Assert.Equal(bytes, BacklogBytesOf(session));
        Assert.InRange(bytes - held, 0, options.MaxBacklogBytes + World.MaxEventBytes);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_topics")]
    private static extern ref ConcurrentDictionary<string, Topic> TopicsOf(SessionHub hub);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_sessions")]
    private static extern ref ConcurrentDictionary<UInt128, Session> SessionsOf(SessionHub hub);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_owners")]
    private static extern ref Dictionary<string, int> OwnersOf(SessionHub hub);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_origin")]
    private static extern ref uint OriginOf(Topic topic);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_holding")]
    private static extern ref int HoldingOf(Topic topic);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_history")]
    private static extern ref TopicHistory HistoryOf(Topic topic);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_outbox")]
    private static extern ref Outbox OutboxOf(Session session);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_subscriptions")]
    private static extern ref Subscription? FirstSubscriptionOf(Session session);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_subscriptionCount")]
    private static extern ref int SubscriptionCountOf(Session session);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_backlogged")]
    private static extern ref Queue<Subscription>? BackloggedOf(Session session);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_backlogBytes")]
    private static extern ref long BacklogBytesOf(Session session);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_requests")]
    private static extern ref int RequestsOf(Session session);
}
