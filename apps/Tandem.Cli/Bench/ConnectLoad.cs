using System.Diagnostics;
using Tandem.WebSockets;

namespace Tandem.Cli.Bench;

/// <summary>Connections are opened and ended, a number at a time; what it takes counts from the call to the judged answer.</summary>
internal sealed class ConnectLoad(BenchRun run) : Load(run)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private long _count;
    private int _failed;
    private long _retriedAt;

    /// <summary>Connections that were open; of any thread.</summary>
    public long Count => Volatile.Read(ref _count);

    public override void OnOpen(WebSocketPeer peer)
    {
        var connection = (Connection)peer.State!;
        Returned();
        Volatile.Write(ref _count, _count + 1);
        Record(connection.Times[0]);
        connection.Ends = true;
        if (Options.Close) peer.Close();
        else peer.Abort();
    }

    public override void OnConnectFailed(object? state, WebSocketConnectException failure)
    {
        if (Run.Phase == Phase.Ended) return;
        Returned();
        Run.Errors.Add(failure);
        _failed++;
    }

    public override void OnClose(WebSocketPeer peer, in CloseCause cause)
    {
        // The table of the end says by whom; what was asked for is a handshake, or nothing.
        if (Options.Close && Run.Phase != Phase.Ended && cause.Initiator != CloseInitiator.Local) Run.Errors.Add(in cause);
        Next();
    }

    protected override void Begin()
    {
        int share = Options.InFlight / Options.Threads;
        for (int i = 0; i < Math.Max(1, share); i++) Next();
    }

    // Who fails at once would fail a hundred thousand times a second.
    protected override TimeSpan Turn(Phase phase)
    {
        if (_failed != 0 && Stopwatch.GetElapsedTime(_retriedAt) >= RetryAfter)
        {
            _retriedAt = Stopwatch.GetTimestamp();
            for (; _failed > 0; _failed--) Next();
        }

        return base.Turn(phase);
    }

    protected override void Received(Connection connection, long number) => Run.Errors.Add("a message that nobody asked for");

    private void Next()
    {
        if (Run.Phase != Phase.Loading) return;
        Begun();
        Loop.Connect(new Connection(0) { Times = [Stopwatch.GetTimestamp()] });
    }
}
