using System.Runtime.InteropServices;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>Events on their way in: at once where nothing is in the way, otherwise through a queue that keeps their order.</content>
internal sealed partial class Topic
{
    // So many of a topic's events are with the backplane at a time: enough for its answers to take a while.
    private const int MaxInFlight = 64;

    // Those with the backplane first, then those that wait.
    private readonly List<Pending> _queue = [];
    private int _started;
    private bool _isStarting;

    /// <summary>Publishes an event of a client or of the application on this node. The topic is in use.</summary>
    /// <param name="message">The event.</param>
    /// <param name="isRepeated">Whether the client sent it before, perhaps to another node.</param>
    public ValueTask<SessionCode> Publish(TopicMessage message, bool isRepeated)
    {
        Aftermath after = Aftermath.Rent();
        SessionCode code = SessionCode.Ok;
        Pending? pending = null;
        bool asksOthers = isRepeated && hub.Backplane.IsShared;
        lock (_gate)
        {
            _used = hub.Now;
            if (_publishers.WasSeen(message.Publisher, message.Number, out code) && !(asksOthers && code == SessionCode.Unavailable))
            {
            }
            else if (FindPending(message) is { } same)
            {
                pending = same;
            }
            else if (_queue.Count == 0 && !hub.Backplane.IsShared && !IsHeldUp)
            {
                Deliver(message with { Origin = _origin, Offset = ++_assigned }, after);
            }
            else if (_queue.Count - _started >= options.MaxWaiting)
            {
                code = asksOthers ? SessionCode.Unavailable : SessionCode.Busy;
                _publishers.Record(message.Publisher, message.Number, code);
            }
            else
            {
                _queue.Add(pending = new Pending(message, hub.Now + hub.Ticks(options.WaitTimeout), isRemote: false) { IsKnownElsewhere = !asksOthers });
            }
        }

        after.Run();
        if (pending is null) return new(code);
        hub.NoteWaiting(this);
        if (!pending.IsKnownElsewhere) _ = LearnAsync(message.Publisher);
        Pump();
        return new(pending.Done.Task);
    }

    /// <summary>Takes in an event of another node.</summary>
    public ValueTask DeliverRemote(TopicMessage message)
    {
        Aftermath after = Aftermath.Rent();
        Pending? pending = null;
        lock (_gate)
        {
            if (_queue.Count == _started && !IsHeldUp) TakeIn(message, after);
            else _queue.Add(pending = new Pending(message, hub.Now + hub.Ticks(options.WaitTimeout), isRemote: true));
        }

        after.Run();
        if (pending is null) return default;
        hub.NoteWaiting(this);
        Pump();
        return new(pending.Done.Task);
    }

    /// <summary>Moves on what can be moved on.</summary>
    public void Pump()
    {
        while (true)
        {
            Pending? next;
            SessionCode? code = null;
            Aftermath after = Aftermath.Rent();
            lock (_gate)
            {
                next = NextToStart();
                if (next is not null) code = Move(next, after);
            }

            after.Run();
            if (next is null) return;
            if (code is { } done) next.Done.TrySetResult(done);
            else Start(next);
        }
    }

    /// <summary>Refuses what has waited for too long.</summary>
    /// <returns>True: nothing waits any more.</returns>
    public bool ExpireWaiting(long now)
    {
        List<(Pending Pending, SessionCode Code)>? expired = null;
        bool isEmpty;
        lock (_gate)
        {
            for (int i = _started; i < _queue.Count; i++)
            {
                Pending pending = _queue[i];
                if (pending.Deadline > now) break;
                if (pending.IsRemote)
                {
                    // Other nodes have it: here the policy becomes to drop, and to say so.
                    pending.IsForced = true;
                    continue;
                }

                _queue.RemoveAt(i--);
                (expired ??= []).Add((pending, Refuse(pending)));
            }

            isEmpty = _queue.Count == 0;
        }

        foreach ((Pending pending, SessionCode code) in CollectionsMarshal.AsSpan(expired)) pending.Done.TrySetResult(code);
        Pump();
        return isEmpty;
    }

    /// <summary>A client asks again for what it may have asked another node for: those are asked what they have of it.</summary>
    private async Task LearnAsync(ulong publisher)
    {
        // From then on, what it publishes elsewhere comes here by itself.
        SessionCode code = await JoinAsync().ConfigureAwait(false);
        IReadOnlyList<(long First, long Last)> numbers = [];
        try
        {
            if (code == SessionCode.Ok) (code, numbers) = await hub.Backplane.PublishedAsync(hub.Node, name, publisher).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            hub.Application.NotifyFault(null, exception);
            code = SessionCode.Unavailable;
        }

        List<(Pending Pending, SessionCode Code)> done = [];
        lock (_gate)
        {
            for (int i = _started; i < _queue.Count; i++)
            {
                Pending pending = _queue[i];
                if (pending.IsKnownElsewhere || pending.Message.Publisher != publisher) continue;
                if (code != SessionCode.Ok)
                {
                    done.Add((pending, Refuse(pending)));
                    _queue.RemoveAt(i--);
                }
                else if (numbers.Any(range => pending.Message.Number >= range.First && pending.Message.Number <= range.Last))
                {
                    // Not put down as published here: it may be on its way to here.
                    done.Add((pending, SessionCode.Ok));
                    _queue.RemoveAt(i--);
                }
                else
                {
                    pending.IsKnownElsewhere = true;
                }
            }
        }

        foreach ((Pending pending, SessionCode answer) in done) pending.Done.TrySetResult(answer);
        Pump();
    }

    private void Start(Pending pending)
    {
        ValueTask<SessionCode> publish;
        try
        {
            publish = hub.Backplane.PublishAsync(hub.Node, pending.Message);
        }
        catch (Exception exception)
        {
            hub.Application.NotifyFault(null, exception);
            publish = new(SessionCode.Unavailable);
        }

        lock (_gate) _isStarting = false;
        if (publish.IsCompletedSuccessfully) Finish(pending, publish.Result);
        else _ = FinishLater(pending, publish);
    }

    private async Task FinishLater(Pending pending, ValueTask<SessionCode> publish)
    {
        SessionCode code;
        try
        {
            code = await publish.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            hub.Application.NotifyFault(null, exception);
            code = SessionCode.Unavailable;
        }

        Finish(pending, code);
        Pump();
    }

    private void Finish(Pending finished, SessionCode result)
    {
        List<(Pending Pending, SessionCode Code)> done = [];
        Aftermath after = Aftermath.Rent();
        lock (_gate)
        {
            finished.Result = result;
            while (_started > 0 && _queue[0].Result is { } code)
            {
                Pending first = _queue[0];
                _queue.RemoveAt(0);
                _started--;
                if (code == SessionCode.Ok && !WasDelivered(first.Message)) Deliver(first.Message, after);
                else _history.Skip(_history.Learn(_origin, 0), first.Message.Offset);
                done.Add((first, code));
            }
        }

        after.Run();
        foreach ((Pending pending, SessionCode code) in done) pending.Done.TrySetResult(code);
    }

    private Pending? FindPending(TopicMessage message)
    {
        if (message.Publisher == 0) return null;
        foreach (Pending pending in _queue)
        {
            if (pending.Message.Publisher == message.Publisher && pending.Message.Number == message.Number && !pending.IsRemote) return pending;
        }

        return null;
    }

    // The lock is held in what follows.

    private Pending? NextToStart()
    {
        if (_isStarting) return null;
        bool localsWait = IsHeldUp || _started == MaxInFlight;
        for (int i = _started; i < _queue.Count; i++)
        {
            Pending next = _queue[i];
            // What came from another node goes past this node's own events, with the backplane or before it: two nodes would otherwise wait for each other.
            if (next.IsRemote) return !IsHeldUp || next.IsForced ? next : null;
            if (!localsWait && next.IsKnownElsewhere) return next;
            localsWait = true;
        }

        return null;
    }

    /// <summary>Delivers it, or marks it as with the backplane. Null: the latter.</summary>
    private SessionCode? Move(Pending next, Aftermath after)
    {
        // While it waited, it may have come from another node.
        if (!next.IsRemote && _publishers.WasSeen(next.Message.Publisher, next.Message.Number, out SessionCode code))
        {
            _queue.Remove(next);
            return code;
        }

        if (next.IsRemote || !hub.Backplane.IsShared)
        {
            _queue.Remove(next);
            if (next.IsRemote) TakeIn(next.Message, after);
            else Deliver(next.Message with { Origin = _origin, Offset = ++_assigned }, after);
            return SessionCode.Ok;
        }

        next.Message = next.Message with { Origin = _origin, Offset = ++_assigned };
        _started++;
        _isStarting = true;
        return null;
    }

    private SessionCode Refuse(Pending pending)
    {
        // Whether another node has it already was not to be learned.
        SessionCode code = pending.IsKnownElsewhere ? SessionCode.Busy : SessionCode.Unavailable;
        _publishers.Record(pending.Message.Publisher, pending.Message.Number, code);
        return code;
    }

    private bool WasDelivered(TopicMessage message) => _publishers.WasSeen(message.Publisher, message.Number, out SessionCode code) && code == SessionCode.Ok;

    private void TakeIn(TopicMessage message, Aftermath after)
    {
        TopicHistory.OriginState origin = _history.Learn(message.Origin, 0);
        if (message.Offset <= origin.Head) return;
        long missed = message.Offset - 1 - origin.Head;
        if (missed > 0)
        {
            foreach (Subscription subscription in _subscriptions) subscription.Session.AppendGap(subscription, message.Origin, message.Offset - 1, missed, after);
        }

        // A client that lost its node published it again on another: the offset is taken, the event is not there twice.
        if (WasDelivered(message)) _history.Skip(origin, message.Offset);
        else Deliver(message, after);
    }

    private void Deliver(TopicMessage message, Aftermath after)
    {
        var topicEvent = TopicEvent.Create(id, message, hub.Now);
        _history.Add(_history.Learn(message.Origin, 0), topicEvent, Oldest(hub.Now));
        _publishers.Record(message.Publisher, message.Number, SessionCode.Ok);
        foreach (Subscription subscription in CollectionsMarshal.AsSpan(_subscriptions)) subscription.Session.Append(subscription, topicEvent, after);
    }

    private sealed class Pending(TopicMessage message, long deadline, bool isRemote)
    {
        public TopicMessage Message { get; set; } = message;

        public long Deadline { get; } = deadline;

        public bool IsRemote { get; } = isRemote;

        public bool IsForced { get; set; }

        /// <summary>False: it may have been published on another node, which has not been asked yet.</summary>
        public bool IsKnownElsewhere { get; set; } = true;

        public SessionCode? Result { get; set; }

        // Continuations run where it is completed, which is never under a lock.
        public TaskCompletionSource<SessionCode> Done { get; } = new();
    }
}
