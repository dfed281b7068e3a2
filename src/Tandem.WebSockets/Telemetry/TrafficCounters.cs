using System.Runtime.InteropServices;

namespace Tandem.WebSockets.Telemetry;

/// <summary>
/// What is counted for every message. One thread at a time writes a block: the thread of an event loop, or who has leased it from its
/// <see cref="TrafficLedger"/>. So counting is an addition to a field, without a lock or an interlocked operation, whether anybody listens or not;
/// who observes reads the fields of all blocks and adds them up.
/// </summary>
/// <remarks>
/// 128 bytes before and behind the fields keep them off the cache lines of other blocks: two lines, because processors fetch them in pairs.
/// What goes up and down (<see cref="Connections"/>, <see cref="Buffered"/>) is a sum of differences: only the sum over all blocks means something.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 128 + 96 + 128)]
internal sealed class TrafficCounters
{
    [FieldOffset(128)]
    public long Connections;

    [FieldOffset(136)]
    public long MessagesReceived;

    [FieldOffset(144)]
    public long MessagesSent;

    [FieldOffset(152)]
    public long BytesReceived;

    [FieldOffset(160)]
    public long BytesSent;

    [FieldOffset(168)]
    public long Buffered;

    /// <summary>Payload of compressed messages as it came.</summary>
    [FieldOffset(176)]
    public long CompressedReceived;

    /// <summary>The same payload, inflated.</summary>
    [FieldOffset(184)]
    public long PlainReceived;

    /// <summary>Payload of compressed messages as it went out.</summary>
    [FieldOffset(192)]
    public long CompressedSent;

    /// <summary>The same payload before it was compressed.</summary>
    [FieldOffset(200)]
    public long PlainSent;

    /// <summary>Ticks of the clock of <see cref="LoopBlock"/> in which a loop was not waiting.</summary>
    [FieldOffset(208)]
    public long BusyTicks;

    [FieldOffset(216)]
    private int _leased;

    public bool TryLease() => Volatile.Read(ref _leased) == 0 && Interlocked.Exchange(ref _leased, 1) == 0;

    public void EndLease() => Volatile.Write(ref _leased, 0);

    /// <summary>Adds another block, whose writer has ended.</summary>
    public void Add(TrafficCounters other)
    {
        Connections += other.Connections;
        MessagesReceived += other.MessagesReceived;
        MessagesSent += other.MessagesSent;
        BytesReceived += other.BytesReceived;
        BytesSent += other.BytesSent;
        Buffered += other.Buffered;
        CompressedReceived += other.CompressedReceived;
        PlainReceived += other.PlainReceived;
        CompressedSent += other.CompressedSent;
        PlainSent += other.PlainSent;
    }
}
