using System.Diagnostics;
using System.Numerics;

namespace Tandem.Cli.Bench;

/// <summary>A closed loop: every connection keeps a number of messages in flight.</summary>
internal sealed class EchoLoad(BenchRun run) : Load(run)
{
    // To look at the clock costs about as much as to send 20 bytes: where many are in flight, some of them tell how long all take.
    private readonly int _timedMask = run.Options.InFlight >= 16 ? 15 : 0;
    private readonly int _ringMask = (int)BitOperations.RoundUpToPowerOf2((uint)run.Options.InFlight) - 1;

    protected override void Opened(Connection connection)
    {
        connection.Times = new long[_ringMask + 1];
        base.Opened(connection);
    }

    protected override void Begin()
    {
        foreach (Connection connection in Connections)
        {
            for (int i = 0; i < Options.InFlight && connection.Peer is not null; i++) Send(connection);
        }
    }

    protected override void Received(Connection connection, long number)
    {
        Returned();
        if ((number & _timedMask) == 0) Record(connection.Times[number & _ringMask]);
        if (Run.Phase == Phase.Loading) Send(connection);
    }

    private void Send(Connection connection)
    {
        if ((connection.Sent & _timedMask) == 0) connection.Times[connection.Sent & _ringMask] = Stopwatch.GetTimestamp();
        SendNext(connection);
    }
}
