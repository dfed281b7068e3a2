namespace Tandem.Coap.Observe;

/// <summary>Sequence numbers of notifications: 24 bits that begin again (RFC 7641 sections 3.4 and 4.4).</summary>
internal static class NotificationOrder
{
    private const uint Mask = 0xFF_FFFF;
    private const uint Half = 1 << 23;

    // Section 3.4: after so long the numbers may have gone round.
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(128);

    /// <summary>Whether the second is fresher than the first, by their numbers and when they came.</summary>
    public static bool IsFresher(uint first, TimeSpan firstCame, uint second, TimeSpan secondCame) =>
        IsLater(first, second) || secondCame > firstCame + Round;

    /// <summary>
    /// The next number of an observation: the clock in milliseconds, which goes on when a server begins anew, and at least one more than the last. It moves by no more than
    /// 2^23 in 256 s, as section 4.4 asks, unless there are more than 32 notifications a millisecond.
    /// </summary>
    public static uint Next(uint? last, TimeSpan now)
    {
        uint clock = (uint)((long)now.TotalMilliseconds & Mask);
        return last is { } before && !IsLater(before, clock) ? (before + 1) & Mask : clock;
    }

    private static bool IsLater(uint first, uint second) => (first < second && second - first < Half) || (first > second && first - second > Half);
}
