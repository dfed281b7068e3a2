using Tandem.RabbitMq.Tests.Support;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq.Tests;

/// <content>Mailboxes that are there only while they have a consumer, and those that a consumer has for so long only.</content>
public abstract partial class BackplaneContract
{
    private static Application Tickets => new() { Mailboxes = new MailboxOptions { RequiresConsumer = true, MaxMessages = 4 } };

    [Fact]
    public async Task A_message_to_a_mailbox_that_requires_a_consumer_and_has_none_is_not_found()
    {
        Node left = await AddAsync(Tickets), right = await AddAsync(Tickets);
        TestClient sender = Connect(left), other = Connect(right);
        Assert.Equal(SessionCode.NotFound, await sender.SendAsync("ticket", "1").InTime());
        Assert.Equal(SessionCode.NotFound, await other.SendAsync("ticket", "2").InTime());
        TestClient receiver = Connect(right);
        Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync("ticket").InTime());
        Assert.Equal(SessionCode.NotFound, await sender.SendAsync("another", "3").InTime());
        // What was not found is nowhere: the first that arrives is the next one.
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("ticket", "4").InTime());
        await Eventually.Equal(1, () => receiver.Deliveries("ticket").Length, "the number of deliveries");
        Assert.Equal(["delivery ticket 4"], receiver.Log);
    }

    [Fact]
    public async Task A_mailbox_that_requires_a_consumer_takes_messages_of_all_nodes_in_their_order_and_each_once()
    {
        Node left = await AddAsync(Tickets), right = await AddAsync(Tickets);
        TestClient receiver = Connect(left), near = Connect(left), far = Connect(right);
        Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync("ticket", 1).InTime());
        for (int i = 1; i <= 40; i += 2)
        {
            Assert.Equal(SessionCode.Ok, await near.SendAsync("ticket", $"{i}").InTime());
            Assert.Equal(SessionCode.Ok, await far.SendAsync("ticket", $"{i + 1}").InTime());
            await Eventually.Equal(i + 1, () => receiver.Deliveries("ticket").Length, "the number of deliveries");
        }

        Assert.Equal(Enumerable.Range(1, 40).Select(i => $"delivery ticket {i}"), receiver.Log);
    }

    [Fact]
    public async Task Closing_a_mailbox_that_requires_a_consumer_deletes_it_with_what_is_in_it()
    {
        Node left = await AddAsync(Tickets), right = await AddAsync(Tickets);
        TestClient sender = Connect(left), first = Connect(right);
        first.Settles = false;
        Assert.Equal(SessionCode.Ok, await first.OpenMailboxAsync("ticket", 1).InTime());
        for (int i = 0; i < 3; i++) Assert.Equal(SessionCode.Ok, await sender.SendAsync("ticket", $"old {i}").InTime());
        Assert.Equal(SessionCode.Ok, await first.CloseMailboxAsync("ticket").InTime());
        await AnsweredAsync(sender, SessionCode.NotFound);
        TestClient second = Connect(right);
        Assert.Equal(SessionCode.Ok, await second.OpenMailboxAsync("ticket").InTime());
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("ticket", "new").InTime());
        await Eventually.True(() => second.Log.Length > 0, "a delivery");
        Assert.Equal(["delivery ticket new"], second.Log);
    }

    [Fact]
    public async Task A_mailbox_that_requires_a_consumer_is_full_by_its_bounds_and_has_room_again_when_something_is_settled()
    {
        Node left = await AddAsync(Tickets), right = await AddAsync(Tickets);
        TestClient sender = Connect(left), receiver = Connect(right);
        receiver.Settles = false;
        Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync("ticket", 1).InTime());
        SessionCode code = SessionCode.Ok;
        int stored = 0;
        // At the broker the bound is on what waits, here on all.
        for (; stored < 10 && (code = await sender.SendAsync("ticket", $"{stored}").InTime()) == SessionCode.Ok; stored++) await Eventually.Equal(1, () => receiver.Log.Length, "the number of deliveries");
        Assert.Equal(SessionCode.Full, code);
        Assert.InRange(stored, 4, 5);
        receiver.Settle("ticket", 1);
        await AnsweredAsync(sender, SessionCode.Ok);
    }

    [Fact]
    public async Task A_session_between_two_carriers_keeps_a_mailbox_that_requires_a_consumer_and_one_that_is_over_does_not()
    {
        Node left = await AddAsync(Tickets), right = await AddAsync(Tickets);
        TestClient sender = Connect(left), receiver = Connect(right);
        Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync("ticket").InTime());
        receiver.MoveTo(right);
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("ticket", "meanwhile").InTime());
        await Eventually.Equal(1, () => receiver.Deliveries("ticket").Length, "the number of deliveries");
        await RemoveAsync(right);
        await AnsweredAsync(sender, SessionCode.NotFound);
    }

    [Fact]
    public async Task A_newer_consumer_of_a_mailbox_that_requires_one_takes_over_from_another_node()
    {
        Node left = await AddAsync(Tickets), right = await AddAsync(Tickets);
        TestClient sender = Connect(left), older = Connect(left), newer = Connect(right);
        Assert.Equal(SessionCode.Ok, await older.OpenMailboxAsync("ticket").InTime());
        Assert.Equal(SessionCode.Ok, await newer.OpenMailboxAsync("ticket").InTime());
        await Eventually.True(() => older.Log.Contains("closed ticket TakenOver"), "the older consumer is told");
        Assert.Equal(SessionCode.Ok, await sender.SendAsync("ticket", "1").InTime());
        await Eventually.Equal(1, () => newer.Deliveries("ticket").Length, "the number of deliveries");
        Assert.Equal(["closed ticket TakenOver"], older.Log);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_consumer_has_a_mailbox_for_so_long_only_and_may_open_it_again(bool requiresConsumer)
    {
        var bounds = new MailboxOptions { RequiresConsumer = requiresConsumer, ConsumerTimeToLive = TimeSpan.FromMilliseconds(700) };
        Node left = await AddAsync(new Application { Mailboxes = bounds }), right = await AddAsync(new Application { Mailboxes = bounds });
        TestClient sender = Connect(left), receiver = Connect(right);
        for (int i = 1; i <= 2; i++)
        {
            Assert.Equal(SessionCode.Ok, await receiver.OpenMailboxAsync("ticket").InTime());
            await Eventually.Equal(i, () => receiver.Log.Count(line => line == "closed ticket Expired"), "the number of times that it has expired");
        }

        SessionCode expected = requiresConsumer ? SessionCode.NotFound : SessionCode.Ok;
        await AnsweredAsync(sender, expected);
    }

    /// <summary>Sends until the answer is the expected one.</summary>
    private static async Task AnsweredAsync(TestClient sender, SessionCode expected)
    {
        SessionCode? code = null;
        Task? sending = null;
        await Eventually.True(
            () =>
            {
                if (code == expected) return true;
                if (sending is not { IsCompleted: false }) sending = SendAsync();
                return false;
            },
            $"the answer is {expected}");

        async Task SendAsync() => code = await sender.SendAsync("ticket", "to nobody");
    }
}
