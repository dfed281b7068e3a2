namespace Tandem.AspNetCore;

/// <summary>Comes by every <see cref="WatchedStream"/> once a second: one timer for all of them, which runs while there are any.</summary>
internal static class PeerWatch
{
    // In milliseconds. Kestrel, which always reads ahead, notices at once; what waits for this end has nothing to send, so nothing is lost by a second.
    private const int Interval = 1000;

    private static readonly Lock Gate = new();
    private static readonly HashSet<WatchedStream> Streams = [];
    private static readonly Timer Ticks = CreateTimer();

    public static void Add(WatchedStream stream)
    {
        lock (Gate)
        {
            Streams.Add(stream);
            if (Streams.Count == 1) Ticks.Change(Interval, Interval);
        }
    }

    /// <summary>Does nothing for one that has been removed.</summary>
    public static void Remove(WatchedStream stream)
    {
        lock (Gate)
        {
            if (Streams.Remove(stream) && Streams.Count == 0) Ticks.Change(Timeout.Infinite, Timeout.Infinite);
        }
    }

    private static void OnTick()
    {
        lock (Gate)
        {
            foreach (WatchedStream stream in Streams) stream.OnTick();
        }
    }

    // Without the flow of whoever happens to be first.
    private static Timer CreateTimer()
    {
        using AsyncFlowControl flow = ExecutionContext.SuppressFlow();
        return new Timer(static _ => OnTick());
    }
}
