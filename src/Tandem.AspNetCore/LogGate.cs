namespace Tandem.AspNetCore;

/// <summary>
/// Lets so many events through in a while and counts the rest: for what strangers can bring about as often as they like, and a log must not be filled
/// with. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class LogGate(TimeProvider time)
{
    /// <summary>Events that pass in each <see cref="Window"/>: enough to see that several peers do it.</summary>
    public const int Most = 10;

    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private long _start;
    private int _count = int.MaxValue; // the first event begins a window

    /// <summary>Asks for one event.</summary>
    /// <param name="suppressed">How many have not passed since the last one that has.</param>
    public bool TryPass(out int suppressed)
    {
        suppressed = 0;
        lock (_gate)
        {
            if (_count == int.MaxValue || time.GetElapsedTime(_start) >= Window)
            {
                if (_count != int.MaxValue) suppressed = Math.Max(0, _count - Most);
                _start = time.GetTimestamp();
                _count = 0;
            }

            if (_count < int.MaxValue - 1) _count++;
            return _count <= Most;
        }
    }
}
