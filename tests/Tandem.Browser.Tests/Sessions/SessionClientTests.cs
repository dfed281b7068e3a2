using System.Globalization;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using static Tandem.Browser.Tests.Sessions.SessionWeb;

namespace Tandem.Browser.Tests.Sessions;

/// <summary>The client of sessions in TypeScript in a real browser, over networks that let less and less through.</summary>
public sealed class SessionClientTests
{
    [Fact]
    public async Task Down_the_ladder_and_up_again_with_cuts_in_mid_stream_everything_comes_once_and_in_order()
    {
        // Room for what is published while a carrier is found out not to work, on a machine that is busy.
        await using SessionWeb site = await SessionWeb.StartAsync(topics: new TopicOptions { BacklogEvents = 100_000 });
        await using SessionPage page = await SessionPage.OpenAsync(site);
        Assert.Equal("websocket", await page.ConnectAsync());
        Assert.Equal(0, await page.SubscribeAndReadAsync("numbers"));
        using var stop = new CancellationTokenSource();
        Task<int> publishing = site.PublishNumbersAsync("numbers", stop.Token);
        // And the way up: each is sent when the one before is answered, and comes back as an event of another topic.
        await page.Page.EvaluateAsync(
            """
            async () => {
              window.answers = [];
              await session.subscribe('up');
              window.publishing = (async () => { while (!window.enough) answers.push(await session.publish('up', `up ${answers.length}`)); })();
            }
            """);

        foreach ((Ways blocked, string carrier) in new[]
        {
            (Ways.None, "websocket"),
            (Ways.WebSocket, "streaming"),
            (Ways.WebSocket | Ways.Streaming, "longPolling"),
            (Ways.WebSocket | Ways.Streaming | Ways.LongPolling, "polling"),
        })
        {
            site.BlockAndCut(blocked);
            await page.UntilCarriedByAsync(carrier);
            await SeeMoreAsync(page);
        }

        foreach ((Ways blocked, string carrier) in new[] { (Ways.WebSocket | Ways.Streaming, "longPolling"), (Ways.WebSocket, "streaming"), (Ways.None, "websocket") })
        {
            site.Block(blocked);
            await page.UntilCarriedByAsync(carrier);
            await SeeMoreAsync(page);
        }

        await stop.CancelAsync();
        int published = await publishing;
        int answered = await page.Page.EvaluateAsync<int>("async () => { window.enough = true; await publishing; return answers.length; }");
        await page.UntilAsync($"told.filter(({{ type }}) => type === 'event').length >= {published + answered}");
        string[] events = await page.EventsAsync();
        Assert.Equal(Enumerable.Range(0, published).Select(number => number.ToString(CultureInfo.InvariantCulture)), events.Where(text => !text.StartsWith('u')));
        Assert.Equal(Enumerable.Range(0, answered).Select(number => $"up {number}"), events.Where(text => text.StartsWith('u')));
        // No session was lost, and no gap told of.
        Assert.Equal(["opened"], (await page.OthersAsync()).Distinct());
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("Math.max(...answers)"));
    }

    [Theory]
    [InlineData(Ways.WebSocket, "streaming")]
    [InlineData(Ways.WebSocket | Ways.Streaming, "longPolling")]
    [InlineData(Ways.WebSocket | Ways.Streaming | Ways.LongPolling, "polling")]
    public async Task A_session_begins_on_the_best_carrier_that_works(Ways blocked, string carrier)
    {
        await using SessionWeb site = await SessionWeb.StartAsync();
        site.Block(blocked);
        await using SessionPage page = await SessionPage.OpenAsync(site);
        await page.ConnectAsync();
        await page.UntilCarriedByAsync(carrier);
        Assert.Equal(0, await page.SubscribeAndReadAsync("topic"));
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("session.publish('topic', 'hello')"));
        await page.UntilAsync("told.some(({ data }) => data === 'hello')");
        await page.Page.EvaluateAsync("session.close()");
        // The server is told.
        await Eventually.Equal(SessionCode.Ok, () => site.Told.Closed.FirstOrDefault(SessionCode.InternalError), "the end of the session");
        Assert.Null(await page.Page.EvaluateAsync<string?>("session.carrier"));
    }

    [Fact]
    public async Task Where_nothing_gets_through_the_first_try_fails_and_may_be_repeated()
    {
        await using SessionWeb site = await SessionWeb.StartAsync();
        await using SessionPage page = await SessionPage.OpenAsync(site);
        site.Block(Ways.All);
        string why = await page.ConnectAsync();
        Assert.Contains("fetch", why, StringComparison.OrdinalIgnoreCase);
        site.Block(Ways.None);
        Assert.Equal("websocket", await page.Page.EvaluateAsync<string>("session.connect().then(() => session.carrier)"));
    }

    [Fact]
    public async Task A_session_that_is_lost_is_followed_by_one_that_goes_on_from_the_same_position()
    {
        await using SessionWeb site = await SessionWeb.StartAsync(
            new SessionHubOptions { TimeToLive = TimeSpan.FromSeconds(1) }, topics: new TopicOptions { HistoryEvents = 100_000, HistoryBytes = 10_000_000 });
        await using SessionPage page = await SessionPage.OpenAsync(site);
        await page.ConnectAsync();
        await page.SubscribeAndReadAsync("numbers");
        using var stop = new CancellationTokenSource();
        Task<int> publishing = site.PublishNumbersAsync("numbers", stop.Token);
        await SeeMoreAsync(page);
        site.BlockAndCut(Ways.All);
        await Eventually.Equal(SessionCode.Expired, () => site.Told.Closed.FirstOrDefault(), "the end of the session");
        site.Block(Ways.None);
        await SeeMoreAsync(page);
        await stop.CancelAsync();
        int published = await publishing;
        await page.UntilAsync($"told.filter(({{ type }}) => type === 'event').length >= {published}");
        Assert.Equal(Enumerable.Range(0, published).Select(number => number.ToString(CultureInfo.InvariantCulture)), await page.EventsAsync());
        Assert.Equal(["opened", "lost", "opened"], await page.OthersAsync());
    }

    [Theory]
    [InlineData("websocket")]
    [InlineData("streaming")]
    [InlineData("longPolling")]
    [InlineData("polling")]
    public async Task Who_does_not_read_keeps_little_and_is_told_how_much_was_dropped(string carrier)
    {
        const int Published = 3000;
        await using SessionWeb site = await SessionWeb.StartAsync(topics: new TopicOptions { BacklogEvents = 100 });
        await using SessionPage page = await SessionPage.OpenAsync(site);
        await page.ConnectAsync(new { carriers = new[] { carrier }, maxUnread = 10 });
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("session.subscribe('topic')"));
        for (int i = 0; i < Published; i++) await site.Hub.PublishAsync("topic", "x"u8, MessageFlags.Text);
        // Answers come although nothing is read.
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("session.publish('other', 'x')"));
        await page.Page.EvaluateAsync("async () => { (async () => { for await (const notice of session) told.push(notice); })(); }");
        await page.UntilAsync($"told.reduce((sum, {{ type, missed }}) => sum + (type === 'event' ? 1 : missed ?? 0), 0) >= {Published}");
        int seen = (await page.EventsAsync()).Length;
        int missed = await page.Page.EvaluateAsync<int>("told.reduce((sum, { missed }) => sum + (missed ?? 0), 0)");
        Assert.Equal(Published, seen + missed);
        // The window, the backlog, and what had come before nobody read.
        Assert.InRange(seen, 100, 1000);
    }

    [Fact]
    public async Task Tickets_are_fetched_for_a_session_and_not_for_its_resumption()
    {
        int issued = 0;
        await using SessionWeb site = await SessionWeb.StartAsync(new SessionHubOptions { RequireTicket = true }, new TandemSessionsOptions
        {
            Authenticate = (request, _) =>
            {
                Interlocked.Increment(ref issued);
                return ValueTask.FromResult(request.GetCookie("login") is { } name ? new SessionIdentity(name, name) : null);
            },
        });
        await using SessionPage page = await SessionPage.OpenAsync(site);
        Assert.Contains("NotAuthenticated", await page.ConnectAsync(), StringComparison.Ordinal);
        issued = 0;
        Assert.Equal("websocket", await page.ConnectAsync(new { ticket = true }));
        site.BlockAndCut(Ways.WebSocket);
        await page.UntilCarriedByAsync("streaming");
        // For the ticket, the WebSocket and the carrier behind it.
        Assert.InRange(issued, 3, 5);
        Assert.Equal("streaming", await page.ConnectAsync(new { ticket = true, carriers = new[] { "streaming" } }));
    }

    /// <summary>The stream goes on.</summary>
    private static async Task SeeMoreAsync(SessionPage page)
    {
        int seen = (await page.EventsAsync()).Length;
        await page.UntilAsync($"told.filter(({{ type }}) => type === 'event').length >= {seen + 20}");
    }
}
