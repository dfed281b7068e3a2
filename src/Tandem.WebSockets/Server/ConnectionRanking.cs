namespace Tandem.WebSockets;

/// <summary>Those of many connections that come first in an order. It keeps no more than it shows, however many it is offered.</summary>
internal sealed class ConnectionRanking(int most, ConnectionOrder order)
{
    /// <summary>Most that may be asked for: what a person or a page can look at, and little beside the connections themselves.</summary>
    public const int Limit = 10_000;

    private readonly PriorityQueue<ConnectionSnapshot, (long, long)> _kept = new(); // the last in the order is at its head

    public static (long, long) RankOf(ConnectionSnapshot found, ConnectionOrder order) => Rank(order, found.BufferedBytes, found.Age.Ticks);

    public void Offer(WebSocketPeer peer)
    {
        TimeSpan age = peer.Age;
        (long, long) rank = Rank(order, peer.BufferedBytes, age.Ticks);
        bool full = _kept.Count == most;
        if (full && _kept.TryPeek(out _, out (long, long) last) && rank.CompareTo(last) <= 0) return;
        if (full) _kept.Dequeue();
        _kept.Enqueue(peer.ToSnapshot(age), rank);
    }

    public IReadOnlyList<ConnectionSnapshot> ToList() =>
        [.. _kept.UnorderedItems.OrderByDescending(item => item.Priority).Select(item => item.Element)];

    // Equals are in the other order: of those for whom nothing waits the newest are shown.
    private static (long, long) Rank(ConnectionOrder order, long buffered, long age) =>
        order == ConnectionOrder.MostBuffered ? (buffered, -age) : (-age, buffered);
}
