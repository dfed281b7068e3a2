using Tandem.RabbitMq.Tests.Support;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq.Tests;

/// <summary>What every backplane between nodes promises, as clients of the nodes see it.</summary>
public abstract partial class BackplaneContract : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _open = [];

    /// <summary>A backplane for one more node.</summary>
    protected abstract Backplane Create();

    public abstract ValueTask InitializeAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable each in Enumerable.Reverse(_open)) await each.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Events_reach_the_subscribers_of_all_nodes_once_and_in_the_order_of_each_publisher()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient[] subscribers = [Connect(left), Connect(right)];
        foreach (TestClient subscriber in subscribers) Assert.Equal(SessionCode.Ok, await subscriber.SubscribeAsync("news").InTime());
        TestClient first = Connect(left), second = Connect(right);
        for (int i = 0; i < 300; i++)
        {
            _ = first.PublishAsync("news", $"a{i}");
            _ = second.PublishAsync("news", $"b{i}");
        }

        foreach (TestClient subscriber in subscribers)
        {
            await Eventually.True(() => subscriber.Events("news").Length >= 600, "all events");
            Assert.Equal(Enumerable.Range(0, 300).Select(i => $"a{i}"), subscriber.Events("news").Where(text => text[0] == 'a'));
            Assert.Equal(Enumerable.Range(0, 300).Select(i => $"b{i}"), subscriber.Events("news").Where(text => text[0] == 'b'));
            Assert.Empty(subscriber.Complaints);
        }
    }

    [Theory]
    [InlineData("a.*")]
    [InlineData("#")]
    [InlineData("a.b.c")]
    [InlineData("sha256.x")]
    public async Task Only_a_topics_own_subscribers_get_its_events_whatever_characters_its_name_has(string topic)
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient subscriber = Connect(left), publisher = Connect(right);
        string other = new('x', 255);
        Assert.Equal(SessionCode.Ok, await subscriber.SubscribeAsync(topic).InTime());
        Assert.Equal(SessionCode.Ok, await subscriber.SubscribeAsync(other).InTime());
        Assert.Equal(SessionCode.Ok, await publisher.PublishAsync("a.b", "not this").InTime());
        Assert.Equal(SessionCode.Ok, await publisher.PublishAsync(other, "the other").InTime());
        Assert.Equal(SessionCode.Ok, await publisher.PublishAsync(topic, "this").InTime());
        await Eventually.Equal(2, () => subscriber.Log.Length, "the number of events");
        Assert.Equal(["this"], subscriber.Events(topic));
        Assert.Equal(["the other"], subscriber.Events(other));
    }

    [Fact]
    public async Task A_publish_that_is_repeated_on_another_node_is_one_event()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient subscriber = Connect(right), publisher = Connect(left);
        await subscriber.SubscribeAsync("news").InTime();
        await publisher.DeafenAsync();
        Task<SessionCode> published = publisher.PublishAsync("news", "once");
        await Eventually.Equal(1, () => subscriber.Events("news").Length, "the number of events");
        publisher.MoveTo(right);
        publisher.IsDeaf = false;
        Assert.Equal(SessionCode.Ok, await published.InTime());
        Assert.Equal(SessionCode.Ok, await publisher.PublishAsync("news", "twice").InTime());
        await Eventually.True(() => subscriber.Events("news").Length >= 2, "the second event");
        Assert.Equal(["once", "twice"], subscriber.Events("news"));
    }

    [Fact]
    public async Task A_subscriber_that_moves_gets_what_it_missed_from_all_origins_once()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient subscriber = Connect(left), anchor = Connect(right), first = Connect(left), second = Connect(right);
        await anchor.SubscribeAsync("news").InTime();
        await subscriber.SubscribeAsync("news").InTime();
        await first.PublishAsync("news", "1").InTime();
        await second.PublishAsync("news", "2").InTime();
        await Eventually.Equal(2, () => subscriber.Events("news").Length, "the number of events");
        await subscriber.DeafenAsync();
        await first.PublishAsync("news", "3").InTime();
        await second.PublishAsync("news", "4").InTime();
        subscriber.MoveTo(right);
        subscriber.IsDeaf = false;
        await Eventually.True(() => subscriber.Events("news").Length >= 4, "what was missed");
        await first.PublishAsync("news", "5").InTime();
        await Eventually.True(() => subscriber.Events("news").Length >= 5, "the last");
        Assert.Equal(["1", "2", "3", "4", "5"], subscriber.Events("news").Order());
        Assert.Empty(subscriber.Complaints);
    }

    [Fact]
    public async Task What_a_node_that_is_gone_has_published_is_recovered_on_one_that_did_not_exist_then()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient subscriber = Connect(left), anchor = Connect(right), publisher = Connect(left);
        await anchor.SubscribeAsync("news").InTime();
        await subscriber.SubscribeAsync("news").InTime();
        await publisher.PublishAsync("news", "1").InTime();
        await Eventually.Equal(1, () => subscriber.Events("news").Length, "the number of events");
        await subscriber.DeafenAsync();
        await publisher.PublishAsync("news", "2").InTime();
        await Eventually.Equal(2, () => anchor.Events("news").Length, "the number of events");
        subscriber.Strand();
        await RemoveAsync(left);
        Node third = await AddAsync();
        subscriber.MoveTo(third);
        subscriber.IsDeaf = false;
        await Eventually.True(() => subscriber.Events("news").Length >= 2, "what was missed");
        Assert.Equal(["1", "2"], subscriber.Events("news"));
        Assert.Empty(subscriber.Complaints);
    }

    [Fact]
    public async Task A_mailbox_keeps_what_waits_and_delivers_it_in_order_on_any_node()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient sender = Connect(left), receiver = Connect(right);
        Task<SessionCode>[] sent = [.. Enumerable.Range(0, 100).Select(i => sender.SendAsync("alice", $"{i}"))];
        Assert.All(await Task.WhenAll(sent).InTime(), code => Assert.Equal(SessionCode.Ok, code));
        Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync("alice", 8).InTime());
        await Eventually.True(() => receiver.Deliveries("alice").Length >= 100, "all messages");
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"delivery alice {i}"), receiver.Log);
    }

    [Fact]
    public async Task A_full_mailbox_refuses_by_count_and_by_bytes()
    {
        var bounds = new MailboxOptions { MaxMessages = 3, MaxBytes = 100 };
        Node node = await AddAsync(new Application { Mailboxes = bounds });
        TestClient sender = Connect(node);
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("a", new string('x', 90)).InTime());
        Assert.Equal(SessionCode.Full, await sender.SendAsync("a", new string('x', 20)).InTime());
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("a", "y").InTime());
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("a", "z").InTime());
        Assert.Equal(SessionCode.Full, await sender.SendAsync("a", "").InTime());
    }

    [Fact]
    public async Task No_more_is_delivered_than_the_prefetch_until_something_is_settled_and_what_is_not_goes_back_marked()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient sender = Connect(left), first = Connect(left), second = Connect(right);
        for (int i = 0; i < 6; i++) await sender.SendAsync("alice", $"{i}").InTime();
        first.Settles = false;
        await first.OpenMailboxAsync("alice", 3).InTime();
        await Eventually.Equal(3, () => first.Deliveries("alice").Length, "the number of deliveries");
        Assert.Equal(SessionCode.Ok, await first.CloseMailboxAsync("alice").InTime());
        await second.OpenMailboxAsync("alice", 3).InTime();
        await Eventually.True(() => second.Deliveries("alice").Length >= 6, "all messages");
        Assert.Equal(["redelivery alice 0", "redelivery alice 1", "redelivery alice 2", "delivery alice 3", "delivery alice 4", "delivery alice 5"], second.Log);
    }

    [Fact]
    public async Task A_newer_consumer_on_another_node_takes_over_and_the_older_is_told()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient sender = Connect(left), older = Connect(left), newer = Connect(right);
        older.Settles = false;
        await sender.SendAsync("alice", "1").InTime();
        await older.OpenMailboxAsync("alice").InTime();
        await Eventually.Equal(1, () => older.Deliveries("alice").Length, "the number of deliveries");
        Assert.Equal(SessionCode.Ok, await newer.OpenMailboxAsync("alice").InTime());
        await Eventually.True(() => older.Log.Contains("closed alice TakenOver"), "the older consumer is told");
        await Eventually.Equal(1, () => newer.Deliveries("alice").Length, "the number of deliveries");
        Assert.Equal(["redelivery alice 1"], newer.Log);
        // And back, on the same node as a third.
        TestClient third = Connect(right);
        Assert.Equal(SessionCode.Ok, await third.OpenMailboxAsync("alice").InTime());
        await Eventually.True(() => newer.Log.Contains("closed alice TakenOver"), "the newer consumer is told");
        await sender.SendAsync("alice", "2").InTime();
        await Eventually.True(() => third.Deliveries("alice").Contains("2"), "the next message");
    }

    [Fact]
    public async Task A_message_that_is_sent_again_on_another_node_is_delivered_once_also_after_it_was_settled()
    {
        Node left = await AddAsync(), right = await AddAsync();
        TestClient sender = Connect(left), receiver = Connect(left);
        await receiver.OpenMailboxAsync("alice").InTime();
        await sender.DeafenAsync();
        Task<SessionCode> sent = sender.SendAsync("alice", "once");
        await Eventually.Equal(1, () => receiver.Deliveries("alice").Length, "the number of deliveries");
        await receiver.CloseMailboxAsync("alice").InTime();
        // The next consumer is on the other node, too: it knows of the first delivery only what was written down.
        TestClient next = Connect(right);
        Assert.Equal(SessionCode.Ok, await next.OpenMailboxAsync("alice").InTime());
        sender.MoveTo(right);
        sender.IsDeaf = false;
        Assert.Equal(SessionCode.Ok, await sent.InTime());
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("alice", "twice").InTime());
        await Eventually.True(() => next.Deliveries("alice").Contains("twice"), "the second message");
        Assert.Equal(["delivery alice twice"], next.Log);
    }

    [Fact]
    public async Task Messages_expire()
    {
        // The broker's clock is nobody's to move. That the message has gone is seen from outside: a mailbox for one has room again.
        Node node = await AddAsync(new Application { Mailboxes = new MailboxOptions { MaxMessages = 1, MessageTimeToLive = TimeSpan.FromMilliseconds(300) } });
        TestClient sender = Connect(node), receiver = Connect(node);
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("alice", "old").InTime());
        await Eventually.True(() => sender.SendAsync("alice", "newer").InTime().Result == SessionCode.Ok, "the older message has gone");
        Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync("alice").InTime());
        // The newer one may have gone as well by now; what is sent to an open mailbox is delivered at once, unless the machine stands still for as long.
        await Eventually.True(
            () => receiver.Deliveries("alice").Contains("last") || (sender.SendAsync("alice", "last").InTime().Result == SessionCode.Ok && receiver.Deliveries("alice").Contains("last")), "the last message");
        Assert.DoesNotContain("old", receiver.Deliveries("alice"));
    }

    private protected async Task<Node> AddAsync(Application? application = null)
    {
        Node node = await Node.StartAsync(Create(), application);
        _open.Add(node);
        return node;
    }

    private protected async Task RemoveAsync(Node node)
    {
        _open.Remove(node);
        await node.DisposeAsync();
    }

    private protected TestClient Connect(Node node)
    {
        var client = new TestClient(node);
        _open.Add(client);
        return client;
    }
}

/// <summary>Hubs in one process.</summary>
public sealed class InProcessBackplaneTests : BackplaneContract
{
    private readonly InProcessBackplane _backplane = new(isShared: true);

    public override ValueTask InitializeAsync() => default;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _backplane.DisposeAsync();
    }

    protected override Backplane Create() => _backplane;
}

/// <summary>Hubs that share a broker.</summary>
public sealed class RabbitMqBackplaneTests(Broker broker) : BackplaneContract
{
    // What is Unavailable, or a gap, because somebody was slow is no finding here.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static int s_prefixes;
    private readonly string _prefix = $"contract{Interlocked.Increment(ref s_prefixes)}";

    public override async ValueTask InitializeAsync() => await broker.StartAsync();

    protected override Backplane Create() => new RabbitMqBackplane(new RabbitMqBackplaneOptions { Uri = broker.Uri, Prefix = _prefix, ConfirmTimeout = s_patience, AnswerTimeout = s_patience });
}
