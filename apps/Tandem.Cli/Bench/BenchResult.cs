namespace Tandem.Cli.Bench;

/// <summary>What came of a run.</summary>
internal sealed class BenchResult(BenchOptions options)
{
    public BenchOptions Options => options;

    public DateTimeOffset Started { get; init; }

    public int Opened { get; set; }

    public double OpenSeconds { get; set; }

    /// <summary>Messages that came, deliveries of a broadcast, handshakes, or connections that are held: within the measurement.</summary>
    public long Count { get; set; }

    public long? Publishes { get; set; }

    /// <summary>Of the measurement; seconds are 0 when there was none.</summary>
    public Spending Spent { get; set; }

    public long? ResidentBytes { get; set; }

    /// <summary>Resident memory before most connections were opened.</summary>
    public long? BaseBytes { get; set; }

    /// <summary>Connections between that and <see cref="ResidentBytes"/>.</summary>
    public int CountedForMemory { get; set; }

    public LatencyHistogram Latency { get; } = new();

    public long Bad { get; set; }

    public bool Compressed { get; set; }

    public KeyValuePair<string, long>[] Errors { get; set; } = [];

    /// <summary>Why it ended before its time; null when it did not.</summary>
    public string? Failure { get; set; }

    public bool Interrupted { get; set; }

    public double PerSecond => Spent.Seconds > 0 ? Count / Spent.Seconds : 0;

    public double? PerServerCpuSecond => Spent.ServerCpu is > 0 and var cpu ? Count / cpu : null;

    public double? ServerCpuPercent => Spent.Seconds > 0 ? Spent.ServerCpu / Spent.Seconds * 100 : null;

    public double GeneratorCpuPercent => Spent.Seconds > 0 ? Spent.GeneratorCpu / Spent.Seconds * 100 : 0;

    public double? BytesPerConnection => CountedForMemory > 0 ? (ResidentBytes - BaseBytes) / (double)CountedForMemory : null;

    /// <summary>Whether every message that came was compared with what it should be.</summary>
    public bool IsVerified => options.Mode != BenchMode.Connect;

    public int ExitCode => Interrupted ? 130 : Opened == 0 && Count == 0 ? 2 : Failure is not null || Errors.Length != 0 ? 1 : 0;

    public string DeflateState => !options.Deflate ? "off" : !Compressed ? "declined" : options.NoContextTakeover ? "no-context-takeover" : "on";
}
