using System.Runtime.InteropServices;

namespace Tandem.WebSockets.EventLoop;

/// <summary>A piece of memory for bytes on their way out, filled at its end and sent from its start. Pinned for life, so a send needs no handle.</summary>
internal sealed unsafe class Segment
{
    /// <summary>What waits for a peer that is not being served right now, such as its copy of a broadcast: most such queues stay this small.</summary>
    public const int SmallSize = 4 * 1024;

    /// <summary>What a batch of answers, or the rest of a large message, is gathered in. About what one send to a socket takes at once.</summary>
    public const int LargeSize = 64 * 1024;

    private readonly byte[] _array;
    private readonly byte* _pointer;

    public Segment(int size)
    {
        _array = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        _pointer = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_array, 0);
    }

    public int Start { get; set; }

    public int End { get; set; }

    public Segment? Next { get; set; }

    public bool IsLarge => _array.Length == LargeSize;

    public int Length => End - Start;

    public Span<byte> Free => _array.AsSpan(End);

    public ReadOnlyMemory<byte> Memory => _array.AsMemory(Start, Length);

    public byte* Pointer => _pointer + Start;
}

/// <summary>The free segments of one thread: last in, first out, so the next one used is still in the processor's cache. Not thread-safe.</summary>
internal sealed class SegmentPool
{
    // What a burst needed is given back to the garbage collector over the next ticks, down to these: 1 MiB of each.
    private const int SmallKept = 256;
    private const int LargeKept = 16;

    [ThreadStatic]
    private static SegmentPool? t_ofThread;

    /// <summary>The pool of a thread that runs no loop: a thread of the pool, which serves now one connection and now another.</summary>
    public static SegmentPool OfThread => t_ofThread ??= new SegmentPool();

    private Segment? _small;
    private Segment? _large;
    private int _smallCount;
    private int _largeCount;

    public Segment Rent(bool large)
    {
        ref Segment? list = ref large ? ref _large : ref _small;
        Segment? segment = list;
        if (segment is null) return new Segment(large ? Segment.LargeSize : Segment.SmallSize);
        list = segment.Next;
        if (large) _largeCount--;
        else _smallCount--;
        segment.Next = null;
        return segment;
    }

    public void Return(Segment segment)
    {
        segment.Start = segment.End = 0;
        ref Segment? list = ref segment.IsLarge ? ref _large : ref _small;
        segment.Next = list;
        list = segment;
        if (segment.IsLarge) _largeCount++;
        else _smallCount++;
    }

    /// <summary>Lets half of what is over the kept amount go. Called once a tick.</summary>
    public void Trim()
    {
        Trim(ref _small, ref _smallCount, SmallKept);
        Trim(ref _large, ref _largeCount, LargeKept);
    }

    private static void Trim(ref Segment? list, ref int count, int kept)
    {
        for (int excess = (count - kept + 1) / 2; excess > 0; excess--)
        {
            list = list!.Next;
            count--;
        }
    }
}
