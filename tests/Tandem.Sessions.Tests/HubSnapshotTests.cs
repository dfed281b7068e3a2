namespace Tandem.Sessions.Tests;

/// <summary>What a hub shows of itself is what there is.</summary>
public sealed class HubSnapshotTests
{
    [Fact]
    public async Task Sessions_topics_and_mailboxes_with_what_waits_in_them()
    {
        var clock = new ManualClock();
        await using var hub = new SessionHub(new TestApplication(), new SessionHubOptions { TimeProvider = clock, WindowFrames = 4 });
        Peer reader = Open(hub, clock), away = Open(hub, clock);
        reader.Client.Subscribe("news");
        away.Client.Subscribe("news");
        away.Client.Subscribe("sports");
        away.Client.OpenMailbox("alice");
        reader.Exchange();
        away.Exchange();
        away.CatchUp(clock);
        reader.CatchUp(clock);
        away.Drop();
        for (int i = 0; i < 10; i++) await hub.PublishAsync("news", new byte[100]);
        reader.Exchange();
        reader.CatchUp(clock);
        for (int i = 0; i < 3; i++) await hub.SendToMailboxAsync("bob", new byte[50]);

        HubSnapshot seen = hub.GetSnapshot(10);
        Assert.Equal((2, 2), (seen.TotalSessions, seen.TotalTopics));
        SessionSnapshot first = seen.Sessions[0];
        Assert.Equal(away.Client.Id, first.Session.Id);
        Assert.Null(first.Carrier);
        Assert.Equal((2, 1, 4), (first.Subscriptions, first.Mailboxes, first.WaitingFrames));
        Assert.InRange(first.WaitingBytes, 10 * 100, 10 * 200); // in its window, and behind that in the backlog
        SessionSnapshot second = seen.Sessions[1];
        Assert.Equal((reader.Client.Id, reader.Carrier, 1, 0, 0, 0L), (second.Session.Id, second.Carrier, second.Subscriptions, second.Mailboxes, second.WaitingFrames, second.WaitingBytes));
        Assert.Equal([new TopicSnapshot("news", 2, 10, 0), new TopicSnapshot("sports", 1, 0, 0)], seen.Topics);
        Assert.Equal(2, seen.Mailboxes!.Total);
        Assert.Equal([new MailboxSnapshot("bob", false, 3, 150), new MailboxSnapshot("alice", true, 0, 0)], seen.Mailboxes.Mailboxes);
    }

    [Fact]
    public async Task Of_many_those_that_matter_most_and_how_many_there_are()
    {
        var clock = new ManualClock();
        await using var hub = new SessionHub(new TestApplication(), new SessionHubOptions { TimeProvider = clock });
        for (int i = 1; i <= 50; i++)
        {
            Peer peer = Open(hub, clock);
            for (int topic = 1; topic <= i % 5; topic++) peer.Client.Subscribe($"topic {topic}");
            peer.Exchange();
            await hub.SendToMailboxAsync($"box {i}", new byte[i]);
        }

        HubSnapshot seen = hub.GetSnapshot(3);
        Assert.Equal((50, 3, 4), (seen.TotalSessions, seen.Sessions.Count, seen.TotalTopics));
        Assert.Equal([("topic 1", 40), ("topic 2", 30), ("topic 3", 20)], seen.Topics.Select(topic => (topic.Name, topic.Subscribers)));
        Assert.Equal(50, seen.Mailboxes!.Total);
        Assert.Equal(["box 50", "box 49", "box 48"], seen.Mailboxes.Mailboxes.Select(mailbox => mailbox.Name));
        Assert.Throws<ArgumentOutOfRangeException>(() => hub.GetSnapshot(0));
    }

    private static Peer Open(SessionHub hub, ManualClock clock)
    {
        var peer = new Peer(hub, clock);
        peer.Connect();
        peer.Exchange();
        return peer;
    }
}
