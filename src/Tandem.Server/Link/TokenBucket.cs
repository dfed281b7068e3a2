namespace Tandem.Server.Link;

/// <summary>A token bucket, full at first. Guarded by its owner.</summary>
internal struct TokenBucket(LinkRate rate, long now)
{
    private double _tokens = rate.Burst;
    private long _filled = now;

    /// <summary>Takes a token.</summary>
    /// <returns>False: there is none.</returns>
    public bool TryTake(LinkRate rate, TimeProvider time)
    {
        long now = time.GetTimestamp();
        _tokens = Math.Min(rate.Burst, _tokens + (time.GetElapsedTime(_filled, now).TotalMinutes * rate.PerMinute));
        _filled = now;
        if (_tokens < 1) return false;
        _tokens--;
        return true;
    }
}
