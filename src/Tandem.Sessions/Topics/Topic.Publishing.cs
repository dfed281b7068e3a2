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
    public ValueTask<SessionCode> Publish(TopicMessage message)
    {
        Aftermath after = Aftermath.Rent();
        SessionCode code = SessionCode.Ok;
        Pending? pending = null;
        lock (_gate)
        {
            _used = hub.Now;
            if (_publishers.WasSeen(message.Publisher, message.Number, out code))
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
                code = SessionCode.Busy;
                _publishers.Record(message.Publisher, message.Number, code);
            }
            else
            {
                _queue.Add(pending = new Pending(message, hub.Now + hub.Ticks(options.WaitTimeout), isRemote: false));
            }
        }

        after.Run();
        if (pending is null) return new(code);
        hub.NoteWaiting(this);
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
            if (_queue.Count == 0 && !IsHeldUp) TakeIn(message, after);
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
            bool deliveredHere = false;
            Aftermath after = Aftermath.Rent();
            lock (_gate)
            {
                next = NextToStart();
                if (next is not null) deliveredHere = Move(next, after);
            }

            after.Run();
            if (next is null) return;
            if (deliveredHere) next.Done.TrySetResult(SessionCode.Ok);
            else Start(next);
        }
    }

    /// <summary>Refuses what has waited for too long.</summary>
    /// <returns>True: nothing waits any more.</returns>
    public bool ExpireWaiting(long now)
    {
        List<Pending>? expired = null;
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
                _publishers.Record(pending.Message.Publisher, pending.Message.Number, SessionCode.Busy);
                (expired ??= []).Add(pending);
            }

            isEmpty = _queue.Count == 0;
        }

        foreach (Pending pending in CollectionsMarshal.AsSpan(expired)) pending.Done.TrySetResult(SessionCode.Busy);
        Pump();
        return isEmpty;
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
                if (code == SessionCode.Ok) Deliver(first.Message, after);
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
        if (_isStarting || _started == _queue.Count || _started == MaxInFlight) return null;
        Pending next = _queue[_started];
        if (IsHeldUp && !next.IsForced) return null;
        // Behind what is with the backplane still: it is moved on when that is done.
        return _started > 0 && (next.IsRemote || !hub.Backplane.IsShared) ? null : next;
    }

    /// <summary>Delivers it, or marks it as with the backplane.</summary>
    private bool Move(Pending next, Aftermath after)
    {
        if (next.IsRemote || !hub.Backplane.IsShared)
        {
            _queue.RemoveAt(0);
            if (next.IsRemote) TakeIn(next.Message, after);
            else Deliver(next.Message with { Origin = _origin, Offset = ++_assigned }, after);
            return true;
        }

        next.Message = next.Message with { Origin = _origin, Offset = ++_assigned };
        _started++;
        _isStarting = true;
        return false;
    }

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
        if (_publishers.WasSeen(message.Publisher, message.Number, out _)) _history.Skip(origin, message.Offset);
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

        public SessionCode? Result { get; set; }

        // Continuations run where it is completed, which is never under a lock.
        public TaskCompletionSource<SessionCode> Done { get; } = new();
    }
}
