using System.Runtime.InteropServices;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// A topic on this node: its subscribers, its history, its publishers. One lock, which is taken before those of sessions: under it an event gets its
/// offset and goes to all subscribers, so that all see the same order.
/// </summary>
internal sealed partial class Topic(SessionHub hub, string name, long id, TopicOptions options)
{
    private readonly Lock _gate = new();
    private readonly List<Subscription> _subscriptions = [];
    private readonly TopicHistory _history = new(options);
    private readonly PublisherTable _publishers = new(options.MaxPublishers);
    private readonly uint _origin = Origins.Next();
    private TaskCompletionSource<SessionCode>? _join;
    private long _assigned;
    private long _used = hub.Now;
    private int _users;
    private int _holding;
    private bool _isRetired;

    public string Name => name;

    public long Id => id;

    public TopicOptions Options => options;

    public int Subscribers
    {
        get
        {
            lock (_gate) return _subscriptions.Count;
        }
    }

    public TopicSnapshot ToSnapshot()
    {
        lock (_gate) return new TopicSnapshot(name, _subscriptions.Count, _history.Count, _queue.Count);
    }

    private bool IsHeldUp => options.Overflow == OverflowPolicy.Wait && Volatile.Read(ref _holding) > 0;

    /// <summary>Keeps the topic from being forgotten.</summary>
    /// <returns>False: it has been.</returns>
    public bool TryUse()
    {
        lock (_gate)
        {
            if (_isRetired) return false;
            _users++;
            return true;
        }
    }

    public void Unuse()
    {
        lock (_gate)
        {
            _users--;
            _used = hub.Now;
        }
    }

    /// <summary>Forgets the topic when nobody has used it for long.</summary>
    public bool TryRetire(long now)
    {
        lock (_gate)
        {
            _history.Trim(Oldest(now));
            if (_users > 0 || _subscriptions.Count > 0 || _queue.Count > 0 || _history.Count > 0) return false;
            return _isRetired = now - _used >= hub.Ticks(hub.Options.TopicIdleTimeout);
        }
    }

    /// <summary>Has the backplane bring the other nodes' events, once.</summary>
    public Task<SessionCode> JoinAsync()
    {
        TaskCompletionSource<SessionCode> join;
        lock (_gate)
        {
            if (_join is not null) return _join.Task;
            _join = join = new TaskCompletionSource<SessionCode>();
        }

        return JoinAsync(join);
    }

    /// <summary>Makes a session a subscriber: what it missed, then what comes, with nothing between.</summary>
    public SessionCode Subscribe(Session session, long request, bool presence, TopicPosition[]? position, IReadOnlyList<BackplaneHistory> elsewhere)
    {
        Aftermath after = Aftermath.Rent();
        SessionCode code;
        Span<TopicPosition> latest = stackalloc TopicPosition[ProtocolLimits.MaxPositions];
        lock (_gate)
        {
            var subscription = new Subscription(session, this, presence) { Index = _subscriptions.Count };
            scoped ReadOnlySpan<TopicPosition> start;
            Backlog? replay = null;
            if (position is null)
            {
                start = latest[..Latest(latest)];
            }
            else
            {
                List<TopicPosition> from = [];
                replay = Recover(position, elsewhere, from, after);
                start = CollectionsMarshal.AsSpan(from);
                // Who is alive was heard of last. The client keeps what it has seen of the others for itself.
                start = start[Math.Max(0, start.Length - ProtocolLimits.MaxPositions)..];
            }

            code = session.AddSubscription(subscription, request, start, replay, _subscriptions.Count + 1, position is not null, after);
            if (code == SessionCode.Ok)
            {
                subscription.PresenceTold = _subscriptions.Count + 1;
                _subscriptions.Add(subscription);
            }
        }

        if (code == SessionCode.Ok) hub.NotePresence(this);
        after.Run();
        return code;
    }

    /// <summary>Where all origins are that were heard of last, as many as there is room for.</summary>
    /// <returns>How many.</returns>
    private int Latest(Span<TopicPosition> destination)
    {
        int count = 0;
        // Its own origin is told before it has counted anything, so that what is missed from the first event on can be counted.
        int own = _history.Find(_origin) is null ? 1 : 0;
        for (int i = Math.Max(0, _history.Origins.Count + own - destination.Length); i < _history.Origins.Count; i++)
        {
            destination[count++] = new TopicPosition(_history.Origins[i].Origin, _history.Origins[i].Head);
        }

        if (own == 1) destination[count++] = new TopicPosition(_origin, 0);
        return count;
    }

    public void Unsubscribe(Subscription subscription)
    {
        lock (_gate)
        {
            int index = subscription.Index;
            if (index < 0) return;
            Subscription last = _subscriptions[^1];
            _subscriptions[index] = last;
            last.Index = index;
            _subscriptions.RemoveAt(_subscriptions.Count - 1);
            subscription.Index = -1;
            _used = hub.Now;
        }

        hub.NotePresence(this);
    }

    /// <summary>Tells the number of subscribers to those who asked and were told another.</summary>
    /// <returns>True: all know.</returns>
    public bool TellPresence()
    {
        Aftermath after = Aftermath.Rent();
        bool done = true;
        lock (_gate)
        {
            SharedFrame? notice = null;
            foreach (Subscription subscription in _subscriptions)
            {
                if (!subscription.Presence || subscription.PresenceTold == _subscriptions.Count) continue;
                notice ??= new PresenceFrame { TopicId = id, Count = _subscriptions.Count }.ToShared();
                if (subscription.Session.AddPresence(notice, after)) subscription.PresenceTold = _subscriptions.Count;
                else done = false;
            }
        }

        after.Run();
        return done;
    }

    /// <summary>A subscriber's backlog is full. Its session's lock is held.</summary>
    public void Hold() => Interlocked.Increment(ref _holding);

    /// <summary>It is no longer.</summary>
    /// <returns>True: nobody's is.</returns>
    public bool Release() => Interlocked.Decrement(ref _holding) == 0;

    /// <summary>What this node has, for another node.</summary>
    public BackplaneHistory All(IReadOnlyList<TopicPosition> after)
    {
        lock (_gate)
        {
            var seen = after.ToDictionary(entry => entry.Origin, entry => entry.Offset);
            // With those on their way: to a node that has just joined they do not come by themselves. The heads are without them, because to all others they do.
            IEnumerable<TopicMessage> underWay = _queue.Where((pending, i) => i < _started || pending.IsRemote).Select(pending => pending.Message);
            List<TopicPosition> heads = [.. _history.Origins.Select(origin => new TopicPosition(origin.Origin, origin.Head))];
            if (_history.Find(_origin) is null) heads.Add(new TopicPosition(_origin, 0));
            return new BackplaneHistory(
                [.. _history.Events.Select(found => found.Message).Concat(underWay).Where(message => message.Offset > seen.GetValueOrDefault(message.Origin))], heads);
        }
    }

    /// <summary>Whether what this node has begins where a subscriber's position ends, so that no other need be asked.</summary>
    public bool Covers(TopicPosition[] position)
    {
        lock (_gate)
        {
            var seen = position.ToDictionary(entry => entry.Origin, entry => entry.Offset);
            return _history.Origins.All(origin => seen.GetValueOrDefault(origin.Origin) >= origin.Floor)
                && position.All(entry => entry.Origin == _origin || _history.Find(entry.Origin) is not null);
        }
    }

    /// <summary>What this node has taken in of a publisher, for another node.</summary>
    public IReadOnlyList<(long First, long Last)> Published(ulong publisher)
    {
        lock (_gate)
        {
            IEnumerable<(long, long)> started = _queue.Take(_started).Where(pending => pending.Message.Publisher == publisher).Select(pending => (pending.Message.Number, pending.Message.Number));
            return [.. _publishers.Runs(publisher), .. started];
        }
    }

    /// <summary>How far this node has counted, and heard of others, for another node that joins.</summary>
    public IReadOnlyList<TopicPosition> Counted()
    {
        lock (_gate)
        {
            IEnumerable<TopicPosition> heard = _history.Origins.Where(origin => origin.Origin != _origin).Select(origin => new TopicPosition(origin.Origin, origin.Head));
            // Who asks keeps this order, and forgets the first when there are too many: the one that is certainly alive is last.
            return [.. heard, new TopicPosition(_origin, _assigned)];
        }
    }

    /// <summary>Makes the origin of another node known, before it has counted anything.</summary>
    public void Meet(IReadOnlyList<TopicPosition> counted)
    {
        lock (_gate)
        {
            // Only where its events come to from then on: before, or while, this node joins, the other's own answer counts.
            if (_join is not { Task: { IsCompletedSuccessfully: true, Result: SessionCode.Ok } }) return;
            // One that has counted is known by its events, or they were lost on the way, which is to be told.
            foreach (TopicPosition entry in counted.Where(entry => entry.Offset == 0)) _history.Learn(entry.Origin, 0);
        }
    }

    private async Task<SessionCode> JoinAsync(TaskCompletionSource<SessionCode> join)
    {
        SessionCode code;
        try
        {
            (code, IReadOnlyList<TopicPosition> heads) = await hub.Backplane.JoinAsync(hub.Node, name).ConfigureAwait(false);
            lock (_gate)
            {
                if (code == SessionCode.Ok)
                {
                    Learn(heads);
                }
            }
        }
        catch (Exception exception)
        {
            hub.Application.NotifyFault(null, exception);
            code = SessionCode.Unavailable;
        }

        lock (_gate)
        {
            // Tried again by the next subscriber.
            if (code != SessionCode.Ok) _join = null;
        }

        join.SetResult(code);
        return code;
    }

    private Backlog? Recover(TopicPosition[] position, IReadOnlyList<BackplaneHistory> elsewhere, List<TopicPosition> start, Aftermath after)
    {
        var seen = position.ToDictionary(entry => entry.Origin, entry => entry.Offset);
        LearnLate(elsewhere.SelectMany(part => part.Heads), after);
        // More than this node ever counted: whatever the client means, it is not this. Of another's events more may be on their way.
        bool isUnknown = seen.GetValueOrDefault(_origin) > _assigned;
        foreach (TopicPosition entry in position) isUnknown |= entry.Origin != _origin && _history.Find(entry.Origin) is null;
        var replay = new Backlog();
        if (isUnknown) replay.AddGap(new MissedEvents());
        bool isForgotten = position.Length == ProtocolLimits.MaxPositions;
        foreach (TopicHistory.OriginState origin in _history.Origins)
        {
            // A full position has lost the origins that were heard of before all that it names: those are not new to the subscriber.
            isForgotten &= !seen.ContainsKey(origin.Origin);
            if (isForgotten) seen[origin.Origin] = origin.Head;
            long from = Math.Min(seen.GetValueOrDefault(origin.Origin), origin.Head);
            start.Add(new TopicPosition(origin.Origin, from));
        }

        RecoverOlder(start, HistoryMerge.Events(elsewhere), replay);

        if (_history.Find(_origin) is null) start.Add(new TopicPosition(_origin, 0));
        foreach (TopicEvent found in _history.Events)
        {
            if (_history.Find(found.Message.Origin) is not { } origin || found.Message.Offset <= origin.Floor) continue;
            if (found.Message.Offset > seen.GetValueOrDefault(found.Message.Origin)) AddReplay(replay, found);
        }

        return replay.IsEmpty ? null : replay;
    }

    private void Learn(IEnumerable<TopicPosition> heads)
    {
        foreach (IGrouping<uint, TopicPosition> origin in heads.GroupBy(head => head.Origin)) _history.Learn(origin.Key, origin.Max(head => head.Offset));
    }

    /// <summary>What no node said when this one joined: subscribers that are here already were not given the events up to there, and may lack them.</summary>
    private void LearnLate(IEnumerable<TopicPosition> heads, Aftermath after)
    {
        foreach (IGrouping<uint, TopicPosition> origin in heads.GroupBy(head => head.Origin))
        {
            long head = origin.Max(entry => entry.Offset);
            if (_history.Find(origin.Key) is null && head > 0)
            {
                foreach (Subscription subscription in _subscriptions) subscription.Session.AppendGap(subscription, origin.Key, head, head, after);
            }

            _history.Learn(origin.Key, head);
        }
    }

    /// <summary>What this node does not have, or not any more: from other nodes, and gaps where none has it.</summary>
    private void RecoverOlder(List<TopicPosition> start, List<TopicMessage> elsewhere, Backlog replay)
    {
        var at = start.ToDictionary(entry => entry.Origin, entry => entry.Offset);
        foreach (TopicMessage message in elsewhere)
        {
            if (_history.Find(message.Origin) is not { } origin || message.Offset <= at[message.Origin] || message.Offset > origin.Floor || origin.IsSkipped(message.Offset)) continue;
            MissUpTo(origin, message.Offset - 1);
            AddReplay(replay, TopicEvent.Create(id, message, hub.Now));
            // From here on it is known on this node too, also when the other has ended.
            _publishers.Record(message.Publisher, message.Number, SessionCode.Ok);
            at[message.Origin] = message.Offset;
        }

        foreach (TopicHistory.OriginState origin in _history.Origins) MissUpTo(origin, origin.Floor);

        void MissUpTo(TopicHistory.OriginState origin, long offset)
        {
            long missed = offset - at[origin.Origin] - origin.Skipped(at[origin.Origin], offset);
            if (missed > 0) replay.AddGap(origin.Origin, offset, missed);
        }
    }

    private void AddReplay(Backlog replay, TopicEvent found) => replay.Add(found, options.Overflow == OverflowPolicy.KeepLatestByKey, isReplayed: true);

    private long Oldest(long now) => now - hub.Ticks(options.HistoryAge);
}
