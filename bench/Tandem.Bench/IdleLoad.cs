using Tandem.Cli.Bench;
using Tandem.WebSockets.EventLoop;

namespace Tandem.Benchmarks;

/// <summary>
/// Mode idle: opens many connections, subscribes each to a topic, and asks what the server holds for them when nothing happens any more. As
/// `tandem bench --mode idle` does for connections without a protocol of their own.
/// </summary>
internal sealed class IdleLoad(LoadOptions options)
{
    // So that what a server loads and compiles for its first connections is nobody's share. In steps, since the runtime compiles in steps: what runs often is compiled
    // again while nothing new runs, to be watched, and once more when that has run often. It takes megabytes, which 10,000 connections would have to share.
    private const int BaseSteps = 3;
    private const int MaxBaseStep = 1_000;
    private static readonly TimeSpan BaseSettle = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    private readonly SubscriberSource _subscribers = new(options, new News(options.Size));
    private readonly List<int> _connections = [];

    public Result Run()
    {
        ServerProcess server = options.Server ?? throw new BenchException("memory is measured of a process: --pid is needed");
        try
        {
            for (int step = 0; step < BaseSteps; step++)
            {
                Open(_connections.Count + Math.Min(MaxBaseStep, options.Connections / 2 / BaseSteps));
                Thread.Sleep(BaseSettle);
            }

            int inBase = _connections.Count;
            long before = server.ResidentBytes();
            Open(options.Connections);
            Thread.Sleep(Settle);
            long after = server.ResidentBytes();

            var meter = new Meter(server);
            Thread.Sleep(TimeSpan.FromSeconds(options.Seconds));
            Spending spent = meter.Stop(server.CpuSeconds());

            var result = new Result("idle");
            result.Add("connections", options.Connections);
            result.Add("rss_base_bytes", before);
            result.Add("rss_bytes", after);
            result.Add("rss_per_connection", (after - before) / (double)Math.Max(1, options.Connections - inBase));
            result.Add("server_cpu_pct", spent.ServerCpu!.Value / spent.Seconds * 100);
            return result;
        }
        finally
        {
            _connections.ForEach(Libc.Reset);
        }
    }

    private void Open(int upTo)
    {
        while (_connections.Count < upTo) _connections.Add(_subscribers.Open(_connections.Count).Fd);
    }
}
