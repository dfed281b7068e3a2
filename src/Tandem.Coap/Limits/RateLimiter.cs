using System.Runtime.InteropServices;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Limits;

/// <summary>The token buckets of <see cref="CoapRateLimits"/>.</summary>
internal sealed class RateLimiter(CoapRateLimits limits)
{
    // A full bucket says no more than none; how often a full table is searched for them.
    private static readonly TimeSpan SearchInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<UInt128, Bucket> _buckets = [];
    private Bucket _total = new(limits.TotalBurst, TimeSpan.Zero);
    private Bucket _others = new(limits.Burst, TimeSpan.Zero);
    private TimeSpan _searched = -SearchInterval;

    public int Tracked => _buckets.Count;

    /// <summary>Takes a datagram's token. That of its own address first, so that what one address may not send is not taken from all.</summary>
    public bool TryTake(CoapAddress from, TimeSpan now) =>
        BucketOf(from.Prefix, now).TryTake(limits.DatagramsPerSecond, limits.Burst, now)
        && _total.TryTake(limits.TotalDatagramsPerSecond, limits.TotalBurst, now);

    private ref Bucket BucketOf(UInt128 prefix, TimeSpan now)
    {
        ref Bucket bucket = ref CollectionsMarshal.GetValueRefOrNullRef(_buckets, prefix);
        if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref bucket)) return ref bucket;
        if (_buckets.Count >= limits.MaxTrackedAddresses && now - _searched >= SearchInterval)
        {
            _searched = now;
            foreach ((UInt128 key, Bucket each) in _buckets)
            {
                if (each.IsFull(limits.DatagramsPerSecond, limits.Burst, now)) _buckets.Remove(key);
            }
        }

        if (_buckets.Count >= limits.MaxTrackedAddresses) return ref _others;
        bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(_buckets, prefix, out _);
        bucket = new Bucket(limits.Burst, now);
        return ref bucket;
    }

    private struct Bucket(double tokens, TimeSpan at)
    {
        private double _tokens = tokens;
        private TimeSpan _at = at;

        public readonly bool IsFull(double perSecond, double burst, TimeSpan now) => _tokens + ((now - _at).TotalSeconds * perSecond) >= burst;

        public bool TryTake(double perSecond, double burst, TimeSpan now)
        {
            _tokens = Math.Min(burst, _tokens + ((now - _at).TotalSeconds * perSecond));
            _at = now;
            if (_tokens < 1) return false;
            _tokens--;
            return true;
        }
    }
}
