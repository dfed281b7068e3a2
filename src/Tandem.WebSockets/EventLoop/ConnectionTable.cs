namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// The connections of one loop by slot, and the deadline of each in an array of its own, so that the tick, which sweeps all deadlines,
/// reads eight bytes a connection and touches only those that are due. There is no timer per connection.
/// </summary>
internal sealed class ConnectionTable
{
    /// <summary>A deadline that never comes.</summary>
    public const long Never = long.MaxValue;

    // The table grows by blocks and never moves: one array that doubles would hold up to twice the room, and leave the outgrown ones behind,
    // in a process that may not collect for hours.
    private const int BlockShift = 10;
    private const int BlockSize = 1 << BlockShift;

    private readonly Stack<int> _free = new();
    private readonly List<int> _freedInBatch = [];
    private Block[] _blocks = new Block[16];
    private int _used; // slots below it have been used at least once

    /// <summary>How many connections there are.</summary>
    public int Count { get; private set; }

    /// <summary>Slots that may hold a connection are below it.</summary>
    public int End => _used;

    /// <summary>The connection in a slot; null when it has ended.</summary>
    public object? this[int slot]
    {
        get => _blocks[slot >> BlockShift].Connections[slot & (BlockSize - 1)];
        set => _blocks[slot >> BlockShift].Connections[slot & (BlockSize - 1)] = value;
    }

    public int Add(object connection, long due)
    {
        if (!_free.TryPop(out int slot))
        {
            slot = _used++;
            if ((slot & (BlockSize - 1)) == 0) AddBlock(slot >> BlockShift);
        }

        this[slot] = connection;
        SetDue(slot, due);
        Count++;
        return slot;
    }

    /// <summary>Empties a slot. It is used again only after <see cref="EndBatch"/>: events of this batch may still name it.</summary>
    public void Remove(int slot)
    {
        this[slot] = null;
        SetDue(slot, Never);
        _freedInBatch.Add(slot);
        Count--;
    }

    public void EndBatch()
    {
        if (_freedInBatch.Count == 0) return;
        foreach (int slot in _freedInBatch) _free.Push(slot);
        _freedInBatch.Clear();
    }

    /// <summary>Sets a deadline.</summary>
    /// <param name="slot">The connection.</param>
    /// <param name="due">Milliseconds of the loop's clock, or <see cref="Never"/>.</param>
    public void SetDue(int slot, long due) => _blocks[slot >> BlockShift].Due[slot & (BlockSize - 1)] = due;

    /// <summary>The next slot whose deadline has come.</summary>
    /// <param name="from">The slot to look from.</param>
    /// <param name="now">Milliseconds of the loop's clock.</param>
    /// <returns>The slot, or -1.</returns>
    public int NextDue(int from, long now)
    {
        while (from < _used)
        {
            int offset = from & (BlockSize - 1);
            Span<long> due = _blocks[from >> BlockShift].Due.AsSpan(offset, Math.Min(BlockSize - offset, _used - from));
            int found = due.IndexOfAnyInRange(long.MinValue, now);
            if (found >= 0) return from + found;
            from += due.Length;
        }

        return -1;
    }

    private void AddBlock(int index)
    {
        if (index == _blocks.Length) Array.Resize(ref _blocks, index * 2);
        _blocks[index] = new Block(new object?[BlockSize], new long[BlockSize]);
    }

    private readonly record struct Block(object?[] Connections, long[] Due);
}
