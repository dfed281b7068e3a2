using System.Diagnostics;

namespace Tandem.Cli.Bench;

/// <summary>What a measurement took.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="ServerCpu">Seconds of processor time of the server; null when its process is not known.</param>
/// <param name="GeneratorCpu">Seconds of processor time of this process.</param>
internal readonly record struct Spending(double Seconds, double? ServerCpu, double GeneratorCpu);

/// <summary>From its making to <see cref="Stop"/>: the clock on the wall and the processor time of both sides.</summary>
internal sealed class Meter
{
    private readonly double _serverCpu;
    private readonly double _generatorCpu;
    private readonly long _start;

    public Meter(ServerProcess? server)
    {
        _generatorCpu = ServerProcess.Self.CpuSeconds();
        _serverCpu = server?.CpuSeconds() ?? 0;
        _start = Stopwatch.GetTimestamp();
    }

    /// <summary>Stops.</summary>
    /// <param name="serverCpu">What the server has spent until now in all; null when that is not known.</param>
    public Spending Stop(double? serverCpu) =>
        new(Stopwatch.GetElapsedTime(_start).TotalSeconds, serverCpu - _serverCpu, ServerProcess.Self.CpuSeconds() - _generatorCpu);
}
