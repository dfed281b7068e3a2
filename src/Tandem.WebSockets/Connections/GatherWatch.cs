namespace Tandem.WebSockets.Connections;

/// <summary>
/// Sees to it that gathered frames leave soon, whatever their applications do next. One timer for all connections, which runs while there is something to see to.
/// </summary>
/// <remarks>
/// Not the thread pool itself, which comes at once where a thread is free: while the application is still answering what came together, and in its way.
/// </remarks>
internal static class GatherWatch
{
    // In milliseconds, and the least that the system's timers can do. A frame waits for half of that on the average, when nothing else sends it.
    private const int Interval = 1;

    private static readonly Lock Gate = new();

    // Without the flow of whoever happens to send first.
    private static readonly Timer Ticks = CreateTimer();

    // Guarded by the gate.
    private static List<FrameSender> _watched = [];
    private static List<FrameSender> _due = [];
    private static bool _isTicking;

    /// <summary>Has a sender's gathered frames written out, unless they are gone by then. Once until then.</summary>
    public static void Add(FrameSender sender)
    {
        lock (Gate)
        {
            _watched.Add(sender);
            if (_isTicking) return;
            _isTicking = true;
            Ticks.Change(Interval, Timeout.Infinite);
        }
    }

    private static void OnTick()
    {
        lock (Gate) (_due, _watched) = (_watched, _due);
        foreach (FrameSender sender in _due) sender.OnWatched();
        _due.Clear();
        lock (Gate)
        {
            _isTicking = _watched.Count != 0;
            if (_isTicking) Ticks.Change(Interval, Timeout.Infinite);
        }
    }

    private static Timer CreateTimer()
    {
        using AsyncFlowControl flow = ExecutionContext.SuppressFlow();
        return new Timer(static _ => OnTick());
    }
}
