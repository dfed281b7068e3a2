using System.Net.WebSockets;

namespace Tandem.WebSockets;

/// <summary>Which connections a <see cref="ConnectionPage"/> shows when it cannot show all.</summary>
public enum ConnectionOrder : byte
{
    /// <summary>Those for which most bytes wait: whoever does not read is first.</summary>
    MostBuffered,

    /// <summary>Those that were opened last.</summary>
    Newest,
}

/// <summary>An open connection at one moment.</summary>
/// <param name="Peer">The connection itself, which may have changed since.</param>
/// <param name="Path">The path of its route.</param>
/// <param name="State">Open, CloseSent, CloseReceived, Closed or Aborted.</param>
/// <param name="BufferedBytes">Bytes that it was sent and that its transport has not taken.</param>
/// <param name="Age">How long it has been open, to the precision of its driver's clock: a turn of the loop, a tick over streams.</param>
/// <param name="CompressionBytes">What its compression contexts may come to hold (<see cref="DeflateBudget"/>); 0 when it is not compressed.</param>
public sealed record ConnectionSnapshot(WebSocketPeer Peer, string Path, WebSocketState State, int BufferedBytes, TimeSpan Age, int CompressionBytes);

/// <summary>Some of the open connections, and how many there are.</summary>
/// <param name="Total">How many connections are open; exact, however few are shown.</param>
/// <param name="Connections">Those that come first in the order that was asked for.</param>
/// <param name="SilentLoops">Event loops that have not answered in time, because a handler keeps them: of their connections none is shown.</param>
public sealed record ConnectionPage(long Total, IReadOnlyList<ConnectionSnapshot> Connections, int SilentLoops)
{
    /// <summary>Makes one page of several.</summary>
    /// <param name="pages">The pages, each made with the same bound and order.</param>
    /// <param name="most">Most connections of the result.</param>
    /// <param name="order">Which those are.</param>
    /// <returns>The page.</returns>
    public static ConnectionPage Combine(IReadOnlyCollection<ConnectionPage> pages, int most, ConnectionOrder order)
    {
        ArgumentNullException.ThrowIfNull(pages);
        return new ConnectionPage(
            pages.Sum(page => page.Total),
            [.. pages.SelectMany(page => page.Connections).OrderByDescending(found => ConnectionRanking.RankOf(found, order)).Take(most)],
            pages.Sum(page => page.SilentLoops));
    }
}
