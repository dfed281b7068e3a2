namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// The connections of one loop by slot, and the deadline of each in an array of its own, so that the tick, which sweeps all deadlines,
/// reads eight bytes a connection and touches only those that are due. There is no timer per connection.
/// </summary>
internal sealed class ConnectionTable
{
    /// <summary>A deadline that never comes.</summary>
    public const long Never = long.MaxValue;

    private object?[] _connections = new object?[16];
    private long[] _due = new long[16];
    private int[] _free = new int[16];
    private int _freeCount;
    private int _used; // slots below it have been used at least once
    private readonly List<int> _freedInBatch = [];

    /// <summary>How many connections there are.</summary>
    public int Count { get; private set; }

    /// <summary>Slots that may hold a connection are below it.</summary>
    public int End => _used;

    /// <summary>The connection in a slot; null when it has ended.</summary>
    public object? this[int slot]
    {
        get => _connections[slot];
        set => _connections[slot] = value;
    }

    public int Add(object connection, long due)
    {
        int slot = _freeCount > 0 ? _free[--_freeCount] : _used++;
        if (slot == _connections.Length)
        {
            Array.Resize(ref _connections, slot * 2);
            Array.Resize(ref _due, slot * 2);
            Array.Resize(ref _free, slot * 2);
        }

        _connections[slot] = connection;
        _due[slot] = due;
        Count++;
        return slot;
    }

    /// <summary>Empties a slot. It is used again only after <see cref="EndBatch"/>: events of this batch may still name it.</summary>
    public void Remove(int slot)
    {
        _connections[slot] = null;
        _due[slot] = Never;
        _freedInBatch.Add(slot);
        Count--;
    }

    public void EndBatch()
    {
        if (_freedInBatch.Count == 0) return;
        foreach (int slot in _freedInBatch) _free[_freeCount++] = slot;
        _freedInBatch.Clear();
    }

    /// <summary>Sets a deadline.</summary>
    /// <param name="slot">The connection.</param>
    /// <param name="due">Milliseconds of the loop's clock, or <see cref="Never"/>.</param>
    public void SetDue(int slot, long due) => _due[slot] = due;

    /// <summary>The next slot whose deadline has come.</summary>
    /// <param name="from">The slot to look from.</param>
    /// <param name="now">Milliseconds of the loop's clock.</param>
    /// <returns>The slot, or -1.</returns>
    public int NextDue(int from, long now)
    {
        int found = _due.AsSpan(from, _used - from).IndexOfAnyInRange(long.MinValue, now);
        return found < 0 ? -1 : from + found;
    }
}
