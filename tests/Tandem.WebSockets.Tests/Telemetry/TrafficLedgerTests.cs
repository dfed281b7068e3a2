using Tandem.WebSockets.Telemetry;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Telemetry;

/// <summary>Counting by many at once, without a lock: nothing is lost, and nothing goes back.</summary>
public sealed class TrafficLedgerTests
{
    [Fact]
    public async Task Of_those_who_count_at_the_same_time_every_one_counts()
    {
        const int Writers = 16;
        const int Each = 100_000;
        var ledger = new TrafficLedger();
        using var stop = new CancellationTokenSource();
        Task<bool> observer = Task.Run(() =>
        {
            bool rises = true;
            for (long last = 0; !stop.IsCancellationRequested;)
            {
                long sum = ledger.Sum(static block => Volatile.Read(ref block.MessagesSent));
                rises &= sum >= last;
                last = sum;
            }

            return rises;
        });
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < Each; i++)
                {
                    TrafficCounters block = ledger.Lease();
                    block.MessagesSent++;
                    block.EndLease();
                }
            },
            TaskCreationOptions.LongRunning))).InTime();
        await stop.CancelAsync();
        Assert.True(await observer);
        Assert.Equal(Writers * Each, ledger.Sum(static block => block.MessagesSent));
    }

    [Fact]
    public void Who_finds_every_block_leased_gets_a_new_one_and_they_are_used_again()
    {
        var ledger = new TrafficLedger();
        TrafficCounters[] blocks = [.. Enumerable.Range(0, 10).Select(_ => ledger.Lease())];
        Assert.Equal(10, blocks.Distinct().Count());
        foreach (TrafficCounters block in blocks) block.EndLease();
        Assert.Subset(blocks.ToHashSet(), Enumerable.Range(0, 10).Select(_ => ledger.Lease()).ToHashSet());
    }

    [Fact]
    public void What_a_loop_counted_stays_counted_when_it_has_ended()
    {
        var ledger = new TrafficLedger();
        LoopBlock loop = ledger.AddLoop(3, ticksPerSecond: 100);
        loop.Counters.MessagesReceived = 7;
        loop.Counters.BusyTicks = 250;
        LoopBlock second = ledger.AddLoop(3, ticksPerSecond: 10);
        second.Counters.BusyTicks = 5;
        Assert.Equal(3.0, Assert.Single(ledger.BusySeconds()).Value);
        ledger.EndLoop(loop);
        ledger.EndLoop(loop);
        Assert.Equal(7, ledger.Sum(static block => block.MessagesReceived));
        Assert.Equal(3.0, Assert.Single(ledger.BusySeconds()).Value);
    }

    [Fact]
    public async Task A_loop_is_busy_while_it_is_not_waiting()
    {
        using var metrics = new Metrics();
        var time = new ManualTime();
        var handler = new TestHandler
        {
            Message = (peer, type, payload) =>
            {
                time.Advance(TimeSpan.FromSeconds(2.5)); // what the handler takes
                peer.Send(type, payload);
            },
        };
        await using TestServer server = TestServer.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, TimeProvider = time, TickInterval = TimeSpan.FromHours(1), Telemetry = WebSocketTelemetry.For(metrics),
        });
        using RawClient client = await server.Open();
        // The clock is read once when the loop is made and twice in a turn, and without ticks nothing wakes it.
        await Eventually.True(() => time.Reads % 2 == 1, "the end of the turn");
        time.Advance(TimeSpan.FromSeconds(1));
        await client.Send(Wire.Text("x"));
        await client.ReadText("x");
        await metrics.Becomes("websocket.server.loop.busy_time{websocket.loop.id=0}", 2.5);
    }
}
