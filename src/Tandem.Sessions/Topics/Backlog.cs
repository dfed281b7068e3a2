using System.Runtime.InteropServices;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>Events of one topic that were dropped at one place of a subscriber's stream.</summary>
internal sealed class MissedEvents
{
    private readonly List<TopicPosition> _position = [];

    public long Count { get; private set; }

    /// <summary>Nobody knows how many, or whether any: so it is not merged with others, which would hide that.</summary>
    public bool IsUnknown => Count == 0;

    public ReadOnlySpan<TopicPosition> Position => CollectionsMarshal.AsSpan(_position);

    public void Add(uint origin, long offset, long count)
    {
        Count += count;
        for (int i = 0; i < _position.Count; i++)
        {
            if (_position[i].Origin != origin) continue;
            if (offset > _position[i].Offset) _position[i] = new TopicPosition(origin, offset);
            return;
        }

        _position.Add(new TopicPosition(origin, offset));
    }

    /// <summary>Whether so many origins more have room in a frame.</summary>
    public bool HasRoom(int origins) => _position.Count + origins <= ProtocolLimits.MaxPositions;

    public void Add(MissedEvents other)
    {
        foreach (TopicPosition entry in other._position) Add(entry.Origin, entry.Offset, 0);
        Count += other.Count;
    }
}

/// <summary>
/// What waits for one subscription behind its session's window: events, and in their places the gaps that dropping left. A doubly linked list in an
/// array, because keeping the latest by key takes events out of the middle. Guarded by the session.
/// </summary>
internal sealed class Backlog
{
    private const int None = -1;

    private Node[] _nodes = new Node[8];
    private int _used;
    private int _free = None;
    private int _head = None;
    private int _tail = None;
    private Dictionary<string, int>? _keys;

    public bool IsEmpty => _head == None;

    /// <summary>Events that wait, gaps not counted.</summary>
    public int Events { get; private set; }

    /// <summary>Bytes of their frames.</summary>
    public long Bytes { get; private set; }

    /// <summary>Of those, events that recovery put here: they do not count toward the bounds.</summary>
    public int Replayed { get; private set; }

    public long ReplayedBytes { get; private set; }

    public void Add(TopicEvent topicEvent, bool byKey, bool isReplayed = false)
    {
        int node = Append(topicEvent);
        Events++;
        Bytes += topicEvent.Length;
        if (isReplayed)
        {
            _nodes[node].IsReplayed = true;
            Replayed++;
            ReplayedBytes += topicEvent.Length;
        }

        if (byKey && topicEvent.Message.Key is { } key) (_keys ??= new(StringComparer.Ordinal))[key] = node;
    }

    /// <summary>Leaves a gap behind everything that waits.</summary>
    public void AddGap(uint origin, long offset, long count)
    {
        if (_tail == None || _nodes[_tail].Item is not MissedEvents { IsUnknown: false } missed || !missed.HasRoom(1))
        {
            missed = new MissedEvents();
            Append(missed);
        }

        missed.Add(origin, offset, count);
    }

    public void AddGap(MissedEvents gap) => Append(gap);

    /// <summary>Takes what is first: a <see cref="TopicEvent"/> or <see cref="MissedEvents"/>.</summary>
    public object Take()
    {
        object item = _nodes[_head].Item!;
        Forget(item, _head);
        Remove(_head);
        return item;
    }

    /// <summary>Drops the oldest event and leaves a gap in its place.</summary>
    /// <returns>False: there is none.</returns>
    public bool DropOldest()
    {
        int node = _head;
        // A few at most: one of unknown size, and one that is known for each frame full of origins. Gaps that touch are otherwise one.
        while (node != None && _nodes[node].Item is MissedEvents) node = _nodes[node].Next;
        if (node == None) return false;
        Drop(node);
        return true;
    }

    /// <summary>Drops the event that waits with this key, and leaves a gap in its place.</summary>
    public bool DropKey(string key)
    {
        if (_keys is null || !_keys.TryGetValue(key, out int node)) return false;
        Drop(node);
        return true;
    }

    private void Drop(int node)
    {
        var dropped = (TopicEvent)_nodes[node].Item!;
        Forget(dropped, node);
        int previous = _nodes[node].Previous, next = _nodes[node].Next;
        if (previous != None && _nodes[previous].Item is MissedEvents { IsUnknown: false } before && before.HasRoom(1))
        {
            before.Add(dropped.Message.Origin, dropped.Message.Offset, 1);
            Remove(node);
        }
        else
        {
            before = new MissedEvents();
            before.Add(dropped.Message.Origin, dropped.Message.Offset, 1);
            _nodes[node].Item = before;
        }

        if (next == None || _nodes[next].Item is not MissedEvents behind || !before.HasRoom(behind.Position.Length)) return;
        before.Add(behind);
        Remove(next);
    }

    private void Forget(object item, int node)
    {
        if (item is not TopicEvent gone) return;
        Events--;
        Bytes -= gone.Length;
        if (_nodes[node].IsReplayed)
        {
            Replayed--;
            ReplayedBytes -= gone.Length;
        }

        if (_keys is not null && gone.Message.Key is { } key && _keys.TryGetValue(key, out int latest) && latest == node) _keys.Remove(key);
    }

    private int Append(object item)
    {
        int node = _free;
        if (node != None) _free = _nodes[node].Next;
        else
        {
            if (_used == _nodes.Length) Array.Resize(ref _nodes, _used * 2);
            node = _used++;
        }

        _nodes[node] = new Node { Item = item, Previous = _tail, Next = None };
        if (_tail == None) _head = node;
        else _nodes[_tail].Next = node;
        _tail = node;
        return node;
    }

    private void Remove(int node)
    {
        (int previous, int next) = (_nodes[node].Previous, _nodes[node].Next);
        if (previous == None) _head = next;
        else _nodes[previous].Next = next;
        if (next == None) _tail = previous;
        else _nodes[next].Previous = previous;
        _nodes[node] = new Node { Next = _free };
        _free = node;
    }

    private struct Node
    {
        public object? Item;
        public int Previous;
        public int Next;
        public bool IsReplayed;
    }
}
