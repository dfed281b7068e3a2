using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Streams;

/// <summary>What a driver tells a connection.</summary>
internal enum StreamNotice : byte
{
    /// <summary>Its deadline has come.</summary>
    Deadline,

    /// <summary>The server is stopping: it ends in order.</summary>
    Stop,

    /// <summary>The server waits no longer: it ends now.</summary>
    Drop,
}

/// <summary>A connection's place with its driver: its deadline, and whom to tell. Held by the connection, listed by the driver.</summary>
internal sealed class StreamSlot(Action<StreamNotice> notify, WebSocketPeer? peer = null)
{
    /// <summary>The connection; null while there is none yet, only a handshake.</summary>
    public WebSocketPeer? Peer { get; } = peer;

    private long _due = ConnectionTable.Never;

    public Action<StreamNotice> Notify { get; } = notify;

    public long Due
    {
        get => Volatile.Read(ref _due);
        set => Volatile.Write(ref _due, value);
    }

    public int Index { get; set; } = -1;
}

/// <summary>
/// What the connections over streams of one server have in common: the clock and its one tick; who is there; the end. Thread-safe.
/// </summary>
internal sealed class StreamDriver
{
    private readonly Lock _gate = new();
    private readonly List<StreamSlot> _slots = [];
    private readonly long _start;
    private readonly bool _ticksAlways;
    private ITimer? _timer;
    private TaskCompletionSource? _ended; // somebody waits for the end
    private long _now;
    private long _stopDue = ConnectionTable.Never;
    private bool _stopping;
    private bool _dropping;

    /// <param name="options">The clock, its tick, and how long the end may take.</param>
    /// <param name="ticksAlways">Whether the clock ticks without connections too: for who has an end. The other only ticks while there are some.</param>
    public StreamDriver(WebSocketServerOptions options, bool ticksAlways)
    {
        Options = options;
        _ticksAlways = ticksAlways;
        _start = options.TimeProvider.GetTimestamp();
    }

    public WebSocketServerOptions Options { get; }

    /// <summary>Milliseconds, as of the last tick: deadlines are kept to that precision.</summary>
    public long Now => Volatile.Read(ref _now);

    public int Count
    {
        get
        {
            lock (_gate) return _slots.Count;
        }
    }

    /// <summary>Looks at all connections. Nothing has to be asked of them: what is shown can be read from any thread.</summary>
    public ConnectionPage Survey(int most, ConnectionOrder order)
    {
        var open = new List<WebSocketPeer>();
        lock (_gate)
        {
            foreach (StreamSlot slot in _slots)
            {
                if (slot.Peer is { IsOpened: true } peer) open.Add(peer);
            }
        }

        var ranking = new ConnectionRanking(most, order);
        foreach (WebSocketPeer peer in open) ranking.Offer(peer);
        return new ConnectionPage(open.Count, ranking.ToList(), SilentLoops: 0);
    }

    public bool IsStopping => Volatile.Read(ref _stopping);

    public long DueAfter(TimeSpan wait) => wait == Timeout.InfiniteTimeSpan ? ConnectionTable.Never : Now + (long)wait.TotalMilliseconds;

    public void Add(StreamSlot slot)
    {
        StreamNotice? notice;
        lock (_gate)
        {
            slot.Index = _slots.Count;
            _slots.Add(slot);
            if (_timer is null)
            {
                ReadClock();
                TimeSpan tick = Options.TickInterval;
                _timer = Options.TimeProvider.CreateTimer(static state => ((StreamDriver)state!).Tick(), this, tick, tick);
            }

            notice = _dropping ? StreamNotice.Drop : _stopping ? StreamNotice.Stop : null;
        }

        if (notice is { } late) slot.Notify(late);
    }

    public void Remove(StreamSlot slot)
    {
        TaskCompletionSource? ended = null;
        lock (_gate)
        {
            if (slot.Index < 0) return;
            StreamSlot last = _slots[^1];
            _slots[slot.Index] = last;
            last.Index = slot.Index;
            _slots.RemoveAt(_slots.Count - 1);
            slot.Index = -1;
            if (_slots.Count == 0)
            {
                if (!_ticksAlways || _stopping) StopTicking();
                ended = _ended;
            }
        }

        ended?.TrySetResult();
    }

    /// <summary>Closes everything; those that have not ended within the options' StopTimeout are dropped.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            if (_stopping) return;
            _stopping = true;
            ReadClock();
            _stopDue = DueAfter(Options.StopTimeout);
        }

        NotifyAll(StreamNotice.Stop);
    }

    public void StopNow()
    {
        lock (_gate) _dropping = true;
        NotifyAll(StreamNotice.Drop);
    }

    /// <summary>Completes when there are no connections, after <see cref="Stop"/>.</summary>
    public Task EndedAsync()
    {
        lock (_gate)
        {
            _ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_slots.Count == 0)
            {
                StopTicking();
                _ended.TrySetResult();
            }

            return _ended.Task;
        }
    }

    // The gate is held.
    private void StopTicking()
    {
        _timer?.Dispose();
        _timer = null;
    }

    private void Tick()
    {
        List<StreamSlot>? due = null;
        bool drops;
        lock (_gate)
        {
            ReadClock();
            drops = _now >= _stopDue && !_dropping;
            foreach (StreamSlot slot in _slots)
            {
                if (slot.Due <= _now) (due ??= []).Add(slot);
            }
        }

        foreach (StreamSlot slot in due ?? []) slot.Notify(StreamNotice.Deadline);
        if (drops) StopNow();
    }

    // The gate is held.
    private void ReadClock() => Volatile.Write(ref _now, (long)Options.TimeProvider.GetElapsedTime(_start).TotalMilliseconds);

    private void NotifyAll(StreamNotice notice)
    {
        StreamSlot[] slots;
        lock (_gate) slots = [.. _slots];
        foreach (StreamSlot slot in slots) slot.Notify(notice);
    }
}
