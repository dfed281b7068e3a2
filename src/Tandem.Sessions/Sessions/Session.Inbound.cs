using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>
/// Frames of the client. They are counted under the lock and carried out outside of it, one at a time: while one thread is at it, what another carrier
/// brings waits in a queue, so that order survives a change of carriers.
/// </content>
public sealed partial class Session
{
    private long _received;
    private int _owedFrames;
    private int _owedBytes;
    private bool _isAckDue;
    private bool _isAckNoted;
    private bool _isProcessing;
    private int _requests;
    private long _lastMailboxId;
    private Queue<byte[]>? _inbound;

    /// <param name="carrier">Who brought it.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="number">Its number where the carrier states one; 0: it is the next.</param>
    internal void Receive(Carrier carrier, ReadOnlySpan<byte> frame, long number)
    {
        SessionFault fault =
            frame.IsEmpty ? SessionFault.EmptyFrame
            : frame.Length > Options.MaxFrameBytes ? SessionFault.FrameTooLarge
            : ProtocolTable.Judge((FrameType)frame[0], fromServer: false);
        if (fault == SessionFault.None && (FrameType)frame[0] == FrameType.Open) fault = SessionFault.UnexpectedOpen;
        if (fault == SessionFault.None && !ProtocolTable.IsReliable((FrameType)frame[0])) fault = ReceiveLink(carrier, frame);
        else if (fault == SessionFault.None && Count(carrier, frame, number)) fault = Process(frame);
        if (fault != SessionFault.None) Fail(carrier, fault);
    }

    /// <summary>The tick: an acknowledgement has waited long enough.</summary>
    internal void AckIsDue()
    {
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            _isAckNoted = false;
            _isAckDue = _owedFrames > 0;
            Signal(after);
        }

        after.Run();
    }

    /// <summary>Whether an acknowledgement is owed that nothing about to be sent brings along, as an answer does: then the hub is to note it. The lock is held.</summary>
    internal bool ShouldNoteAck()
    {
        if (_owedFrames == 0 || _isAckNoted || _carrier is not { IsSignaled: false }) return false;
        return _isAckNoted = true;
    }

    private SessionFault ReceiveLink(Carrier carrier, ReadOnlySpan<byte> bytes)
    {
        SessionFault fault = SessionFault.None;
        switch ((FrameType)bytes[0])
        {
            case FrameType.Ack:
                fault = AckFrame.Read(bytes, out AckFrame ack);
                if (fault == SessionFault.None) fault = Acknowledge(carrier, ack.Received);
                break;
            case FrameType.Ping:
                fault = PingFrame.Read(bytes, out PingFrame ping);
                if (fault == SessionFault.None) Heard(carrier, ping.Opaque);
                break;
            case FrameType.Pong:
                fault = PongFrame.Read(bytes, out _);
                if (fault == SessionFault.None) Heard(carrier, -1);
                break;
            default:
                fault = CloseFrame.Read(bytes, out CloseFrame close);
                if (fault == SessionFault.None && Carrier == carrier) End(close.Code, Encoding.UTF8.GetString(close.Reason));
                break;
        }

        return fault;
    }

    private SessionFault Acknowledge(Carrier carrier, long received)
    {
        SessionFault fault;
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            if (_carrier != carrier) fault = SessionFault.None;
            else
            {
                carrier.LastHeard = Hub.Now;
                _hasOlderSecret = false;
                fault = _outbox.Acknowledge(received);
                if (fault == SessionFault.None) Drain(after);
            }
        }

        after.Run();
        return fault;
    }

    private void Heard(Carrier carrier, long ping)
    {
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            if (_carrier == carrier)
            {
                carrier.LastHeard = Hub.Now;
                if (ping >= 0)
                {
                    carrier.SetPong(ping);
                    Signal(after, force: true);
                }
            }
        }

        after.Run();
    }

    /// <summary>Counts a reliable frame. False: it is not new, another thread carries it out, or the carrier does not have the session.</summary>
    private bool Count(Carrier carrier, ReadOnlySpan<byte> frame, long number)
    {
        Aftermath after = Aftermath.Rent();
        bool isOurs;
        lock (Gate)
        {
            if (_carrier != carrier) return false;
            carrier.LastHeard = Hub.Now;
            _hasOlderSecret = false;
            if (number > 0 && number != _received + 1) return false;
            Volatile.Write(ref _received, _received + 1);
            _owedBytes += frame.Length;
            if (++_owedFrames >= ProtocolLimits.AckFrames || _owedBytes >= ProtocolLimits.AckBytes)
            {
                _isAckDue = true;
                Signal(after);
            }

            isOurs = !_isProcessing;
            if (isOurs) _isProcessing = true;
            else (_inbound ??= new Queue<byte[]>()).Enqueue(frame.ToArray());
        }

        after.Run();
        return isOurs;
    }

    private SessionFault Process(ReadOnlySpan<byte> frame)
    {
        while (true)
        {
            SessionFault fault = SessionFault.None;
            try
            {
                if (!IsOver) fault = Carry(frame);
            }
            catch (Exception exception)
            {
                // What runs here is the application's: its failure ends the session that called it, and nothing else.
                Hub.Application.NotifyFault(this, exception);
                End(SessionCode.InternalError, "the application failed");
            }

            byte[]? next = null;
            bool notesAck = false;
            lock (Gate)
            {
                if (fault != SessionFault.None || IsOver || _inbound is null || !_inbound.TryDequeue(out next))
                {
                    _isProcessing = false;
                    notesAck = ShouldNoteAck();
                }
            }

            if (notesAck) Hub.NoteAck(this);
            if (next is null) return fault;
            frame = next;
        }
    }

    private SessionFault Carry(ReadOnlySpan<byte> bytes)
    {
        SessionFault fault;
        switch ((FrameType)bytes[0])
        {
            case FrameType.Subscribe:
                fault = SubscribeFrame.Read(bytes, out SubscribeFrame subscribe);
                if (fault == SessionFault.None && BeginRequest()) Subscribe(subscribe);
                return fault;
            case FrameType.Unsubscribe:
                fault = UnsubscribeFrame.Read(bytes, out UnsubscribeFrame unsubscribe);
                if (fault == SessionFault.None && BeginRequest()) Unsubscribe(unsubscribe);
                return fault;
            case FrameType.Publish:
                fault = PublishFrame.Read(bytes, out PublishFrame publish);
                if (fault == SessionFault.None && BeginRequest()) Publish(publish);
                return fault;
            case FrameType.MailboxSend:
                fault = MailboxSendFrame.Read(bytes, out MailboxSendFrame send);
                if (fault == SessionFault.None && BeginRequest()) SendToMailbox(send);
                return fault;
            case FrameType.MailboxOpen:
                fault = MailboxOpenFrame.Read(bytes, out MailboxOpenFrame open);
                if (fault == SessionFault.None && BeginRequest()) _ = OpenMailboxAsync(open.Request, Encoding.UTF8.GetString(open.Mailbox), (int)open.Prefetch);
                return fault;
            case FrameType.MailboxSettle:
                fault = MailboxSettleFrame.Read(bytes, out MailboxSettleFrame settle);
                if (fault == SessionFault.None) FindMailbox(settle.MailboxId, remove: false)?.Settle?.Invoke(settle.Delivery);
                return fault;
            case FrameType.MailboxClose:
                fault = MailboxCloseFrame.Read(bytes, out MailboxCloseFrame close);
                if (fault == SessionFault.None && BeginRequest()) CloseMailbox(close);
                return fault;
            default:
                fault = ClientMessageFrame.Read(bytes, out ClientMessageFrame message);
                if (fault == SessionFault.None) Hub.Application.NotifyMessage(this, message.Flags, message.Payload);
                return fault;
        }
    }

    private bool BeginRequest()
    {
        lock (Gate)
        {
            if (++_requests <= Options.MaxRequests) return true;
        }

        End(SessionCode.TooManyRequests, $"more than {Options.MaxRequests} requests without an answer");
        return false;
    }

    private void Subscribe(SubscribeFrame frame)
    {
        bool recover = (frame.Flags & SubscribeFlags.Recover) != 0;
        _ = SubscribeAsync(
            frame.Request, Hub.NameOf(frame.Topic), (frame.Flags & SubscribeFlags.Presence) != 0, recover ? frame.Position.ToArray() : null);
    }

    private async Task SubscribeAsync(long request, string topic, bool presence, TopicPosition[]? position)
    {
        SessionCode code = Hub.Application.Allows(this, SessionAction.Subscribe, topic);
        try
        {
            if (code == SessionCode.Ok) code = await Hub.SubscribeAsync(this, request, topic, presence, position).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Hub.Application.NotifyFault(this, exception);
            code = SessionCode.InternalError;
        }

        if (code != SessionCode.Ok) Reply(request, code);
    }

    private void Unsubscribe(UnsubscribeFrame frame)
    {
        Subscription? subscription;
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            subscription = RemoveSubscription(frame.TopicId);
            if (subscription is not null) EndSubscription(subscription, after);
        }

        after.Run();
        subscription?.Topic.Unsubscribe(subscription);
        Reply(frame.Request, subscription is null ? SessionCode.NotFound : SessionCode.Ok);
    }

    private void Publish(PublishFrame frame)
    {
        string topic = Hub.NameOf(frame.Topic);
        SessionCode code = Hub.Application.Allows(this, SessionAction.Publish, topic);
        if (code != SessionCode.Ok)
        {
            Reply(frame.Request, code);
            return;
        }

        string? key = frame.Key.IsEmpty ? null : Encoding.UTF8.GetString(frame.Key);
        var message = new TopicMessage(topic, 0, 0, _publisher, frame.Request, frame.Flags & MessageFlags.Text, key, default);
        Answer(frame.Request, Hub.Publish(message, frame.Payload, (frame.Flags & MessageFlags.Redelivered) != 0));
    }

    private void SendToMailbox(MailboxSendFrame frame)
    {
        string mailbox = Encoding.UTF8.GetString(frame.Mailbox);
        SessionCode code = Hub.Application.Allows(this, SessionAction.Send, mailbox);
        if (code != SessionCode.Ok)
        {
            AnswerMailbox(frame.Request, SessionAction.Send, mailbox, code);
            return;
        }

        ValueTask<SessionCode> sent = Hub.SendToMailbox(mailbox, _publisher, frame.Request, frame.Flags, frame.Payload);
        if (sent.IsCompletedSuccessfully) AnswerMailbox(frame.Request, SessionAction.Send, mailbox, sent.Result);
        else _ = AnswerMailboxLater(frame.Request, mailbox, sent);
    }

    private void AnswerMailbox(long request, SessionAction action, string mailbox, SessionCode code)
    {
        Hub.Application.NotifyAnswered(this, action, mailbox, code);
        Reply(request, code);
    }

    private async Task AnswerMailboxLater(long request, string mailbox, ValueTask<SessionCode> sent) =>
        AnswerMailbox(request, SessionAction.Send, mailbox, await ResultOf(sent).ConfigureAwait(false));

    private async Task OpenMailboxAsync(long request, string name, int prefetch)
    {
        SessionCode code = Hub.Application.Allows(this, SessionAction.Consume, name);
        MailboxOptions? options = null;
        try
        {
            if (code == SessionCode.Ok && (options = Hub.Application.FindMailbox(name)) is null) code = SessionCode.InvalidName;
        }
        catch (Exception exception)
        {
            Hub.Application.NotifyFault(this, exception);
            code = SessionCode.InternalError;
        }

        lock (Gate)
        {
            if (code == SessionCode.Ok && _mailboxes is { } open)
            {
                if (open.Exists(other => other.Name == name)) code = SessionCode.AlreadySubscribed;
                else if (open.Count >= Options.MaxMailboxes) code = SessionCode.TooManySubscriptions;
            }
        }

        if (code != SessionCode.Ok)
        {
            AnswerMailbox(request, SessionAction.Consume, name, code);
            return;
        }

        var mailbox = new OpenMailbox(this, name, Interlocked.Increment(ref _lastMailboxId)) { Prefetch = prefetch };
        try
        {
            code = await Hub.Backplane.ConsumeAsync(name, options!, mailbox).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Hub.Application.NotifyFault(this, exception);
            code = SessionCode.Unavailable;
        }

        if (code != SessionCode.Ok)
        {
            AnswerMailbox(request, SessionAction.Consume, name, code);
            return;
        }

        Hub.Application.NotifyAnswered(this, SessionAction.Consume, name, code);
        Opened(request, mailbox);
    }

    private void Opened(long request, OpenMailbox mailbox)
    {
        SharedFrame opened = new MailboxOpenedFrame { Request = request, MailboxId = mailbox.Id }.ToShared();
        Aftermath after = Aftermath.Rent();
        bool isOver;
        lock (Gate)
        {
            isOver = IsOver;
            if (!isOver)
            {
                Answer(opened, after);
                if (mailbox.LostWith is { } code) AddControl(new MailboxClosedFrame { MailboxId = mailbox.Id, Code = code }.ToShared(), after);
                else (_mailboxes ??= []).Add(mailbox);
            }
        }

        after.Run();
        if (isOver) mailbox.Close?.Invoke();
        else mailbox.Resume?.Invoke();
    }

    private void CloseMailbox(MailboxCloseFrame frame)
    {
        OpenMailbox? mailbox = FindMailbox(frame.MailboxId, remove: true);
        mailbox?.Close?.Invoke();
        Reply(frame.Request, mailbox is null ? SessionCode.NotFound : SessionCode.Ok);
    }

    private OpenMailbox? FindMailbox(long id, bool remove)
    {
        lock (Gate)
        {
            OpenMailbox? mailbox = _mailboxes?.Find(other => other.Id == id);
            if (remove && mailbox is not null) _mailboxes!.Remove(mailbox);
            return mailbox;
        }
    }

    private void Answer(long request, ValueTask<SessionCode> result)
    {
        if (result.IsCompletedSuccessfully) Reply(request, result.Result);
        else _ = AnswerLater(request, result);
    }

    private async Task AnswerLater(long request, ValueTask<SessionCode> result) => Reply(request, await ResultOf(result).ConfigureAwait(false));

    private async ValueTask<SessionCode> ResultOf(ValueTask<SessionCode> result)
    {
        try
        {
            return await result.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Hub.Application.NotifyFault(this, exception);
            return SessionCode.InternalError;
        }
    }
}
