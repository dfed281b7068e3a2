using System.Diagnostics.Metrics;

namespace Tandem.WebSockets.Telemetry;

/// <summary>The block of an event loop, and what its busy time is measured in.</summary>
/// <param name="Id">The number of the loop within its server.</param>
/// <param name="TicksPerSecond">The frequency of its clock.</param>
internal sealed record LoopBlock(int Id, long TicksPerSecond)
{
    public TrafficCounters Counters { get; } = new();
}

/// <summary>All blocks of one role: those of the event loops, and those that others lease for as long as they count something. Thread-safe.</summary>
internal sealed class TrafficLedger
{
    private readonly Lock _gate = new();
    private readonly List<LoopBlock> _loops = [];
    private readonly TrafficCounters _ended = new(); // of loops that have ended
    private readonly Dictionary<int, double> _endedBusy = []; // their seconds, by number
    private TrafficCounters[] _leasable = [new(), new()]; // replaced as a whole when it grows

    /// <summary>Makes the block of an event loop, which its thread alone writes.</summary>
    public LoopBlock AddLoop(int id, long ticksPerSecond)
    {
        var block = new LoopBlock(id, ticksPerSecond);
        lock (_gate) _loops.Add(block);
        return block;
    }

    /// <summary>The loop has ended: what it counted stays counted. On its thread.</summary>
    public void EndLoop(LoopBlock block)
    {
        lock (_gate)
        {
            if (!_loops.Remove(block)) return;
            _ended.Add(block.Counters);
            AddBusy(_endedBusy, block);
        }
    }

    /// <summary>A block that nobody else writes until <see cref="TrafficCounters.EndLease"/>. There come to be as many as there are who count at once.</summary>
    public TrafficCounters Lease()
    {
        TrafficCounters[] blocks = Volatile.Read(ref _leasable);
        int first = Environment.CurrentManagedThreadId; // threads that count at the same time begin at different blocks
        for (int i = 0; i < blocks.Length; i++)
        {
            TrafficCounters block = blocks[(first + i) % blocks.Length];
            if (block.TryLease()) return block;
        }

        return Grow();
    }

    /// <summary>Adds a counter up.</summary>
    public long Sum(Func<TrafficCounters, long> counter)
    {
        lock (_gate)
        {
            long sum = counter(_ended);
            foreach (LoopBlock loop in _loops) sum += counter(loop.Counters);
            foreach (TrafficCounters block in _leasable) sum += counter(block);
            return sum;
        }
    }

    /// <summary>Seconds by loop number, over all servers.</summary>
    public IEnumerable<Measurement<double>> BusySeconds()
    {
        Dictionary<int, double> seconds;
        lock (_gate)
        {
            seconds = new Dictionary<int, double>(_endedBusy);
            foreach (LoopBlock loop in _loops) AddBusy(seconds, loop);
        }

        return seconds.Select(loop => new Measurement<double>(loop.Value, new KeyValuePair<string, object?>(TelemetryTags.LoopId, loop.Key)));
    }

    private static void AddBusy(Dictionary<int, double> seconds, LoopBlock loop) =>
        seconds[loop.Id] = seconds.GetValueOrDefault(loop.Id) + (Volatile.Read(ref loop.Counters.BusyTicks) / (double)loop.TicksPerSecond);

    private TrafficCounters Grow()
    {
        var block = new TrafficCounters();
        block.TryLease();
        lock (_gate) Volatile.Write(ref _leasable, [.. _leasable, block]);
        return block;
    }
}
