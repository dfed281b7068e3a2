using System.Runtime.InteropServices;

namespace Tandem.Server.Link;

/// <summary>
/// A token bucket for each address, of bounded number. The limiters of .NET keep as many partitions as are asked for, and have a clock of their own. Two generations: what was
/// not used while a bucket fills up is full, so the older generation is forgotten then without a loss. It is forgotten earlier when the younger one has half of the
/// addresses that there may be: whoever has so many addresses has so many times the tries anyway, which is what a limit for all addresses together is for.
/// </summary>
internal sealed class AddressBuckets(LinkRate rate, int maxAddresses, TimeProvider time)
{
    private readonly Lock _gate = new();
    private Dictionary<string, TokenBucket> _younger = new(StringComparer.Ordinal);
    private Dictionary<string, TokenBucket> _older = new(StringComparer.Ordinal);
    private long _turned = time.GetTimestamp();

    /// <summary>How many addresses are remembered.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _younger.Count + _older.Count;
        }
    }

    /// <summary>Takes a token of an address.</summary>
    /// <returns>False: there is none.</returns>
    public bool TryTake(string address)
    {
        lock (_gate)
        {
            if (_younger.Count >= Math.Max(1, maxAddresses / 2) || time.GetElapsedTime(_turned) >= rate.TimeToRefill)
            {
                (_younger, _older) = (_older, _younger);
                _younger.Clear();
                _turned = time.GetTimestamp();
            }

            ref TokenBucket bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(_younger, address, out bool isKnown);
            if (!isKnown) bucket = _older.Remove(address, out TokenBucket before) ? before : new TokenBucket(rate, time.GetTimestamp());
            return bucket.TryTake(rate, time);
        }
    }
}
