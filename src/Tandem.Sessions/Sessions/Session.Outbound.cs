using System.Runtime.InteropServices;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>Events, gaps, replies and deliveries on their way to the client: outbox, and behind it the backlogs.</content>
public sealed partial class Session
{
    // Linked: most sessions have one or two. The latest is first.
    private Subscription? _subscriptions;
    private int _subscriptionCount;
    private Queue<Subscription>? _backlogged;
    private List<OpenMailbox>? _mailboxes;
    private long _backlogBytes;
    private bool _wantsDrain;

    /// <summary>An event of a topic whose lock is held.</summary>
    internal void Append(Subscription subscription, TopicEvent topicEvent, Aftermath after)
    {
        lock (Gate)
        {
            if (subscription.IsEnded) return;
            if (subscription.Backlog is null && HasRoom)
            {
                _outbox.Add(topicEvent);
                Signal(after);
                return;
            }

            Wait(subscription, topicEvent, after);
        }
    }

    /// <summary>Events of a topic, whose lock is held, that never came to this node.</summary>
    internal void AppendGap(Subscription subscription, uint origin, long offset, long count, Aftermath after)
    {
        lock (Gate)
        {
            if (subscription.IsEnded) return;
            BacklogOf(subscription).AddGap(origin, offset, count);
            Drain(after);
        }
    }

    /// <summary>Begins a subscription to a topic whose lock is held.</summary>
    internal SessionCode AddSubscription(
        Subscription subscription, long request, ReadOnlySpan<TopicPosition> position, Backlog? replay, int presence, bool recovered, Aftermath after)
    {
        lock (Gate)
        {
            if (IsOver) return SessionCode.Expired;
            for (Subscription? other = _subscriptions; other is not null; other = other.Next)
            {
                if (other.Topic == subscription.Topic) return SessionCode.AlreadySubscribed;
            }

            if (_subscriptionCount >= Options.MaxSubscriptions) return SessionCode.TooManySubscriptions;
            (subscription.Next, _subscriptions) = (_subscriptions, subscription);
            _subscriptionCount++;
            var subscribed = new SubscribedFrame
            {
                Request = request, TopicId = subscription.Topic.Id, Flags = recovered ? SubscribedFlags.Recovered : SubscribedFlags.None, Presence = presence,
                Position = new PositionList(position),
            };
            Answer(subscribed.ToShared(), after);
            if (replay is null) return SessionCode.Ok;
            subscription.Backlog = replay;
            _backlogBytes += replay.Bytes;
            while (_backlogBytes > Options.MaxBacklogBytes && DropOldest(replay))
            {
            }

            (_backlogged ??= new Queue<Subscription>()).Enqueue(subscription);
            Drain(after);
            return SessionCode.Ok;
        }
    }

    /// <summary>A notice of presence, where there is room: a later one says more.</summary>
    internal bool AddPresence(SharedFrame notice, Aftermath after)
    {
        lock (Gate)
        {
            if (IsOver) return true;
            if (!HasRoom || _carrier is null) return false;
            AddControl(notice, after);
            return true;
        }
    }

    /// <summary>The answer to a request.</summary>
    internal void Reply(long request, SessionCode status, string text = "")
    {
        SharedFrame reply = new ReplyFrame { Request = request, Status = status, Text = Names.Reason(text) }.ToShared();
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            if (!IsOver) Answer(reply, after);
        }

        after.Run();
    }

    internal bool TryDeliver(OpenMailbox mailbox, SharedFrame delivery)
    {
        Aftermath after = Aftermath.Rent();
        bool taken;
        lock (Gate)
        {
            taken = !IsOver && HasRoom;
            mailbox.IsBlocked = !taken;
            if (taken)
            {
                _outbox.Add(delivery);
                Signal(after);
            }
        }

        after.Run();
        return taken;
    }

    internal void MailboxLost(OpenMailbox mailbox, SessionCode code)
    {
        SharedFrame closed = new MailboxClosedFrame { MailboxId = mailbox.Id, Code = code }.ToShared();
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            // Not there while it is being opened: the answer, which comes first, is not out yet.
            if (IsOver) mailbox.LostWith = code;
            else if (_mailboxes is null || !_mailboxes.Remove(mailbox)) mailbox.LostWith = code;
            else AddControl(closed, after);
        }

        after.Run();
    }

    private void Answer(SharedFrame answer, Aftermath after)
    {
        _requests--;
        AddControl(answer, after);
    }

    private void AddControl(SharedFrame frame, Aftermath after)
    {
        _outbox.Add(frame);
        Signal(after);
        if (_outbox.ControlFrames > Options.MaxControlFrames || _outbox.ControlBytes > Options.MaxControlBytes)
        {
            after.End(this, SessionCode.TooSlow, "replies and notices were not taken");
        }
    }

    /// <summary>What the peer has received makes room for what waits, one of each subscription in turn.</summary>
    private void Drain(Aftermath after)
    {
        while (HasRoom && _backlogged is not null && _backlogged.TryDequeue(out Subscription? subscription))
        {
            if (subscription.IsEnded || subscription.Backlog is not { } backlog) continue;
            if (backlog.IsEmpty)
            {
                subscription.Backlog = null;
                continue;
            }

            long before = backlog.Bytes;
            object item = backlog.Take();
            _outbox.Add(item as SharedFrame ?? Gap(subscription, (MissedEvents)item));
            _backlogBytes -= before - backlog.Bytes;
            if (backlog.IsEmpty) subscription.Backlog = null;
            else _backlogged.Enqueue(subscription);
            if (subscription.IsHoldingUp && !subscription.IsFull) LetGo(subscription, after);
        }

        Signal(after);
        if (!HasRoom) return;
        if (_wantsDrain)
        {
            _wantsDrain = false;
            after.Drained(this);
        }

        foreach (OpenMailbox mailbox in CollectionsMarshal.AsSpan(_mailboxes))
        {
            if (!mailbox.IsBlocked) continue;
            mailbox.IsBlocked = false;
            after.Resume(mailbox);
        }
    }

    private void Wait(Subscription subscription, TopicEvent topicEvent, Aftermath after)
    {
        OverflowPolicy policy = subscription.Topic.Options.Overflow;
        Backlog backlog = BacklogOf(subscription);
        TopicMessage message = topicEvent.Message;
        bool byKey = policy == OverflowPolicy.KeepLatestByKey && message.Key is not null;
        if (byKey)
        {
            long before = backlog.Bytes;
            backlog.DropKey(message.Key!);
            _backlogBytes -= before - backlog.Bytes;
        }

        // A publish that was let through in spite of Wait came from another node, and is too late to be refused.
        if (policy != OverflowPolicy.Disconnect && policy != OverflowPolicy.DropNewest)
        {
            while (IsFull(subscription) && DropOldest(backlog))
            {
            }
        }

        if (IsFull(subscription))
        {
            if (policy == OverflowPolicy.Disconnect) after.End(this, SessionCode.TooSlow, "events of a topic were not taken");
            else backlog.AddGap(message.Origin, message.Offset, 1);
            return;
        }

        backlog.Add(topicEvent, byKey);
        _backlogBytes += topicEvent.Length;
        if (policy != OverflowPolicy.Wait || subscription.IsHoldingUp || !subscription.IsFull) return;
        subscription.IsHoldingUp = true;
        subscription.Topic.Hold();
    }

    // Where publishers wait, only the subscription's own bound counts: what it holds up is its own topic.
    private bool IsFull(Subscription subscription) =>
        subscription.IsFull || (_backlogBytes >= Options.MaxBacklogBytes && subscription.Topic.Options.Overflow != OverflowPolicy.Wait);

    private bool DropOldest(Backlog backlog)
    {
        long before = backlog.Bytes;
        if (!backlog.DropOldest()) return false;
        _backlogBytes -= before - backlog.Bytes;
        return true;
    }

    private Backlog BacklogOf(Subscription subscription)
    {
        if (subscription.Backlog is { } backlog) return backlog;
        (_backlogged ??= new Queue<Subscription>()).Enqueue(subscription);
        return subscription.Backlog = new Backlog();
    }

    /// <summary>Takes a subscription out of the list.</summary>
    private Subscription? RemoveSubscription(long topicId)
    {
        Subscription? before = null;
        for (Subscription? found = _subscriptions; found is not null; (before, found) = (found, found.Next))
        {
            if (found.Topic.Id != topicId) continue;
            if (before is null) _subscriptions = found.Next;
            else before.Next = found.Next;
            found.Next = null;
            _subscriptionCount--;
            return found;
        }

        return null;
    }

    private void EndSubscription(Subscription subscription, Aftermath after)
    {
        subscription.IsEnded = true;
        if (subscription.Backlog is { } backlog) _backlogBytes -= backlog.Bytes;
        subscription.Backlog = null;
        if (subscription.IsHoldingUp) LetGo(subscription, after);
    }

    private static void LetGo(Subscription subscription, Aftermath after)
    {
        subscription.IsHoldingUp = false;
        if (subscription.Topic.Release()) after.Pump(subscription.Topic);
    }

    private static SharedFrame Gap(Subscription subscription, MissedEvents missed) =>
        new GapFrame { TopicId = subscription.Topic.Id, Missed = missed.Count, Position = new PositionList(missed.Position) }.ToShared();
}
