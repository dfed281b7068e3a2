using System.Diagnostics;
using System.Globalization;
using Tandem.RabbitMq.Tests.Support;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq.Tests;

/// <summary>
/// What breaks, under load: the broker, the way to it, and nodes. Nothing that was acknowledged is lost, nothing comes twice. Longer:
/// TANDEM_FAULT_SECONDS=300.
/// </summary>
public sealed class FaultTests(Broker broker, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(3);

    // What is Unavailable, or a gap, because somebody was slow is no finding here; nor is a connection that is given up because nothing was heard for seconds, where no test wants that.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    // Who is dead without a word is missed within two heartbeats, and what was on its way to it comes after that: several times within Settling.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);
    private static int s_prefixes;

    private readonly string _prefix = $"fault{Interlocked.Increment(ref s_prefixes)}";
    private readonly List<Node> _nodes = [];

    private static int Seconds => int.Parse(Environment.GetEnvironmentVariable("TANDEM_FAULT_SECONDS") ?? "6", CultureInfo.InvariantCulture);

    public async ValueTask InitializeAsync() => await broker.StartAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (Node node in _nodes) await node.DisposeAsync();
    }

    [Fact]
    public async Task The_broker_is_restarted_under_load()
    {
        await using var load = new Load();
        for (int i = 0; i < 3; i++)
        {
            Node node = await AddAsync(broker.Uri);
            await load.SubscribeAsync(() => node.Port);
        }

        foreach (Node node in _nodes) load.Publish(() => node.Port);

        Node left = _nodes[0], right = _nodes[1];
        await load.SendAsync(() => left.Port);
        await load.SendAsync(() => right.Port);
        await Eventually.True(() => load.Published > 200, "the load has begun");
        List<double> outages = [];
        foreach (Func<Task> end in (Func<Task>[])[broker.StopAsync, broker.KillAsync])
        {
            await end();
            await broker.StartAsync();
            var watch = Stopwatch.StartNew();
            int before = load.Published;
            await Eventually.True(() => load.Published > before + 100, "the load goes on");
            outages.Add(watch.Elapsed.TotalMilliseconds);
        }

        Assert.Empty(await load.CheckAsync(Settling));
        Report(load, $"from the broker's answer to 100 further publishes: {string.Join(" ms, ", outages.Select(ms => $"{ms:f0}"))} ms");
    }

    [Fact]
    public async Task While_there_is_no_broker_a_publisher_is_told_so_in_time_and_afterwards_all_goes_on()
    {
        using var proxy = new CutProxy(broker.Port);
        Node node = await AddAsync(Through(proxy), TimeSpan.FromMilliseconds(700));
        await using var client = new TestClient(node);
        // Within so short a time not each answer comes on a loaded machine.
        await TakenAsync(() => client.SubscribeAsync("news"));
        await TakenAsync(() => client.PublishAsync("news", "1"));
        proxy.IsClosed = true;
        proxy.Cut();
        var watch = Stopwatch.StartNew();
        Assert.Equal(SessionCode.Unavailable, await client.PublishAsync("news", "2").InTime());
        Assert.Equal(SessionCode.Unavailable, await client.SendAsync("alice", "2").InTime());
        Assert.Equal(SessionCode.Unavailable, await client.SubscribeAsync("other").InTime());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.6, 30);
        proxy.IsClosed = false;
        await TakenAsync(() => client.PublishAsync("news", "3"));
        await TakenAsync(() => client.SendAsync("alice", "3"));
    }

    [Fact]
    public async Task A_consumer_does_not_see_that_the_broker_was_lost_and_what_it_settles_afterwards_is_settled()
    {
        using var proxy = new CutProxy(broker.Port);
        Node cut = await AddAsync(Through(proxy)), other = await AddAsync(broker.Uri);
        await using TestClient consumer = new(cut), sender = new(other), next = new(other);
        consumer.Settles = false;
        Assert.Equal(SessionCode.Ok, await consumer.OpenMailboxAsync("alice").InTime());
        await sender.SendAsync("alice", "1").InTime();
        await sender.SendAsync("alice", "2").InTime();
        await Eventually.Equal(2, () => consumer.Log.Length, "the number of deliveries");
        proxy.Cut();
        await sender.SendAsync("alice", "3").InTime();
        await Eventually.Equal(3, () => consumer.Log.Length, "the number of deliveries");
        consumer.Settle("alice", 1);
        consumer.Settle("alice", 3);
        Assert.Equal(SessionCode.Ok, await consumer.CloseMailboxAsync("alice").InTime());
        // The third may have gone to the connection that was lost, and so be marked.
        Assert.Equal(["delivery alice 1", "delivery alice 2"], consumer.Log[..2]);
        Assert.Equal(["1", "2", "3"], consumer.Deliveries("alice"));
        Assert.Equal(SessionCode.Ok, await next.OpenMailboxAsync("alice").InTime());
        await sender.SendAsync("alice", "4").InTime();
        await Eventually.True(() => next.Deliveries("alice").Contains("4"), "the last message");
        Assert.Equal(["redelivery alice 2", "delivery alice 4"], next.Log);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_is_cut_off_from_the_broker_and_misses_nothing(bool stalls)
    {
        using var proxy = new CutProxy(broker.Port);
        int losses = 0;
        Node cut = await AddAsync(Through(proxy), changed: reason => losses += reason is null ? 0 : 1, heartbeat: stalls ? Second : null), other = await AddAsync(broker.Uri);
        await using var load = new Load();
        await load.SubscribeAsync(() => cut.Port);
        await load.SubscribeAsync(() => other.Port);
        load.Publish(() => cut.Port);
        load.Publish(() => other.Port);
        await load.SendAsync(() => cut.Port);
        await load.SendAsync(() => other.Port);
        // A connection ends at once, a stall when heartbeats have been missed.
        int rounds = stalls ? 1 : 2;
        for (int round = 0; round < rounds; round++)
        {
            int before = load.Published;
            await Eventually.True(() => load.Published > before + 100, "the load goes on");
            int lost = Volatile.Read(ref losses), refused = proxy.Refusals, ended = proxy.EndedByTarget;
            if (stalls)
            {
                // For longer than two heartbeats: both sides give the node's two connections up.
                proxy.Stall();
                await Eventually.True(() => Volatile.Read(ref losses) > lost && proxy.EndedByTarget >= ended + 2, "both sides give up");
            }
            else
            {
                proxy.IsClosed = true;
                proxy.Cut();
                await Eventually.True(() => proxy.Refusals >= refused + 3, "the node has tried to come back");
            }

            // The broker does not keep for the node what the other one publishes now.
            int missed = load.Published + 100;
            await Eventually.True(() => load.Published > missed, "the load goes on without the node");
            proxy.IsClosed = false;
            proxy.Resume();
        }

        int last = load.Published;
        await Eventually.True(() => load.Published > last + 100, "the load goes on");
        Assert.Empty(await load.CheckAsync(Settling));
        Report(load, "");
    }

    [Fact]
    public async Task A_node_that_ends_while_it_is_asked_is_not_waited_for_any_longer()
    {
        using var proxy = new CutProxy(broker.Port);
        Node silent = await AddAsync(Through(proxy), heartbeat: Second, answerTimeout: Patience), asking = await AddAsync(broker.Uri, answerTimeout: Patience);
        Node third = await AddAsync(broker.Uri);
        await using TestClient first = new(silent), second = new(third), client = new(asking);
        Assert.Equal(SessionCode.Ok, await first.SubscribeAsync("news").InTime());
        Assert.Equal(SessionCode.Ok, await second.SubscribeAsync("news").InTime());
        // It does not answer, and after two to four heartbeats the broker gives it up.
        proxy.IsClosed = true;
        proxy.Stall();
        Task<SessionCode> subscribed = client.SubscribeAsync("news");
        Assert.Equal(SessionCode.Ok, await subscribed.InTime());
        Assert.Equal(SessionCode.Ok, await second.PublishAsync("news", "1").InTime());
        await Eventually.Equal(1, () => client.Events("news").Length, "the number of events");
        Assert.Empty(client.Complaints);
    }

    [Fact]
    public async Task Nodes_are_killed_under_load_and_clients_connect_to_any_other()
    {
        NodeProcess[] nodes = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => NodeProcess.StartAsync(broker.Uri, _prefix)))];
        try
        {
            await using var load = new Load();
            for (int i = 0; i < 6; i++) await load.SubscribeAsync(Any);
            // One that comes back to each node, so that an event always has a second node that wants it.
            for (int i = 0; i < 3; i++)
            {
                int own = i;
                await load.SubscribeAsync(() => nodes[own].Port);
            }

            for (int i = 0; i < 3; i++)
            {
                load.Publish(Any);
                await load.SendAsync(Any);
            }

            var watch = Stopwatch.StartNew();
            int kills = 0;
            // An open session is not yet a subscription that has recovered: what it still lacks would be gone when all who have it are killed meanwhile.
            for (; watch.Elapsed.TotalSeconds < Seconds && await load.ArriveAsync(Settling); kills++)
            {
                // All are back from the last time, and have published.
                int before = load.Published;
                await Eventually.True(() => load.Published > before + 300 && load.Clients.All(client => client.IsOpen), "the load goes on");
                NodeProcess victim = nodes[kills % 3];
                victim.Kill();
                // The port first, so that its clients go elsewhere until it is there again.
                nodes[kills % 3] = await NodeProcess.StartAsync(broker.Uri, _prefix);
            }

            Assert.Empty(await load.CheckAsync(Settling));
            double[] recoveries = [.. load.Clients.SelectMany(client => client.Recoveries).Select(time => time.TotalMilliseconds).Order()];
            Report(load, $"{kills} nodes killed, {recoveries.Length} reconnections: p50 {At(recoveries, 0.5):f0} ms, p99 {At(recoveries, 0.99):f0} ms");

            int Any() => nodes[Random.Shared.Next(3)].Port;
        }
        finally
        {
            foreach (NodeProcess node in nodes) node.Dispose();
        }
    }

    [Fact]
    public async Task The_rate_and_the_added_latency_of_two_nodes_are_reported()
    {
        Node left = await AddAsync(broker.Uri), right = await AddAsync(broker.Uri);
        // What is compiled at first use is not measured.
        await MeasureAsync(left, right, null);
        await MeasureAsync(left, left, "on one node");
        await MeasureAsync(left, right, "from one node to the other");
        await using TestClient publisher = new(left), subscriber = new(right);
        await subscriber.SubscribeAsync("rate").InTime();
        const int events = 20_000;
        var watch = Stopwatch.StartNew();
        Task<SessionCode>[] answers = [.. Enumerable.Range(0, events).Select(i => publisher.PublishAsync("rate", "0123456789012345678901234567890123456789"))];
        await Eventually.True(() => subscriber.Log.Length >= events, "all events");
        Report($"{events / watch.Elapsed.TotalSeconds:f0} events/s of one publisher over RabbitMQ");
        Assert.All(await Task.WhenAll(answers).InTime(), code => Assert.Equal(SessionCode.Ok, code));
    }

    private async Task MeasureAsync(Node from, Node to, string? what)
    {
        await using var load = new Load();
        await load.SubscribeAsync(() => to.Port);
        load.Publish(() => from.Port);
        await Eventually.True(() => load.Published > 50 * Seconds, "the load", Settling + TimeSpan.FromSeconds(Seconds));
        Assert.Empty(await load.CheckAsync(Settling));
        if (what is not null) Report(load, what);
    }

    private static Task TakenAsync(Func<Task<SessionCode>> ask) => Eventually.True(() => ask().InTime().Result == SessionCode.Ok, "what is asked for is taken");

    private static double At(double[] sorted, double part) => sorted.Length == 0 ? 0 : sorted[(int)(part * (sorted.Length - 1))];

    private static Uri Through(CutProxy proxy) => new($"amqp://guest:guest@127.0.0.1:{proxy.Port}");

    private async Task<Node> AddAsync(Uri uri, TimeSpan? confirmTimeout = null, Action<Exception?>? changed = null, TimeSpan? heartbeat = null, TimeSpan? answerTimeout = null)
    {
        var options = new RabbitMqBackplaneOptions
        {
            Uri = uri, Prefix = _prefix, Heartbeat = heartbeat ?? Silence, ConfirmTimeout = confirmTimeout ?? Patience, AnswerTimeout = answerTimeout ?? Silence,
            ConnectionChanged = changed,
        };
        var application = new Application();
        application.Topics = application.Topics with { WaitTimeout = Patience };
        Node node = await Node.StartAsync(new RabbitMqBackplane(options), application);
        _nodes.Add(node);
        return node;
    }

    private void Report(Load load, string what)
    {
        double[] latencies = [.. load.Latencies.Order()];
        string line = $"{load.Published} published, {load.Answered(SessionCode.Ok)} acknowledged with the mailboxes', {load.Answered(SessionCode.Unavailable)} unavailable; "
            + $"latency p50 {At(latencies, 0.5):f1} ms, p99 {At(latencies, 0.99):f1} ms, most {At(latencies, 1):f0} ms; {what}";
        Report(line);
    }

    private void Report(string line)
    {
        output.WriteLine(line);
        TestContext.Current.SendDiagnosticMessage(line);
    }
}
