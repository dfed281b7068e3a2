namespace Tandem.Sessions;

/// <summary>The largest of many. It keeps no more than it shows, however many it is offered.</summary>
internal sealed class Largest<T>(int most)
{
    /// <summary>Most that may be asked for: what a person or a page can look at.</summary>
    public const int Limit = 10_000;

    private readonly PriorityQueue<T, long> _kept = new(); // the smallest at its head

    public void Offer(T item, long size)
    {
        if (_kept.Count < most) _kept.Enqueue(item, size);
        else if (_kept.TryPeek(out _, out long smallest) && size > smallest) _kept.EnqueueDequeue(item, size);
    }

    public IEnumerable<T> Descending() => _kept.UnorderedItems.OrderByDescending(item => item.Priority).Select(item => item.Element);
}
