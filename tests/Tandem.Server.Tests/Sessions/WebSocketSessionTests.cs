using System.Net.WebSockets;
using System.Text;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>The client over WebSockets, as a program uses it. What becomes of cut connections is in <see cref="CutConnectionTests"/>.</summary>
public sealed class WebSocketSessionTests
{
    private static readonly WebSocketSessionOptions Quick = new() { FirstDelay = TimeSpan.FromMilliseconds(5), MaxDelay = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task A_reader_may_await_answers_and_what_it_does_not_read_is_held_back_at_the_server()
    {
        await using SessionSite site = await SessionSite.StartAsync(topics: new TopicOptions { BacklogEvents = 100 });
        await using var session = new WebSocketSession(site.WebSocket, Quick with { MaxUnread = 100 });
        await session.ConnectAsync().InTime();
        Assert.Equal(SessionCode.Ok, await session.SubscribeAsync("news").InTime());
        for (int i = 0; i < 1_000; i++)
        {
            await site.Hub.PublishAsync("news", "an event"u8);
            // Nothing is read, and requests are answered all the same. What was received goes with them, so that only holding it back makes the server stop.
            if (i % 50 == 0) Assert.Equal(SessionCode.Ok, await session.PublishAsync("other", "x"u8.ToArray()).InTime());
        }

        long events = 0, missed = 0;
        await foreach (SessionNotice notice in session.ReadAllAsync())
        {
            if (notice is TopicEventReceived) events++;
            if (notice is TopicGap gap) missed += gap.Missed;
            if (events % 50 == 1) Assert.Equal(SessionCode.Ok, await session.PublishAsync("other", "x"u8.ToArray()).InTime());
            if (events + missed == 1_000) break;
        }

        // 100 unread, the window behind an acknowledgement of 64, and the backlog: the rest was dropped, and told.
        Assert.InRange(events, 200, 100 + 256 + 64 + 100 + 64);
    }

    [Fact]
    public async Task When_its_session_is_lost_it_gets_a_new_one_with_its_subscriptions_and_publishes_once()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        await using var session = new WebSocketSession(site.WebSocket, Quick);
        await session.ConnectAsync().InTime();
        Assert.Equal(SessionCode.Ok, await session.SubscribeAsync("news").InTime());
        string id = session.Id;
        site.Told.Opened.Single().Close(SessionCode.GoingAway, "moved");
        await Eventually.True(() => session.Id != id && session.IsConnected, "a new session");
        Assert.Equal(SessionCode.Ok, await session.PublishAsync("news", "after"u8.ToArray()).InTime());
        List<SessionNotice> notices = [];
        await foreach (SessionNotice notice in session.ReadAllAsync())
        {
            notices.Add(notice);
            if (notice is TopicEventReceived) break;
        }

        Assert.Equal([new SessionOpened(false), new SessionLost(0), new SessionOpened(false)], notices[..3]);
        Assert.Equal("after", Encoding.UTF8.GetString(Assert.IsType<TopicEventReceived>(notices[3]).Payload.Span));
    }

    [Fact]
    public async Task A_delivery_of_a_session_that_is_lost_settles_nothing_in_the_next_one()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        await using var session = new WebSocketSession(site.WebSocket, Quick);
        await session.ConnectAsync().InTime();
        Assert.Equal(SessionCode.Ok, await session.OpenMailboxAsync("box").InTime());
        Assert.Equal(SessionCode.Ok, await session.SendToMailboxAsync("box", "waits"u8.ToArray()).InTime());
        List<MailboxDelivery> deliveries = [];
        await foreach (SessionNotice notice in session.ReadAllAsync())
        {
            if (notice is not MailboxDelivery delivery) continue;
            deliveries.Add(delivery);
            if (deliveries.Count == 2) break;
            site.Told.Opened.Single().Close(SessionCode.GoingAway, "moved");
        }

        Assert.Equal(deliveries[0].Delivery, deliveries[1].Delivery);
        Assert.False(session.Settle(deliveries[0]));
        Assert.True(session.Settle(deliveries[1]));
    }

    [Fact]
    public async Task What_is_refused_for_good_ends_it()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        await using var session = new WebSocketSession(site.WebSocket, Quick);
        await session.ConnectAsync().InTime();
        site.Told.Opened.Single().Close(SessionCode.Forbidden, "go");
        await Assert.ThrowsAsync<SessionEndedException>(async () =>
        {
            await foreach (SessionNotice notice in session.ReadAllAsync()) Assert.IsType<SessionOpened>(notice);
        }).InTime();
        SessionEndedException ended = await Assert.ThrowsAsync<SessionEndedException>(() => session.PublishAsync("news", default)).InTime();
        Assert.Equal((SessionCode.Forbidden, "go"), (ended.Code, ended.Reason));
    }

    [Fact]
    public async Task A_first_try_that_fails_is_told_and_may_be_repeated()
    {
        await using (var session = new WebSocketSession(new Uri($"ws://127.0.0.1:{Ports.Free()}/session/websocket"), Quick))
        {
            await Assert.ThrowsAsync<WebSocketException>(() => session.ConnectAsync()).InTime();
            await Assert.ThrowsAsync<WebSocketException>(() => session.ConnectAsync()).InTime();
        }

        await using SessionSite site = await SessionSite.StartAsync();
        site.Told.Admitted = _ => SessionCode.NotAuthenticated;
        await using var refused = new WebSocketSession(site.WebSocket, Quick);
        Assert.Equal(SessionCode.NotAuthenticated, (await Assert.ThrowsAsync<SessionEndedException>(() => refused.ConnectAsync()).InTime()).Code);
    }

    [Fact]
    public async Task Disposing_it_closes_the_session_on_the_server_and_ends_reading_and_what_waits()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        var session = new WebSocketSession(site.WebSocket, Quick);
        await session.ConnectAsync().InTime();
        await session.DisposeAsync().InTime();
        await Eventually.Equal(1, () => site.Told.Closed.Count, "the end");
        Assert.Equal(SessionCode.Ok, site.Told.Closed.Single().Code);
        List<SessionNotice> notices = [];
        await foreach (SessionNotice notice in session.ReadAllAsync()) notices.Add(notice);
        Assert.Equal([new SessionOpened(false)], notices);
        await Assert.ThrowsAsync<SessionEndedException>(() => session.SubscribeAsync("news")).InTime();
        await session.DisposeAsync();
    }

    [Fact]
    public async Task It_fetches_a_ticket_for_each_session_and_none_to_resume()
    {
        await using SessionSite site = await SessionSite.StartAsync(new SessionHubOptions { RequireTicket = true }, new TandemSessionsOptions
        {
            Authenticate = (_, _) => new(new SessionIdentity("somebody", "somebody")),
        });
        using var http = new HttpClient();
        int tickets = 0;
        await using var session = new WebSocketSession(site.WebSocket, Quick with
        {
            GetTicket = async cancellation =>
            {
                tickets++;
                using HttpResponseMessage answer = await http.PostAsync(new Uri(site.Base, "ticket"), null, cancellation);
                return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancellation);
            },
        });
        await session.ConnectAsync().InTime();
        Session first = site.Told.Opened.Single();
        Assert.Equal("somebody", first.Owner);
        first.Close(SessionCode.GoingAway);
        await Eventually.Equal(2, () => site.Told.Opened.Count, "a new session");
        Assert.Equal(2, tickets);
    }

    [Fact]
    public async Task More_requests_than_may_wait_wait_their_turn()
    {
        await using SessionSite site = await SessionSite.StartAsync(new SessionHubOptions { MaxRequests = 4 });
        await using var session = new WebSocketSession(site.WebSocket, Quick with { MaxWaiting = 8 });
        await session.ConnectAsync().InTime();
        Task<SessionCode>[] answers = [.. Enumerable.Range(0, 500).Select(i => session.PublishAsync("news", BitConverter.GetBytes(i)))];
        Assert.All(await Task.WhenAll(answers).InTime(), code => Assert.Equal(SessionCode.Ok, code));
    }
}
