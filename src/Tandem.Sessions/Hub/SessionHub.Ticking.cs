using System.Collections.Concurrent;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>The one timer.</content>
public sealed partial class SessionHub
{
    // Half of what an acknowledgement may wait, so that one that just missed a tick is in time.
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(ProtocolLimits.AckMilliseconds / 2);
    private const int TicksPerSweep = 10;
    private const int TicksPerTrim = 100;

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly ConcurrentQueue<Session> _owingAcks = new();
    private readonly ConcurrentDictionary<Topic, bool> _waiting = new();
    private readonly ConcurrentDictionary<Topic, bool> _presence = new();
    private long _now;
    private int _ticks;

    /// <summary>The time of the last tick, in timestamps of the clock: exact enough for deadlines of seconds, and free to read.</summary>
    internal long Now => Volatile.Read(ref _now);

    internal long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);

    internal void NoteAck(Session session) => _owingAcks.Enqueue(session);

    internal void NoteWaiting(Topic topic) => _waiting[topic] = true;

    internal void NotePresence(Topic topic) => _presence[topic] = true;

    private void Tick()
    {
        long now = _time.GetTimestamp();
        Volatile.Write(ref _now, now);
        for (int count = _owingAcks.Count; count > 0 && _owingAcks.TryDequeue(out Session? session); count--) session.AckIsDue();
        foreach (Topic topic in _waiting.Keys)
        {
            _waiting.TryRemove(topic, out _);
            if (!topic.ExpireWaiting(now)) NoteWaiting(topic);
        }

        _ticks++;
        if (_ticks % TicksPerSweep == 0) Sweep(now);
        if (_ticks % TicksPerTrim == 0) Trim(now);
        if (!_isStopping) _timer.Change(TickInterval, Timeout.InfiniteTimeSpan);
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
