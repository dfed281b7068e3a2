using System.Diagnostics;

namespace Tandem.Cli.Bench;

/// <summary>
/// An open loop: messages are due at fixed times, on one connection after the other, and what a message took counts from when it was due. A server that
/// stands still for a second is so charged with every message of that second, and not with the one that happened to be under way.
/// </summary>
internal sealed class RateLoad(BenchRun run) : Load(run)
{
    // What a connection may owe: more says that the server has long stopped to keep up, and each is a time to be remembered.
    private const int MaxUnanswered = 1024;

    private readonly double _ticksPerMessage = Stopwatch.Frequency * (double)run.Options.Threads / run.Options.Rate;
    private long _start;
    private long _due; // messages that have been due
    private int _next;

    protected override void Opened(Connection connection)
    {
        connection.Times = new long[MaxUnanswered];
        base.Opened(connection);
    }

    protected override void Begin() => _start = Stopwatch.GetTimestamp();

    protected override void Received(Connection connection, long number)
    {
        Returned();
        Record(connection.Times[number % MaxUnanswered]);
    }

    protected override TimeSpan Turn(Phase phase)
    {
        if (phase == Phase.Ended || Open == 0) return base.Turn(phase);
        // What was due before the end is sent, however late that is: those who wait the longest must not be left out.
        long now = Math.Min(Stopwatch.GetTimestamp(), Run.Until - 1);
        long at = DueAt(_due);
        for (; at <= now; at = DueAt(++_due)) Send(at);
        return phase == Phase.Draining ? base.Turn(phase) : Stopwatch.GetElapsedTime(now, at);
    }

    private long DueAt(long number) => _start + (long)(number * _ticksPerMessage);

    private void Send(long at)
    {
        Connection connection;
        do connection = Connections[_next++ % Connections.Count];
        while (connection.Peer is null); // there is one: Open says so
        if (connection.Sent - connection.Received >= MaxUnanswered)
        {
            Run.Errors.Add($"messages that were not sent, because {MaxUnanswered} before them had no answer");
            return;
        }

        connection.Times[connection.Sent % MaxUnanswered] = at;
        SendNext(connection);
    }
}
