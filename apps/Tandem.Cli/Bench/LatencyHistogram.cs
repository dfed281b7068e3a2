using System.Numerics;

namespace Tandem.Cli.Bench;

/// <summary>
/// Latencies in buckets that are as narrow as their values are small: each power of two is cut into 64, so that a figure read from it is at most 1.6 %
/// above the value that was recorded, from nanoseconds to hours, in 29 KiB and with an addition for each. Not thread-safe.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int Sub = 1 << SubBits;

    // Values below Sub have a bucket each; from there on every power of two up to 2^63 has Sub of them.
    private readonly long[] _counts = new long[(64 - SubBits) * Sub];

    /// <summary>How many were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The largest, exactly.</summary>
    public long Max { get; private set; }

    /// <summary>Records a value; a negative one, which no clock should give, counts as 0.</summary>
    public void Record(long value)
    {
        value = Math.Max(value, 0);
        _counts[IndexOf(value)]++;
        Count++;
        if (value > Max) Max = value;
    }

    /// <summary>Adds all that another one has recorded.</summary>
    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
        Count += other.Count;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The least value that at least this part of what was recorded does not exceed, rounded up to its bucket's end.</summary>
    /// <param name="part">0 to 1.</param>
    /// <returns>The value; 0 when nothing was recorded.</returns>
    public long Quantile(double part)
    {
        long rank = Math.Clamp((long)Math.Ceiling(part * Count), Math.Min(1, Count), Count);
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank && seen != 0) return Math.Min(LastOf(i), Max);
        }

        return 0;
    }

    private static int IndexOf(long value)
    {
        int shift = Math.Max(0, BitOperations.Log2((ulong)value | 1) - SubBits);
        return (shift * Sub) + (int)(value >> shift);
    }

    // The largest value of a bucket.
    private static long LastOf(int index)
    {
        int shift = Math.Max(0, (index / Sub) - 1);
        long first = (long)(index - (shift * Sub)) << shift;
        return first + (1L << shift) - 1;
    }
}
