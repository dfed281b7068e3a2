using System.Diagnostics;
using Tandem.WebSockets;

namespace Tandem.Cli.Bench;

/// <summary>A run from the first connection to the last: loops and their loads, phase by phase, and what came of it.</summary>
internal sealed class BenchRun
{
    /// <summary>After this long without a message the server is taken to hang.</summary>
    public static readonly TimeSpan Stall = TimeSpan.FromSeconds(5);

    // Longer than the deadlines of a connection that does not open.
    private static readonly TimeSpan OpenStall = TimeSpan.FromSeconds(25);

    private const int MaxIdleBase = 200;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BaseSettle = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan IdleSettle = TimeSpan.FromSeconds(1);

    private readonly BenchProgress _progress;
    private readonly CancellationToken _cancellation;
    private readonly BroadcastState? _broadcast;
    private readonly ServerProcess? _server;
    private readonly List<Load> _loads = [];
    private readonly List<WebSocketClientLoop> _loops = [];
    private volatile Phase _phase = Phase.Opening;
    private volatile string? _failure;
    private long _from = long.MaxValue;
    private long _until = long.MaxValue;

    public BenchRun(BenchOptions options, BenchProgress progress, CancellationToken cancellation)
    {
        Options = options;
        Payloads = new Payloads(options);
        _progress = progress;
        _cancellation = cancellation;
        if (options.Pid is { } pid) _server = ServerProcess.Find(pid);
        if (options.Mode == BenchMode.Broadcast) _broadcast = new BroadcastState(options);
    }

    public BenchOptions Options { get; }

    public Payloads Payloads { get; }

    public ErrorTally Errors { get; } = new();

    public Phase Phase => _phase;

    /// <summary>Whether what was sent at this time belongs to the measurement.</summary>
    public bool Measures(long since) => since >= Volatile.Read(ref _from) && since < Volatile.Read(ref _until);

    /// <summary>The end of the measurement, once it has come.</summary>
    public long Until => Volatile.Read(ref _until);

    /// <summary>Ends the run early; the first reason stands.</summary>
    public void Fail(string why) => Interlocked.CompareExchange(ref _failure, why, null);

    public async Task<BenchResult> RunAsync()
    {
        for (int i = 0; i < Options.Threads; i++)
        {
            Load load = MakeLoad();
            var loop = new WebSocketClientLoop(Options.Url, Options.EndPoint, load, Options.Client);
            load.Attach(loop);
            _loads.Add(load);
            _loops.Add(loop);
        }

        var result = new BenchResult(Options) { Started = DateTimeOffset.UtcNow };
        try
        {
            if (Options.Mode == BenchMode.Idle) await IdleAsync(result);
            else await LoadAsync(result);
        }
        finally
        {
            _phase = Phase.Ended;
            using var hurry = new CancellationTokenSource(EndTime);
            await Task.WhenAll(_loops.Select(loop => loop.StopAsync(hurry.Token)));
        }

        result.Failure = _failure;
        result.Interrupted = _cancellation.IsCancellationRequested;
        result.Bad = _loads.Sum(load => load.Bad);
        result.Errors = Errors.ToArray();
        result.Compressed = _loads.Exists(load => load.SawCompression);
        foreach (Load load in _loads) result.Latency.Add(load.Latency);
        return result;
    }

    private bool Goes => _failure is null && !_cancellation.IsCancellationRequested;

    private int Open => _loads.Sum(load => load.Open);

    // Of what the mode counts.
    private long Count => Options.Mode == BenchMode.Connect ? _loads.Sum(load => ((ConnectLoad)load).Count) : _loads.Sum(load => load.Messages);

    private long Bursts => _broadcast?.Bursts ?? 0;

    private Load MakeLoad() => Options.Mode switch
    {
        BenchMode.Echo => new EchoLoad(this),
        BenchMode.Rate => new RateLoad(this),
        BenchMode.Broadcast => new BroadcastLoad(this, _broadcast!),
        BenchMode.Idle => new IdleLoad(this),
        _ => new ConnectLoad(this),
    };

    private async Task LoadAsync(BenchResult result)
    {
        if (Options.Mode != BenchMode.Connect && !await OpenAsync(result, 0, Options.Connections)) return;
        if (Options.Mode == BenchMode.Broadcast && Open != Options.Connections) Fail("not all receivers could connect");
        _phase = Phase.Loading;
        await WaitAsync("warming up", Options.WarmUp);
        var meter = new Meter(_server);
        (long before, long burstsBefore) = Stamp(ref _from);
        await WaitAsync("measuring", Options.Duration, before + Options.Count);
        (long after, long burstsAfter) = Stamp(ref _until);
        result.Count = after - before;
        result.Publishes = _broadcast is null ? null : (burstsAfter - burstsBefore) * Options.InFlight;
        // The time of what was counted: to read what a process has spent may take long where processors are few.
        result.Spent = meter.Stop(Read(() => _server?.CpuSeconds())) with { Seconds = Stopwatch.GetElapsedTime(_from, _until).TotalSeconds };
        result.ResidentBytes = Read(() => _server?.ResidentBytes());
        _phase = Phase.Draining;
        await DrainAsync();
    }

    // An edge of the measurement: when, and what has come until then. Of one moment also where this thread is held up between them: no burst has ended meanwhile.
    private (long Count, long Bursts) Stamp(ref long time)
    {
        while (true)
        {
            long bursts = Bursts;
            Volatile.Write(ref time, Stopwatch.GetTimestamp());
            long count = Count;
            if (bursts == Bursts) return (count, bursts);
        }
    }

    // The first connections are the base, so that what a server loads and compiles for its first is nobody's share.
    private async Task IdleAsync(BenchResult result)
    {
        int inBase = _server is null ? 0 : Math.Min(MaxIdleBase, Options.Connections / 2);
        if (inBase > 0)
        {
            if (!await OpenAsync(result, 0, inBase)) return;
            await WaitAsync("settling", BaseSettle);
            result.BaseBytes = Read(() => _server?.ResidentBytes());
        }

        if (!await OpenAsync(result, inBase, Options.Connections - inBase)) return;
        await WaitAsync("settling", _server is null ? TimeSpan.Zero : IdleSettle);
        result.ResidentBytes = Read(() => _server?.ResidentBytes());
        result.CountedForMemory = Open - inBase;
        var meter = new Meter(_server);
        await WaitAsync("holding", Options.Duration);
        result.Spent = meter.Stop(Read(() => _server?.CpuSeconds()));
        result.Count = Open;
    }

    private async Task<bool> OpenAsync(BenchResult result, int first, int count)
    {
        long start = Stopwatch.GetTimestamp();
        int settled = _loads.Sum(load => load.Settled) + count;
        for (int i = 0; i < _loads.Count; i++)
        {
            // Whole parts of it in order: the first connections are the first loop's.
            int from = (int)((long)count * i / _loads.Count);
            _loads[i].OpenMore(first + from, (int)((long)count * (i + 1) / _loads.Count) - from);
        }

        int before = -1;
        long progressAt = start;
        while (_loads.Sum(load => load.Settled) is var now && now < settled && Goes)
        {
            await Task.Delay(Tick, CancellationToken.None);
            _progress.Show("opening", Open, null, Errors.Total);
            if (now != before) (before, progressAt) = (now, Stopwatch.GetTimestamp());
            else if (Stopwatch.GetElapsedTime(progressAt) > OpenStall) Fail($"{settled - now} connections have not opened after {OpenStall.TotalSeconds} s, or not echoed their first message");
        }

        result.OpenSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        result.Opened = Open;
        if (result.Opened == 0 && Goes) Fail("no connection could be opened");
        return Goes;
    }

    private async Task WaitAsync(string phase, TimeSpan time, long? enough = null)
    {
        bool flows = _phase == Phase.Loading;
        long start = Stopwatch.GetTimestamp();
        long counted = Count;
        long progressAt = start;
        while (Goes && Stopwatch.GetElapsedTime(start) is var elapsed && elapsed < time)
        {
            TimeSpan left = time - elapsed;
            await Task.Delay(left < Tick ? left : Tick, CancellationToken.None);
            long count = Count;
            if (count >= enough) return;
            _progress.Show(phase, Open, count, Errors.Total);
            if (Options.Mode != BenchMode.Connect && Open == 0) Fail("all connections have ended");
            if (count != counted) (counted, progressAt) = (count, Stopwatch.GetTimestamp());
            else if (flows && Stopwatch.GetElapsedTime(progressAt) > Stall) Fail($"nothing came for {Stall.TotalSeconds} s");
        }
    }

    private async Task DrainAsync()
    {
        long start = Stopwatch.GetTimestamp();
        while ((Outstanding() != 0 || !_loads.TrueForAll(load => load.Drains)) && Goes && Stopwatch.GetElapsedTime(start) < Stall) await Task.Delay(Tick, CancellationToken.None);
        if (Outstanding() is var left and > 0 && !_cancellation.IsCancellationRequested) Errors.Add($"{(Options.Mode == BenchMode.Connect ? "handshakes" : "messages")} without an answer {Stall.TotalSeconds} s after the end", left);
    }

    private long Outstanding() => _loads.Sum(load => load.Outstanding) + (_broadcast?.Remaining ?? 0);

    private T? Read<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (BenchException exception)
        {
            Fail(exception.Message);
            return default;
        }
    }
}
