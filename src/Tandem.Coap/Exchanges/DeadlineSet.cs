namespace Tandem.Coap.Exchanges;

/// <summary>All deadlines of an endpoint in one sorted set, so that it needs one timer.</summary>
internal sealed class DeadlineSet
{
    private readonly SortedSet<Timed> _set = new(Comparer<Timed>.Create(static (a, b) =>
        a.Due != b.Due ? a.Due.GetValueOrDefault().CompareTo(b.Due.GetValueOrDefault()) : a.Order.CompareTo(b.Order)));

    private long _order;

    public int Count => _set.Count;

    public TimeSpan? Next => _set.Min?.Due;

    /// <summary>Sets, moves or removes a deadline.</summary>
    public void Set(Timed timed, TimeSpan? due)
    {
        if (timed.Due is not null) _set.Remove(timed);
        timed.Due = due;
        if (due is null) return;
        timed.Order = _order++;
        _set.Add(timed);
    }

    /// <summary>Takes the first that is due, or null.</summary>
    public Timed? Take(TimeSpan now)
    {
        if (_set.Min is not { } first || first.Due > now) return null;
        Set(first, null);
        return first;
    }
}
