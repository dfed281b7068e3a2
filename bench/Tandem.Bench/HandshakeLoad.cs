using System.Diagnostics;

namespace Tandem.Benchmarks;

/// <summary>
/// Mode handshakes: connections are opened and upgraded a window at a time, their answers judged, and all of them reset. The server thus
/// accepts, parses, answers, and clears away a connection that ended without a closing handshake.
/// </summary>
internal sealed class HandshakeLoad(EchoOptions options)
{
    private readonly Upgrade _upgrade = new(options.Port, options.Path);
    private readonly int[] _window = new int[options.InFlight];

    public Result Run()
    {
        if (options.WarmUp > 0) RunFor(options.WarmUp);
        var meter = new Meter(options.Server);
        long count = RunFor(options.Seconds);
        Spending spent = meter.Stop();

        var result = new Result("handshakes", 0);
        result.Add("in_flight", options.InFlight);
        result.AddRates(count, spent);
        return result;
    }

    private long RunFor(double seconds)
    {
        long count = 0;
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; count += _window.Length)
        {
            for (int i = 0; i < _window.Length; i++) _window[i] = _upgrade.Begin(options.Source(i));
            foreach (int fd in _window) _upgrade.Finish(fd);
            foreach (int fd in _window) ClientSocket.Reset(fd);
        }

        return count;
    }
}
