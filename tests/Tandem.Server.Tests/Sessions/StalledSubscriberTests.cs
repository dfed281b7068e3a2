using System.Net;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>One subscriber among a thousand does not read.</summary>
[Collection(nameof(Alone))]
public sealed class StalledSubscriberTests
{
    private const int Subscribers = 1_000;
    private const int Events = 600;
    private const int Backlog = 100;

    // How many events each of the others has read.
    private readonly int[] _read = new int[Subscribers];

    [Fact]
    public async Task The_others_get_everything_memory_is_bounded_and_the_gap_it_is_told_is_what_was_dropped()
    {
        // Nobody is given up for its silence: who does not read answers no ping.
        var options = new SessionHubOptions { MaxSessions = 2 * Subscribers, Heartbeat = TimeSpan.FromHours(1) };
        await using SessionSite site = await SessionSite.StartAsync(
            options, topics: new TopicOptions { BacklogEvents = Backlog, HistoryEvents = 0 }, configure: server => server with { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        using RawClient stalled = await SubscribeAsync(site);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await PublishToOthersAsync(site);
        // Its window and its backlog hold the last events, and its connection what the kernel did not take. The others' sessions wait for them to
        // come back, and the loops give back the memory of the burst over some ticks.
        await Eventually.True(() => GC.GetTotalMemory(forceFullCollection: true) - before < 8 << 20, "memory is given back");
        int window = options.WindowFrames;
        Assert.Equal((window + Backlog, Events - window - Backlog), await ReadAsync(stalled, Subscribers - 1).InTime());
    }

    private async Task PublishToOthersAsync(SessionSite site)
    {
        List<RawClient> others = [];
        for (int i = 1; i < Subscribers; i++) others.Add(await SubscribeAsync(site));
        Task<(long Events, long Missed)>[] readers = [.. others.Select((other, index) => Task.Run(() => ReadAsync(other, index)))];
        for (int i = 0; i < Events; i++)
        {
            Assert.Equal(SessionCode.Ok, await site.Hub.PublishAsync("news", new byte[1_000]));
            // At a pace that those who read can keep: what is told here is about the one who does not.
            int atLeast = i - Backlog;
            if (i % 50 == 0) await Eventually.True(() => _read.Take(others.Count).Min() >= atLeast, "the readers");
        }

        foreach (Task<(long Events, long Missed)> reader in readers) Assert.Equal((Events, 0), await reader.InTime());
        foreach (RawClient other in others) other.Dispose();
    }

    private static async Task<RawClient> SubscribeAsync(SessionSite site)
    {
        RawClient client = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, site.Port));
        await client.Upgrade("/session/websocket", $"Sec-WebSocket-Protocol: {ProtocolLimits.Subprotocol}");
        await client.Send(Wire.Binary(new OpenFrame { Version = 1, Publisher = 7 }.ToShared().Span.ToArray()));
        await client.Send(Wire.Binary(new SubscribeFrame { Request = 1, Topic = "news"u8 }.ToShared().Span.ToArray()));
        while ((FrameType)(await client.Read()).Payload[0] != FrameType.Subscribed)
        {
        }

        await client.Send(Ack(1));
        return client;
    }

    private static byte[] Ack(long received) => Wire.Binary(new AckFrame { Received = received }.ToShared().Span.ToArray());

    /// <summary>Reads until every event has come or is told as missed, and acknowledges as it goes.</summary>
    private async Task<(long Events, long Missed)> ReadAsync(RawClient client, int index)
    {
        long events = 0, missed = 0, received = 1;
        while (events + missed < Events)
        {
            byte[] frame = (await client.Read()).Payload;
            if ((FrameType)frame[0] == FrameType.Event)
            {
                events++;
                Volatile.Write(ref _read[index], (int)events);
            }
            else if ((FrameType)frame[0] == FrameType.Gap)
            {
                Assert.Equal(SessionFault.None, GapFrame.Read(frame, out GapFrame gap));
                missed += gap.Missed;
            }

            if (frame[0] < (byte)FrameType.Subscribe) continue; // a link frame
            if (++received % 32 == 0 || events + missed == Events) await client.Send(Ack(received));
        }

        return (events, missed);
    }
}
