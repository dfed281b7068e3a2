using System.Diagnostics;
using Tandem.WebSockets;

namespace Tandem.Cli.Bench;

/// <summary>
/// One connection sends, all receive, itself included; then the next burst, from the next publisher. What a delivery took counts from when its burst was sent.
/// </summary>
internal sealed class BroadcastLoad(BenchRun run, BroadcastState state) : Load(run)
{
    private long _delivered; // in this turn

    protected override void Opened(Connection connection)
    {
        if (connection.Number < Options.Publishers) state.Publishers[connection.Number] = connection;
        base.Opened(connection);
    }

    protected override void Begin()
    {
        if (state.Publishers[0] is { Peer: { } peer } && Connections.Contains(state.Publishers[0])) peer.Notify();
    }

    public override void OnNotified(WebSocketPeer peer)
    {
        if (Run.Phase != Phase.Loading) return;
        state.Begin();
        // Numbered through the run, whoever sends them: that is how each receiver gets them.
        for (int i = 0; i < Options.InFlight; i++) peer.Send(Options.Type, Payloads[state.Published++]);
    }

    protected override void Received(Connection connection, long number)
    {
        Record(state.BurstAt);
        _delivered++;
    }

    protected override TimeSpan Turn(Phase phase)
    {
        if (_delivered != 0 && state.Delivered(_delivered) && phase == Phase.Loading) state.Next.Peer?.Notify();
        _delivered = 0;
        return base.Turn(phase);
    }

    protected override void Lost(Connection connection, in CloseCause cause)
    {
        base.Lost(connection, in cause);
        Run.Fail("a receiver was lost: not all that is published can arrive any more");
    }
}

/// <summary>What the threads of a broadcast share.</summary>
internal sealed class BroadcastState(BenchOptions options)
{
    private long _remaining;
    private long _burstAt;
    private long _bursts;

    public Connection?[] Publishers { get; } = new Connection?[options.Publishers];

    /// <summary>Messages so far. Of the thread whose publisher has its turn.</summary>
    public long Published { get; set; }

    /// <summary>Deliveries that the burst under way still lacks.</summary>
    public long Remaining => Math.Max(0, Volatile.Read(ref _remaining));

    /// <summary>When the burst under way was sent.</summary>
    public long BurstAt => Volatile.Read(ref _burstAt);

    /// <summary>Bursts that have arrived everywhere.</summary>
    public long Bursts => Volatile.Read(ref _bursts);

    public Connection Next => Publishers[(int)(Bursts % Publishers.Length)]!;

    public void Begin()
    {
        Volatile.Write(ref _remaining, (long)options.Connections * options.InFlight);
        Volatile.Write(ref _burstAt, Stopwatch.GetTimestamp());
    }

    /// <summary>Deliveries of a turn; true when they were the burst's last.</summary>
    public bool Delivered(long count)
    {
        if (Interlocked.Add(ref _remaining, -count) > 0) return false;
        Interlocked.Increment(ref _bursts);
        return true;
    }
}
