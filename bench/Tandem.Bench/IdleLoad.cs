namespace Tandem.Benchmarks;

/// <summary>
/// Mode idle: opens many connections, echoes one message on each or subscribes to a topic, and asks what the server holds for them when nothing happens any more.
/// The first few connections are the base, so that what a server loads and compiles at its first connection is nobody's share.
/// </summary>
internal sealed class IdleLoad(EchoOptions options)
{
    private const int MaxBase = 200;
    private static readonly TimeSpan BaseSettle = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    private readonly Upgrade _upgrade = new(options.Port, options.Path);
    private readonly SubscriberSource _subscribers = new(options, new News(options.Size));
    private readonly int[] _connections = new int[options.Connections];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _opened;
    private long _bad;

    public Result Run()
    {
        ServerProcess server = options.Server ?? throw new LoadFailureException("memory is measured of a process: --pid is needed");
        using var train = new FrameTrain(options.Size, 1, options.Text);
        try
        {
            int inBase = Math.Min(MaxBase, options.Connections / 2);
            Open(inBase, train);
            Thread.Sleep(BaseSettle);
            long before = server.ResidentBytes();
            Open(options.Connections, train);
            Thread.Sleep(Settle);
            long after = server.ResidentBytes();

            var meter = new Meter(server);
            Thread.Sleep(TimeSpan.FromSeconds(options.Seconds));
            Spending spent = meter.Stop();

            var result = new Result("idle", _bad);
            result.Add("connections", options.Connections);
            result.Add("rss_base_bytes", before);
            result.Add("rss_bytes", after);
            result.Add("rss_per_connection", (after - before) / (double)Math.Max(1, options.Connections - inBase));
            result.Add("server_cpu_pct", spent.ServerCpu!.Value / spent.Seconds * 100);
            return result;
        }
        finally
        {
            for (int i = 0; i < _opened; i++) ClientSocket.Reset(_connections[i]);
        }
    }

    private void Open(int upTo, FrameTrain train)
    {
        for (; _opened < upTo; _opened++)
        {
            if (options.Protocol != Protocol.Echo)
            {
                _connections[_opened] = _subscribers.Open(_opened).Fd;
                continue;
            }

            int fd = _upgrade.Begin(options.Source(_opened));
            _connections[_opened] = fd;
            _upgrade.Finish(fd);
            Echo(fd, train);
        }
    }

    private unsafe void Echo(int fd, FrameTrain train)
    {
        var reader = new EchoReader();
        ClientSocket.SendAll(fd, new ReadOnlySpan<byte>(train.Request(0), train.RequestLength));
        while (reader.Read(_buffer.AsSpan(0, ClientSocket.Receive(fd, _buffer)), train) == 0)
        {
            // The echo has not come whole.
        }

        _bad += reader.Bad;
    }
}
