namespace Tandem.Tests.Support;

/// <summary>A clock that stands still until it is moved; moving it runs the timers on the way, on the caller's thread.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private long _now = TimeSpan.TicksPerDay;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers exist, armed or not.</summary>
    public int Timers
    {
        get
        {
            lock (_gate) return _timers.Count;
        }
    }

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        // At once: who sees the timer may move the clock.
        lock (_gate)
        {
            timer.Change(dueTime, period);
            _timers.Add(timer);
        }

        return timer;
    }

    public void Advance(double seconds)
    {
        long target = _now + TimeSpan.FromSeconds(seconds).Ticks;
        while (true)
        {
            ManualTimer? next;
            lock (_gate)
            {
                next = _timers.Where(timer => timer.Due <= target).MinBy(timer => timer.Due);
                Volatile.Write(ref _now, next is null ? target : Math.Max(_now, next.Due));
                if (next is null) return;
                next.Due = long.MaxValue;
            }

            next.Callback();
        }
    }

    private sealed class ManualTimer(ManualClock clock, Action callback) : ITimer
    {
        public Action Callback => callback;

        public long Due { get; set; } = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate) Due = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : clock._now + dueTime.Ticks;
            return true;
        }

        public void Dispose()
        {
            lock (clock._gate) clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
