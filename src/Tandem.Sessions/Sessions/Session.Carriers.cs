using System.Diagnostics.CodeAnalysis;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>What comes and goes: carriers, and the end.</content>
public sealed partial class Session
{
    // Most sessions ask for a few subscriptions and then for nothing: the acknowledgements of that are the same for all.
    private static readonly SharedFrame?[] s_firstAcks = new SharedFrame?[16];

    /// <summary>Makes a carrier without OPEN the session's own, because an HTTP request has its token: where the one before was given up as silent.</summary>
    /// <param name="carrier">A new carrier.</param>
    /// <returns>False: the session has a carrier, or is over.</returns>
    public bool TryReattach(Carrier carrier)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        lock (Gate)
        {
            if (IsOver || _carrier is not null) return false;
            carrier.Bind(this, null);
            _outbox.Rewind();
            Volatile.Write(ref _carrier, carrier);
            return true;
        }
    }

    /// <summary>The first carrier of a new session.</summary>
    internal void Attach(Carrier carrier)
    {
        lock (Gate)
        {
            carrier.Bind(this, Opened(OpenedFlags.None));
            carrier.IsSignaled = true;
            Volatile.Write(ref _carrier, carrier);
        }
    }

    /// <summary>The next carrier, where the token is right and the counts fit.</summary>
    internal bool TryAttach(Carrier carrier, UInt128 secret, ulong publisher, string? owner, long received)
    {
        Aftermath after = Aftermath.Rent();
        Carrier? older = null;
        bool attached = false, cannotGoOn = false;
        lock (Gate)
        {
            bool knows = SessionToken.AreEqual(secret, _secret) | (_hasOlderSecret & SessionToken.AreEqual(secret, _olderSecret));
            if (!IsOver && knows && publisher == _publisher && owner == Owner)
            {
                if (_outbox.Acknowledge(received, begins: true) == SessionFault.None)
                {
                    attached = true;
                    older = _carrier;
                    if (older is not null) older.IsEnded = true;
                    (_olderSecret, _hasOlderSecret, _secret) = (secret, true, SessionToken.Random());
                    carrier.Bind(this, Opened(OpenedFlags.Resumed));
                    carrier.IsSignaled = true;
                    Volatile.Write(ref _carrier, carrier);
                    _outbox.Rewind();
                    (_owedFrames, _owedBytes, _isAckDue) = (0, 0, false);
                    Drain(after);
                }
                else
                {
                    cannotGoOn = true;
                }
            }
        }

        after.Run();
        // Its owner has lost count, for example because its memory was: nobody can go on with this session.
        if (cannotGoOn) End(SessionCode.ProtocolError, "the counts in OPEN do not fit this session");
        older?.OnEnded(SessionCode.Superseded, "another carrier has the session");
        return attached;
    }

    /// <summary>Whether a request's token is the present one.</summary>
    internal bool HasSecret(UInt128 secret)
    {
        lock (Gate)
        {
            if (IsOver || !SessionToken.AreEqual(secret, _secret)) return false;
            _hasOlderSecret = false;
            return true;
        }
    }

    internal void Detach(Carrier carrier)
    {
        lock (Gate)
        {
            if (_carrier != carrier) return;
            carrier.IsEnded = true;
            LeaveCarrier();
        }
    }

    internal bool Rewind(Carrier carrier, long received)
    {
        Aftermath after = Aftermath.Rent();
        SessionFault fault;
        lock (Gate)
        {
            if (_carrier != carrier) return false;
            carrier.LastHeard = Hub.Now;
            fault = _outbox.Acknowledge(received);
            _outbox.Rewind();
            Drain(after);
        }

        after.Run();
        if (fault != SessionFault.None) Fail(carrier, fault);
        return fault == SessionFault.None;
    }

    /// <summary>The next frame for the present carrier. The lock is held.</summary>
    internal bool TryTake(Carrier carrier, [NotNullWhen(true)] out SharedFrame? frame, out long number)
    {
        frame = null;
        number = 0;
        if (_carrier != carrier) return false;
        if (_outbox.TryTake(out frame, out number)) return frame is not null;
        // Behind a burst, or when it has waited long enough.
        if (_owedFrames == 0 || !(_isAckDue || carrier.HasTaken)) return false;
        frame = Acknowledgement();
        return true;
    }

    /// <summary>How many reliable frames were received: for the answer to a request, which has it in any case.</summary>
    /// <returns>An ACK.</returns>
    public SharedFrame Acknowledge()
    {
        lock (Gate) return Acknowledgement();
    }

    internal void NotifyCarrier() => Carrier?.OnReady();

    /// <summary>About once a second: heartbeats, silence, expiry, memory that is not used any more.</summary>
    internal void Sweep(long now)
    {
        long heartbeat = Hub.Ticks(Options.Heartbeat);
        // Most of the time there is nothing to do, which is seen without the lock.
        if (Carrier is { } present && now - present.LastHeard < 2 * heartbeat && now - present.LastSent < heartbeat && !_outbox.HasRing) return;
        Carrier? silent = null;
        bool isExpired = false;
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            _outbox.Trim();
            if (IsOver)
            {
            }
            else if (_carrier is not { } carrier)
            {
                isExpired = now - _detachedAt >= Hub.Ticks(Options.TimeToLive);
            }
            else if (now - carrier.LastHeard >= 2 * heartbeat)
            {
                silent = carrier;
                carrier.IsEnded = true;
                LeaveCarrier();
            }
            else if (now - carrier.LastSent >= heartbeat)
            {
                carrier.LastSent = now;
                carrier.SetPing();
                Signal(after, force: true);
            }
        }

        after.Run();
        silent?.OnEnded(SessionCode.Silent, "nothing was heard for two heartbeats");
        if (isExpired) End(SessionCode.Expired, "no carrier within the time to live");
    }

    internal void Fail(Carrier carrier, SessionFault fault)
    {
        if (Carrier == carrier) End(fault == SessionFault.FrameTooLarge ? SessionCode.FrameTooLarge : SessionCode.ProtocolError, fault.Text());
    }

    internal void End(SessionCode code, string reason)
    {
        Carrier? carrier;
        Subscription? subscriptions;
        OpenMailbox[] mailboxes;
        Aftermath after = Aftermath.Rent();
        lock (Gate)
        {
            if (IsOver) return;
            IsOver = true;
            carrier = _carrier;
            carrier?.SetClose(code, reason);
            Volatile.Write(ref _carrier, null);
            (subscriptions, _subscriptions, _subscriptionCount) = (_subscriptions, null, 0);
            mailboxes = [.. _mailboxes ?? []];
            for (Subscription? subscription = subscriptions; subscription is not null; subscription = subscription.Next) EndSubscription(subscription, after);
            _mailboxes = null;
            _inbound = null;
            _backlogged = null;
            _outbox.Clear();
        }

        Hub.Remove(this);
        after.Run();
        for (Subscription? subscription = subscriptions; subscription is not null; subscription = subscription.Next) subscription.Topic.Unsubscribe(subscription);
        foreach (OpenMailbox mailbox in mailboxes) mailbox.Close?.Invoke();
        carrier?.OnEnded(code, reason);
        Hub.Application.NotifyClosed(this, code, reason);
    }

    /// <summary>The carrier is told once that there is something to take. The lock is held.</summary>
    private void Signal(Aftermath after, bool force = false)
    {
        if (_carrier is not { IsSignaled: false } carrier) return;
        if (!force && _outbox.Sent == _outbox.End && !_isAckDue) return;
        carrier.IsSignaled = true;
        after.Ready(this);
    }

    private void LeaveCarrier()
    {
        Volatile.Write(ref _carrier, null);
        _detachedAt = Hub.Now;
    }

    private SharedFrame Acknowledgement()
    {
        (_owedFrames, _owedBytes, _isAckDue) = (0, 0, false);
        if (_received >= s_firstAcks.Length) return new AckFrame { Received = _received }.ToShared();
        return s_firstAcks[_received] ??= new AckFrame { Received = _received }.ToShared();
    }

    private SharedFrame Opened(OpenedFlags flags)
    {
        Span<byte> id = stackalloc byte[SessionToken.HalfTextLength];
        SessionToken.Write(_id, id);
        Span<byte> token = stackalloc byte[SessionToken.TextLength];
        new SessionToken(_id, _secret).Write(token);
        return new OpenedFrame
        {
            Flags = flags,
            Session = id,
            Token = token,
            Received = _received,
            TimeToLive = (long)Options.TimeToLive.TotalSeconds,
            Heartbeat = Math.Max(1, (long)Options.Heartbeat.TotalSeconds),
            MaxFrame = Options.MaxFrameBytes,
            MaxRequests = Options.MaxRequests,
        }.ToShared();
    }
}
