namespace Tandem.Tests.Support;

/// <summary>A clock that stands still until a test moves it. The loops read it each turn, so a small TickInterval makes them see it soon.</summary>
internal sealed class ManualTime : TimeProvider
{
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    private long _now = 1_000_000;
    private long _reads;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How often the clock was read: at the beginning and at the end of every turn of a loop.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    public override long GetTimestamp()
    {
        Interlocked.Increment(ref _reads);
        return Interlocked.Read(ref _now);
    }

    public void Advance(TimeSpan time) => Interlocked.Add(ref _now, time.Ticks);

    /// <summary>Moves the clock, and waits until the one loop that reads it has surely swept its deadlines at the new time.</summary>
    public async Task AdvanceAndSweep(TimeSpan time)
    {
        Advance(time);
        await Sweep();
    }

    /// <summary>Waits for whole turns of the loop. The clock moves by one tick in between, because sweeps are that far apart.</summary>
    public async Task Sweep()
    {
        long reads = Reads;
        await Eventually.True(() => Reads >= reads + 4, "two turns of the loop");
        Advance(Tick);
        reads = Reads;
        await Eventually.True(() => Reads >= reads + 4, "two more turns of the loop");
    }
}
