namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// A walk over the connections of one loop, on its thread, a stretch a turn: looking at a hundred thousand of them must not hold up what they are there for.
/// </summary>
internal sealed class ConnectionSurvey(int most, ConnectionOrder order)
{
    // Some tens of microseconds, as long as a busy turn takes anyway.
    private const int Stretch = 1024;

    private readonly ConnectionRanking _ranking = new(most, order);
    private readonly TaskCompletionSource<IReadOnlyList<ConnectionSnapshot>> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _slot;

    /// <summary>Completes with what was found.</summary>
    public Task<IReadOnlyList<ConnectionSnapshot>> Finished => _finished.Task;

    /// <summary>Goes on, on the loop's thread.</summary>
    /// <returns>True at the end.</returns>
    public bool Advance(ConnectionTable connections)
    {
        int end = Math.Min(_slot + Stretch, connections.End);
        for (; _slot < end; _slot++)
        {
            if (connections[_slot] is LoopPeer peer) _ranking.Offer(peer);
        }

        if (_slot < connections.End) return false;
        _finished.TrySetResult(_ranking.ToList());
        return true;
    }

    /// <summary>The loop has ended, and its connections with it.</summary>
    public void Abandon() => _finished.TrySetResult([]);
}
