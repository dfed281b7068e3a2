using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>What the server sends.</content>
public sealed partial class SessionClient
{
    private readonly Dictionary<long, ClientSubscription> _topicsById = [];
    private readonly Dictionary<long, ClientMailbox> _mailboxesById = [];

    private SessionFault Carry(ReadOnlySpan<byte> bytes)
    {
        SessionFault fault;
        switch ((FrameType)bytes[0])
        {
            case FrameType.Reply:
                fault = ReplyFrame.Read(bytes, out ReplyFrame reply);
                if (fault == SessionFault.None) Reply(reply.Request, reply.Status, Encoding.UTF8.GetString(reply.Text));
                return fault;
            case FrameType.Subscribed:
                fault = SubscribedFrame.Read(bytes, out SubscribedFrame subscribed);
                if (fault == SessionFault.None) Subscribed(subscribed);
                return fault;
            case FrameType.Event:
                fault = EventFrame.Read(bytes, out EventFrame found);
                if (fault == SessionFault.None) Event(found);
                return fault;
            case FrameType.Gap:
                fault = GapFrame.Read(bytes, out GapFrame gap);
                if (fault == SessionFault.None) Gap(gap);
                return fault;
            case FrameType.Presence:
                fault = PresenceFrame.Read(bytes, out PresenceFrame presence);
                if (fault == SessionFault.None && Find(presence.TopicId) is { } topic) _events.OnPresence(topic.Topic, presence.Count);
                return fault;
            case FrameType.MailboxOpened:
                fault = MailboxOpenedFrame.Read(bytes, out MailboxOpenedFrame opened);
                if (fault == SessionFault.None) MailboxOpened(opened.Request, opened.MailboxId);
                return fault;
            case FrameType.Delivery:
                fault = DeliveryFrame.Read(bytes, out DeliveryFrame delivery);
                if (fault != SessionFault.None || !_mailboxesById.TryGetValue(delivery.MailboxId, out ClientMailbox? mailbox)) return fault;
                // One that was given up, whose closing is under way.
                if (_mailboxes.GetValueOrDefault(mailbox.Name) == mailbox) _events.OnDelivery(mailbox.Name, delivery.Delivery, delivery.Flags, delivery.Payload);
                return fault;
            case FrameType.MailboxClosed:
                fault = MailboxClosedFrame.Read(bytes, out MailboxClosedFrame closed);
                if (fault == SessionFault.None) MailboxClosed(closed.MailboxId, closed.Code);
                return fault;
            default:
                fault = ServerMessageFrame.Read(bytes, out ServerMessageFrame message);
                if (fault == SessionFault.None) _events.OnMessage(message.Flags, message.Payload);
                return fault;
        }
    }

    private ClientSubscription? Find(long topicId) =>
        _topicsById.TryGetValue(topicId, out ClientSubscription? found) && _subscriptions.GetValueOrDefault(found.Topic) == found ? found : null;

    private Outgoing? TakeAnswered(long request)
    {
        _unanswered.Remove(request, out Outgoing? answered);
        Move();
        return answered;
    }

    private void Reply(long request, SessionCode status, string text)
    {
        if (TakeAnswered(request) is not { } answered) return;
        if (answered.Subscription is { } subscription)
        {
            if (_subscriptions.GetValueOrDefault(subscription.Topic) == subscription) _subscriptions.Remove(subscription.Topic);
            if (answered.IsRestored) _events.OnUnsubscribed(subscription.Topic, status);
        }

        if (answered.Mailbox is { } mailbox)
        {
            if (_mailboxes.GetValueOrDefault(mailbox.Name) == mailbox) _mailboxes.Remove(mailbox.Name);
            if (answered.IsRestored) _events.OnMailboxClosed(mailbox.Name, status);
        }

        if (!answered.IsRestored) _events.OnReply(request, status, text);
    }

    private void Subscribed(SubscribedFrame frame)
    {
        if (TakeAnswered(frame.Request) is not { Subscription: { } subscription } answered) return;
        subscription.Id = frame.TopicId;
        subscription.WasGranted = true;
        subscription.Begin(frame.Position.ToArray());
        _topicsById[frame.TopicId] = subscription;
        long presence = frame.Presence;
        if (!answered.IsRestored) _events.OnReply(answered.Request, SessionCode.Ok, "");
        if (subscription.Presence && presence > 0) _events.OnPresence(subscription.Topic, presence);
    }

    private void Event(EventFrame frame)
    {
        if (Find(frame.TopicId) is not { } subscription) return;
        // What is in the position already was seen: a node that is behind the one before, or did not know how much this client has seen, repeats it.
        if (subscription.Advance(frame.Origin, frame.Offset) == 0) return;
        _events.OnEvent(subscription.Topic, frame.Flags & MessageFlags.Text, frame.Key.IsEmpty ? null : Encoding.UTF8.GetString(frame.Key), frame.Payload);
    }

    private void Gap(GapFrame frame)
    {
        if (Find(frame.TopicId) is not { } subscription) return;
        long missed = 0;
        foreach (TopicPosition entry in frame.Position.ToArray()) missed += subscription.Advance(entry.Origin, entry.Offset);
        if (frame.Missed == 0) _events.OnGap(subscription.Topic, 0);
        else if (missed > 0) _events.OnGap(subscription.Topic, Math.Min(missed, frame.Missed));
    }

    private void MailboxOpened(long request, long id)
    {
        if (TakeAnswered(request) is not { Mailbox: { } mailbox } answered) return;
        mailbox.Id = id;
        _mailboxesById[id] = mailbox;
        if (!answered.IsRestored) _events.OnReply(request, SessionCode.Ok, "");
    }

    private void MailboxClosed(long id, SessionCode code)
    {
        if (!_mailboxesById.Remove(id, out ClientMailbox? mailbox) || _mailboxes.GetValueOrDefault(mailbox.Name) != mailbox) return;
        _mailboxes.Remove(mailbox.Name);
        _events.OnMailboxClosed(mailbox.Name, code);
    }
}
