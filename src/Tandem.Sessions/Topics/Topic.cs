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
    public SessionCode Subscribe(Session session, long request, bool presence, TopicPosition[]? position, BackplaneHistory elsewhere)
    {
        Aftermath after = Aftermath.Rent();
        SessionCode code;
        lock (_gate)
        {
            var subscription = new Subscription(session, this, presence) { Index = _subscriptions.Count };
            List<TopicPosition> start = [];
            Backlog? replay = null;
            if (position is null)
            {
                foreach (TopicHistory.OriginState origin in _history.Origins) start.Add(new TopicPosition(origin.Origin, origin.Head));
                // Its own origin is told before it has counted anything, so that what is missed from the first event on can be counted.
                if (_history.Find(_origin) is null && start.Count < ProtocolLimits.MaxPositions) start.Add(new TopicPosition(_origin, 0));
            }
            else
            {
                replay = Recover(position, elsewhere, start);
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

    /// <summary>What this node has counted itself, for another node.</summary>
    public BackplaneHistory Own(IReadOnlyList<TopicPosition> after)
    {
        lock (_gate)
        {
            long seen = after.FirstOrDefault(entry => entry.Origin == _origin).Offset;
            IEnumerable<TopicMessage> delivered = _history.Events.Where(found => found.Message.Origin == _origin).Select(found => found.Message);
            // With those on their way: to a node that has just joined they do not come by themselves. The head is without them, because to all others they do.
            IEnumerable<TopicMessage> started = _queue.Take(_started).Select(pending => pending.Message);
            return new BackplaneHistory(
                [.. delivered.Concat(started).Where(message => message.Offset > seen)], [new TopicPosition(_origin, _history.Find(_origin)?.Head ?? 0)]);
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

    /// <summary>How far this node has counted, for another node that joins.</summary>
    public TopicPosition Counted()
    {
        lock (_gate) return new TopicPosition(_origin, _assigned);
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
                    foreach (TopicPosition head in heads) _history.Learn(head.Origin, head.Offset);
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

    private Backlog? Recover(TopicPosition[] position, BackplaneHistory elsewhere, List<TopicPosition> start)
    {
        var seen = position.ToDictionary(entry => entry.Origin, entry => entry.Offset);
        foreach (TopicPosition head in elsewhere.Heads) _history.Learn(head.Origin, head.Offset);
        // More than this node ever counted: whatever the client means, it is not this. Of another's events more may be on their way.
        bool isUnknown = seen.GetValueOrDefault(_origin) > _assigned;
        foreach (TopicPosition entry in position) isUnknown |= entry.Origin != _origin && _history.Find(entry.Origin) is null;
        var replay = new Backlog();
        if (isUnknown) replay.AddGap(new MissedEvents());
        foreach (TopicHistory.OriginState origin in _history.Origins)
        {
            long from = Math.Min(seen.GetValueOrDefault(origin.Origin), origin.Head);
            start.Add(new TopicPosition(origin.Origin, from));
            RecoverOlder(origin, from, elsewhere, replay);
        }

        if (_history.Find(_origin) is null && start.Count < ProtocolLimits.MaxPositions) start.Add(new TopicPosition(_origin, 0));
        foreach (TopicEvent found in _history.Events)
        {
            if (_history.Find(found.Message.Origin) is not { } origin || found.Message.Offset <= origin.Floor) continue;
            if (found.Message.Offset > seen.GetValueOrDefault(found.Message.Origin)) AddReplay(replay, found);
        }

        return replay.IsEmpty ? null : replay;
    }

    /// <summary>What this node does not have any more of an origin: from the node that counted it, and gaps where that does not have it either.</summary>
    private void RecoverOlder(TopicHistory.OriginState origin, long from, BackplaneHistory elsewhere, Backlog replay)
    {
        long at = from;
        foreach (TopicMessage message in elsewhere.Events)
        {
            if (message.Origin != origin.Origin || message.Offset <= at || message.Offset > origin.Floor || origin.IsSkipped(message.Offset)) continue;
            MissUpTo(message.Offset - 1);
            AddReplay(replay, TopicEvent.Create(id, message, hub.Now));
            // From here on it is known on this node too, also when the other has ended.
            _publishers.Record(message.Publisher, message.Number, SessionCode.Ok);
            at = message.Offset;
        }

        MissUpTo(origin.Floor);
        void MissUpTo(long offset)
        {
            long missed = offset - at - origin.Skipped(at, offset);
            if (missed > 0) replay.AddGap(origin.Origin, offset, missed);
        }
    }

    private void AddReplay(Backlog replay, TopicEvent found) => replay.Add(found, options.Overflow == OverflowPolicy.KeepLatestByKey, isReplayed: true);

    private long Oldest(long now) => now - hub.Ticks(options.HistoryAge);
}
