using System.Diagnostics;
using System.Runtime.InteropServices;
using Tandem.Cli.Bench;
using Tandem.WebSockets.EventLoop;

namespace Tandem.Benchmarks;

/// <summary>
/// Mode publish: one connection publishes to a topic that all others are subscribed to. A burst of events leaves with one send; the next one
/// follows at its time, but not before everybody has got everything of this one and all of it has been answered. One thread, one epoll.
/// </summary>
internal sealed unsafe class PublishLoad : IDisposable
{
    private const int ReceiveBytes = 256 * 1024;
    private const int MaxEvents = 1024;
    private const double StallSeconds = 5;
    private static readonly long TickLength = Stopwatch.Frequency / 10;

    private readonly LoadOptions _options;
    private readonly Epoll _epoll = new(MaxEvents);
    private readonly List<Subscriber> _subscribers = []; // the last one publishes
    private readonly byte* _buffer = (byte*)NativeMemory.Alloc(ReceiveBytes);
    private long _published;
    private long _delivered;
    private long _due;
    private long _nextTick;
    private long _burstAt;
    private long _bursts; // that have been delivered, and how long that took
    private long _burstTime;
    private long _awaited; // deliveries of all that was published, but for those to who does not read
    private LatencyHistogram? _latencies;
    private Subscriber? _stalled;
    private bool _isUnderWay;

    public PublishLoad(LoadOptions options) => _options = options;

    private Subscriber Publisher => _subscribers[^1];

    /// <summary>Subscribes, warms up, measures.</summary>
    public Result Run()
    {
        Open();
        if (_options.WarmUp > 0) RunFor(_options.WarmUp);
        long before = _delivered;
        (_bursts, _burstTime) = (0, 0);
        var meter = new Meter(_options.Server);
        RunFor(_options.Seconds);
        Spending spent = meter.Stop(_options.Server?.CpuSeconds());

        long deliveries = _delivered - before;
        if (deliveries == 0) throw new BenchException("nothing was delivered");
        var result = new Result("publish");
        result.Add("connections", _options.Connections);
        result.Add("size", _options.Size);
        result.Add("burst", _options.Burst);
        result.Add("interval_ms", _options.Interval);
        // A publish is counted when all have got it; of the burst in which the time ends, the share that has come.
        result.AddRates(deliveries / (double)_options.Connections, spent);
        if (spent.ServerCpu is { } cpu and > 0) result.Add("deliveries_per_cpu_s", deliveries / cpu);
        result.Add("delivered_after_ms", _bursts == 0 ? 0 : _burstTime * 1000.0 / Stopwatch.Frequency / _bursts);
        if (_options.Server is not null) result.Add("rss_bytes", _options.Server.ResidentBytes());
        return result;
    }

    /// <summary>The same load again and again: now all read, now all but one. What the one missed is told to it, and is all that it did not get.</summary>
    public Result RunStalled()
    {
        Open();
        if (_options.WarmUp > 0) RunFor(_options.WarmUp);
        List<LatencyHistogram> all = [], others = [];
        for (int pair = 0; pair < _options.Stalled; pair++)
        {
            all.Add(Measure());
            Stall();
            others.Add(Measure());
            CatchUp();
        }

        var result = new Result("stalled");
        result.Add("connections", _options.Connections);
        result.Add("size", _options.Size);
        result.Add("burst", _options.Burst);
        result.Add("interval_ms", _options.Interval);
        result.Add("pairs", _options.Stalled);
        foreach ((string name, double part) in (ReadOnlySpan<(string, double)>)[("p50", 0.5), ("p99", 0.99)])
        {
            double without = Median(all, part), with = Median(others, part);
            result.Add($"{name}_us", without);
            result.Add($"{name}_stalled_us", with);
            result.Add($"{name}_ratio", with / without);
        }

        result.Add("published", _published);
        result.Add("missed", _subscribers[0].Missed);
        if (_options.Server is not null) result.Add("rss_bytes", _options.Server.ResidentBytes());
        return result;

        static double Median(List<LatencyHistogram> rounds, double part)
        {
            double[] sorted = [.. rounds.Select(round => round.Quantile(part) / 1000.0).Order()];
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }

    public void Dispose()
    {
        foreach (Subscriber subscriber in _subscribers) Libc.Reset(subscriber.Fd);
        _epoll.Dispose();
        NativeMemory.Free(_buffer);
    }

    private void Open()
    {
        var source = new SubscriberSource(_options, new News(_options.Size));
        for (int i = 0; i <= _options.Connections; i++)
        {
            _subscribers.Add(source.Open(i, subscribes: i < _options.Connections));
            Watch(i);
        }
    }

    private void Watch(int index)
    {
        if (!_epoll.Add(_subscribers[index].Fd, EpollEvents.In, index)) throw ClientSocket.FailedCall("epoll_ctl");
    }

    private LatencyHistogram Measure()
    {
        _latencies = new LatencyHistogram();
        RunFor(_options.Seconds);
        Finish(() => _isUnderWay);
        return _latencies;
    }

    private void Stall()
    {
        _stalled = _subscribers[0];
        _epoll.Delete(_stalled.Fd);
    }

    private void CatchUp()
    {
        Subscriber late = _stalled!;
        (_stalled, _latencies) = (null, null);
        Watch(0);
        Finish(() => late.Events + late.Missed < _published);
        // What it gets late nobody has waited for.
        _delivered = _awaited;
    }

    /// <summary>Receives what is to come, and publishes nothing.</summary>
    private void Finish(Func<bool> isMissing)
    {
        long start = Stopwatch.GetTimestamp();
        while (isMissing())
        {
            if (Stopwatch.GetElapsedTime(start).TotalSeconds > StallSeconds) throw new BenchException($"what was published has not come within {StallSeconds} s");
            Receive(1);
            Tick();
        }
    }

    private void RunFor(double seconds)
    {
        long interval = Stopwatch.Frequency * _options.Interval / 1000;
        long start = Stopwatch.GetTimestamp();
        long end = start + (long)(seconds * Stopwatch.Frequency);
        for (long now = start; now < end; now = Stopwatch.GetTimestamp())
        {
            if (!_isUnderWay && now >= _due)
            {
                Publisher.Publish(_published, _options.Burst);
                _published += _options.Burst;
                _awaited += _options.Burst * (_options.Connections - (_stalled is null ? 0L : 1));
                _isUnderWay = true;
                (_due, _burstAt) = (Math.Max(_due + interval, now), now);
            }

            if (now - _burstAt > StallSeconds * Stopwatch.Frequency) throw new BenchException($"a burst was not delivered within {StallSeconds} s");
            // Without sleeping while something is under way: to wake a sleeper is dear, and on loopback it is the server that would pay, once for
            // almost every send. A client on another machine costs it nothing.
            Receive(_isUnderWay ? 0 : Milliseconds(_due - now));
            Tick();
        }
    }

    private void Receive(int timeout)
    {
        int count = _epoll.Wait(timeout);
        for (int i = 0; i < count; i++) Receive(_subscribers[(int)_epoll.Take(i, out _)]);
        if (!_isUnderWay || _delivered < _awaited || Publisher.Answers < _published) return;
        _isUnderWay = false;
        _bursts++;
        _burstTime += Stopwatch.GetTimestamp() - _burstAt;
    }

    private void Receive(Subscriber subscriber)
    {
        nint count = Libc.Receive(subscriber.Fd, _buffer, ReceiveBytes, ClientSocket.DoNotWait);
        if (count > 0)
        {
            int taken = subscriber.Take(new ReadOnlySpan<byte>(_buffer, (int)count));
            _delivered += taken;
            if (subscriber.Missed != 0 && subscriber != _subscribers[0]) throw new BenchException("one that reads was told that it missed events");
            Record(taken);
            if (subscriber.Events + subscriber.Missed > _published) throw new BenchException("the server sent more events than were published");
            return;
        }

        int errno = Marshal.GetLastSystemError();
        if (count == 0) throw new BenchException("the server closed a connection");
        if (errno is not (Libc.Eagain or Libc.Eintr)) throw ClientSocket.FailedCall("receive", errno);
    }

    // From the publish to the receiver, everything between them included.
    private void Record(int taken)
    {
        if (_latencies is null || taken == 0) return;
        long latency = (long)Stopwatch.GetElapsedTime(_burstAt).TotalNanoseconds;
        for (; taken > 0; taken--) _latencies.Record(latency);
    }

    private void Tick()
    {
        long now = Stopwatch.GetTimestamp();
        if (now < _nextTick) return;
        _nextTick = now + TickLength;
        foreach (Subscriber subscriber in _subscribers) subscriber.Tick();
    }

    private static int Milliseconds(long ticks) => (int)Math.Max(0, ticks * 1000 / Stopwatch.Frequency);
}
