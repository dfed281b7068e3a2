using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tandem.Sessions;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>docs/session-protocol.md, Carriers: the same session over each of them, and from each to each.</summary>
public sealed class CarrierTests
{
    public static readonly TheoryData<CarrierKind> Kinds = [.. Enum.GetValues<CarrierKind>()];

    [Theory]
    [InlineData(CarrierKind.WebSocket, true)]
    [InlineData(CarrierKind.WebSocket, false)]
    [InlineData(CarrierKind.Streaming, true)]
    [InlineData(CarrierKind.LongPolling, true)]
    [InlineData(CarrierKind.Polling, true)]
    public async Task Subscribe_publish_mailbox_and_messages_work_on_every_carrier(CarrierKind kind, bool onLoops)
    {
        await using SessionSite site = await SessionSite.StartAsync(onLoops: onLoops);
        await using var client = new RovingClient(site);
        await client.SwitchAsync(kind);
        await client.SubscribeAsync("news");
        Assert.NotEqual(0, client.With(half => half.Publish("news", "of mine"u8)));
        await client.Logged("news of mine");
        Assert.Equal(SessionCode.Ok, await site.Hub.PublishAsync("news", Encoding.UTF8.GetBytes(new string('x', 40_000))));
        await client.Logged($"news {new string('x', 40_000)}");
        client.With(half => half.OpenMailbox("box"));
        Assert.Equal(SessionCode.Ok, await site.Hub.SendToMailboxAsync("box", "a letter"u8));
        await client.Logged("box a letter");
        Assert.True(client.With(half => half.Send("up"u8)));
        await Eventually.True(() => site.Told.Messages.Contains("up"), "the message at the application");
        Assert.Equal(SessionSend.Sent, site.Told.Opened.Single().Send("down"u8));
        await client.Logged("message down");
        Assert.Empty(client.Problems);
    }

    [Fact]
    public async Task From_every_carrier_to_every_other_nothing_is_lost_or_doubled()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        await using var client = new RovingClient(site);
        await client.SwitchAsync(CarrierKind.WebSocket);
        await client.SubscribeAsync("news");
        int next = 0;
        foreach (CarrierKind from in Enum.GetValues<CarrierKind>())
        {
            foreach (CarrierKind to in Enum.GetValues<CarrierKind>())
            {
                await client.SwitchAsync(from);
                await PublishTen();
                await client.SwitchAsync(to);
                await PublishTen();
            }
        }

        await client.Logged($"news {next - 1}");
        Assert.Equal(["opened", .. Enumerable.Range(0, next).Select(i => $"news {i}")], client.Log.Where(line => line != "the stream ended"));
        Assert.Equal(32, client.Resumed);

        async Task PublishTen()
        {
            for (int i = 0; i < 10; i++) await site.Hub.PublishAsync("news", Encoding.UTF8.GetBytes($"{next++}"));
        }
    }

    [Fact]
    public async Task Carriers_switched_every_100_messages_under_1000_a_second_each_way_lose_and_double_nothing()
    {
        const int Messages = 4_000;
        const int Stretch = 100;
        await using SessionSite site = await SessionSite.StartAsync(topics: new TopicOptions { BacklogEvents = 10_000, BacklogBytes = 16 << 20, HistoryEvents = 0 });
        await using var client = new RovingClient(site);
        await client.SwitchAsync(CarrierKind.WebSocket);
        await client.SubscribeAsync("down");
        await using var other = new WebSocketSession(site.WebSocket);
        await other.ConnectAsync().InTime();
        Assert.Equal(SessionCode.Ok, await other.SubscribeAsync("up").InTime());
        List<string> up = [];
        Task reading = Task.Run(async () =>
        {
            await foreach (SessionNotice notice in other.ReadAllAsync())
            {
                if (notice is TopicEventReceived found) up.Add(Encoding.UTF8.GetString(found.Payload.Span));
                if (notice is TopicGap gap) up.Add($"gap {gap.Missed}");
                if (up.Count == Messages) return;
            }
        });
        int switches = 0, published = 0;
        Task publishing = Task.Run(async () =>
        {
            var watch = Stopwatch.StartNew();
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            for (int i = 0; i < Messages; await timer.WaitForNextTickAsync())
            {
                for (; i < Math.Min(Messages, watch.ElapsedMilliseconds); Volatile.Write(ref published, ++i))
                {
                    // A switch takes some time, and messages go on meanwhile: as many as come while the machine keeps up, and some at least.
                    int least = (i / Stretch) - 5;
                    if (i % Stretch == 0) await Eventually.True(() => Volatile.Read(ref switches) >= least, "the switch of carriers");
                    byte[] payload = Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture));
                    await site.Hub.PublishAsync("down", payload);
                    Assert.NotEqual(0, client.With(half => half.Publish("up", payload)));
                }
            }
        });
        var random = new Random(1);
        while (Volatile.Read(ref published) < Messages && !publishing.IsCompleted)
        {
            int next = Math.Min(Messages, Volatile.Read(ref published) + Stretch);
            await Eventually.True(() => Volatile.Read(ref published) >= next || publishing.IsCompleted, "some more messages");
            await client.SwitchAsync((CarrierKind)random.Next(4)).InTime();
            Interlocked.Increment(ref switches);
        }

        await publishing;
        await client.Logged($"down {Messages - 1}");
        await reading.InTime();
        Assert.Equal(["opened", .. Enumerable.Range(0, Messages).Select(i => $"down {i}")], client.Log.Where(line => line != "the stream ended"));
        Assert.Equal(Enumerable.Range(0, Messages).Select(i => $"{i}"), up);
        Assert.InRange(switches, (Messages / Stretch) - 6, (Messages / Stretch) + 1);
        Assert.Equal(switches, client.Resumed);
    }
}
