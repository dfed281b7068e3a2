using System.Collections.Concurrent;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>The one timer.</content>
public sealed partial class SessionHub
{
    // Half of what an acknowledgement may wait. A tick so soon comes only while something waits for it; otherwise there are sweeps.
    private static readonly TimeSpan SoonInterval = TimeSpan.FromMilliseconds(ProtocolLimits.AckMilliseconds / 2);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);
    // A timer goes by a coarser clock than timestamps do, and may be early by theirs.
    private static readonly TimeSpan TimerSlack = TimeSpan.FromMilliseconds(20);
    private const int SweepsPerTrim = 10;

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _timerGate = new();
    private readonly ConcurrentQueue<Session> _owingAcks = new();
    private readonly ConcurrentDictionary<Topic, bool> _waiting = new();
    private readonly ConcurrentDictionary<Topic, bool> _presence = new();
    private long _lastTick;
    private long _nextSweep;
    private bool _isTickSoon;
    private bool _isTicking;
    private int _sweeps;

    /// <summary>In timestamps of the clock.</summary>
    internal long Now => _time.GetTimestamp();

    /// <summary>The time of the last tick, up to a second ago: for what is noted with every frame that is sent, and need not be exact.</summary>
    internal long LastTick => Volatile.Read(ref _lastTick);

    internal long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);

    internal void NoteAck(Session session)
    {
        _owingAcks.Enqueue(session);
        TickSoon();
    }

    internal void NoteWaiting(Topic topic)
    {
        _waiting[topic] = true;
        TickSoon();
    }

    internal void NotePresence(Topic topic) => _presence[topic] = true;

    private void TickSoon()
    {
        if (Volatile.Read(ref _isTickSoon)) return;
        lock (_timerGate)
        {
            if (_isTickSoon || _isStopping) return;
            _isTickSoon = true;
            if (!_isTicking) _timer.Change(SoonInterval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Tick()
    {
        long now = _time.GetTimestamp();
        Volatile.Write(ref _lastTick, now);
        // First this: what is noted from here on has a tick of its own.
        lock (_timerGate) (_isTickSoon, _isTicking) = (false, true);
        for (int count = _owingAcks.Count; count > 0 && _owingAcks.TryDequeue(out Session? session); count--) session.AckIsDue();
        foreach (Topic topic in _waiting.Keys)
        {
            _waiting.TryRemove(topic, out _);
            if (!topic.ExpireWaiting(now)) NoteWaiting(topic);
        }

        if (now >= _nextSweep - Ticks(TimerSlack))
        {
            _nextSweep = now + Ticks(SweepInterval);
            Sweep(now);
            if (++_sweeps % SweepsPerTrim == 0) Trim(now);
        }

        lock (_timerGate)
        {
            _isTicking = false;
            if (_isStopping) return;
            TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), _nextSweep);
            _timer.Change(_isTickSoon ? SoonInterval : left > TimerSlack ? left : TimerSlack, Timeout.InfiniteTimeSpan);
        }
    }

    private void Sweep(long now)
    {
        foreach (KeyValuePair<UInt128, Session> session in _sessions) session.Value.Sweep(now);
        // Once a second at most, however often somebody comes and goes.
        foreach (Topic topic in _presence.Keys)
        {
            _presence.TryRemove(topic, out _);
            if (!topic.TellPresence()) NotePresence(topic);
        }
    }

    private void Trim(long now)
    {
        foreach (KeyValuePair<string, Topic> topic in _topics)
        {
            if (!topic.Value.TryRetire(now)) continue;
            // First this, so that who makes the topic again joins after it was left.
            if (Backplane.IsShared) Backplane.Leave(Node, topic.Key);
            _topics.TryRemove(topic);
        }
    }
}
