using System.Text.Json;
using Tandem.Server.Tests.Link;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Inspector;

/// <summary>What the inspector tells is what there is, and what it is asked to close is closed.</summary>
public sealed class InspectorTests
{
    private const string OwnPage = "X-Tandem-Inspector: 1";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Figures_agree_with_reality(bool onLoops)
    {
        await using InspectorSite site = await InspectorSite.StartAsync(onLoops: onLoops);
        var clients = new List<RawClient>();
        for (int i = 0; i < 4; i++) clients.Add(await site.ConnectAsync());
        clients.Add(await site.ConnectAsync(stalls: true));
        await using var session = new WebSocketSession(new Uri($"ws://127.0.0.1:{site.Port}/session/websocket"));
        await session.ConnectAsync().InTime();
        Assert.Equal(SessionCode.Ok, await session.SubscribeAsync("news").InTime());
        Assert.Equal(SessionCode.Ok, await session.OpenMailboxAsync("alice").InTime());
        await site.Hub.SendToMailboxAsync("bob", new byte[50]);

        // Until the kernel takes no more, the one figure and the other are of two moments; so are those of connections on several loops.
        JsonElement report = await site.ReportAsync(found => BufferedOf(found) is > 0 and long buffered && buffered == ItemsOf(found).Sum(item => item.GetProperty("buffered").GetInt64())
            && found.GetProperty("figures").GetProperty("handshakes").GetProperty("accepted").GetInt64() >= 6);
        JsonElement figures = report.GetProperty("figures");
        Assert.Equal(6, figures.GetProperty("connections").GetInt64());
        Assert.Equal(6, report.GetProperty("connections").GetProperty("total").GetInt64());
        Assert.Equal(6, figures.GetProperty("handshakes").GetProperty("accepted").GetInt64());
        JsonElement[] connections = [.. ItemsOf(report)];
        Assert.Equal(6, connections.Select(connection => connection.GetProperty("id").GetInt64()).Distinct().Count());
        Assert.Equal(clients[4].Socket.LocalEndPoint!.ToString(), connections[0].GetProperty("remote").GetString());
        Assert.Equal(("/flood", "Open"), (connections[0].GetProperty("path").GetString(), connections[0].GetProperty("state").GetString()));
        Assert.Single(connections, connection => connection.GetProperty("path").GetString() == "/session/websocket");

        JsonElement told = Assert.Single(report.GetProperty("sessions").GetProperty("items").EnumerateArray().ToArray());
        Assert.Equal(
            (session.Id, "websocket", 1, 1),
            (told.GetProperty("id").GetString(), told.GetProperty("carrier").GetString(), told.GetProperty("subscriptions").GetInt32(), told.GetProperty("mailboxes").GetInt32()));
        Assert.Equal("""{"total":1,"items":[{"name":"news","subscribers":1,"history":0,"waiting":0}]}""", report.GetProperty("topics").GetRawText());
        Assert.Equal(
            """{"total":2,"items":[{"name":"bob","consumer":false,"messages":1,"bytes":50},{"name":"alice","consumer":true,"messages":0,"bytes":0}]}""",
            report.GetProperty("mailboxes").GetRawText());

        foreach (RawClient client in clients) client.Reset();
        report = await site.ReportAsync(found => found.GetProperty("connections").GetProperty("total").GetInt64() == 1 && found.GetProperty("closes").GetRawText().Contains("\"count\":5", StringComparison.Ordinal));
        Assert.Equal("""[{"code":"1006","initiator":"transport_end","count":5}]""", report.GetProperty("closes").GetRawText());
    }

    [Fact]
    public async Task Of_links_it_tells_how_many_sessions_tickets_and_inboxes_there_are_and_no_id_by_which_one_could_take_them()
    {
        await using InspectorSite site = await InspectorSite.StartAsync();
        await using var session = new WebSocketSession(new Uri($"ws://127.0.0.1:{site.Port}/link/websocket"));
        await session.ConnectAsync().InTime();
        string ticket = LinkSite.NewId(), inbox = LinkSite.NewId();
        Assert.Equal(SessionCode.Ok, await session.OpenMailboxAsync($"ticket/{ticket}").InTime());
        Assert.Equal(SessionCode.Ok, await session.SendToMailboxAsync($"link/{inbox}", "an envelope"u8.ToArray()).InTime());
        JsonElement report = await site.ReportAsync(found => found.GetProperty("links").GetProperty("inboxes").GetProperty("total").GetInt32() == 1);
        JsonElement links = report.GetProperty("links");
        Assert.Equal((1, 1), (links.GetProperty("sessions").GetProperty("total").GetInt32(), links.GetProperty("sessions").GetProperty("items")[0].GetProperty("mailboxes").GetInt32()));
        Assert.Equal($$"""{"total":1,"items":[{"name":"{{ticket[..6]}}\u2026","consumer":true,"messages":0,"bytes":0}]}""", links.GetProperty("tickets").GetRawText());
        Assert.Equal($$"""{"total":1,"items":[{"name":"{{inbox[..6]}}\u2026","consumer":false,"messages":1,"bytes":11}]}""", links.GetProperty("inboxes").GetRawText());
        foreach (string hidden in (string[])[ticket, inbox, session.Id!, "envelope"]) Assert.DoesNotContain(hidden, report.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_is_closed_with_the_code_that_was_chosen(bool onLoops)
    {
        await using InspectorSite site = await InspectorSite.StartAsync(onLoops: onLoops);
        using RawClient chosen = await site.ConnectAsync();
        using RawClient other = await site.ConnectAsync();
        JsonElement report = await site.ReportAsync(found => found.GetProperty("connections").GetProperty("total").GetInt64() == 2);
        long id = IdOf(report, chosen);
        Assert.Equal(400, await site.StatusAsync(HttpMethod.Post, "/inspect/close", $$"""{"id":{{id}},"code":1006}""", OwnPage)); // section 7.4.1: never sent
        Assert.Equal(400, await site.StatusAsync(HttpMethod.Post, "/inspect/close", $$"""{"id":"{{id}}"}""", OwnPage));
        Assert.Equal(400, await site.StatusAsync(HttpMethod.Post, "/inspect/close", "not json", OwnPage));
        Assert.Equal(404, await site.StatusAsync(HttpMethod.Post, "/inspect/close", """{"id":12345}""", OwnPage));
        Assert.Equal(204, await site.StatusAsync(HttpMethod.Post, "/inspect/close", $$"""{"id":{{id}},"code":1013}""", OwnPage));
        Assert.Equal("closed by the operator", (await chosen.ReadClose(1013)).Reason);
        await chosen.Send(Wire.Close(1013));
        report = await site.ReportAsync(found => found.GetProperty("connections").GetProperty("total").GetInt64() == 1 && found.GetProperty("closes").GetArrayLength() > 0);
        Assert.Equal(404, await site.StatusAsync(HttpMethod.Post, "/inspect/close", $$"""{"id":{{id}}}""", OwnPage)); // it has gone
        Assert.Equal("""[{"code":"1013","initiator":"local","count":1}]""", report.GetProperty("closes").GetRawText());

        Assert.Equal(204, await site.StatusAsync(HttpMethod.Post, "/inspect/close", $$"""{"id":{{IdOf(report, other)}}}""", OwnPage));
        await other.ReadClose(1001);
    }

    [Fact]
    public async Task Tables_are_bounded_totals_are_not_and_the_newest_may_be_asked_for()
    {
        await using InspectorSite site = await InspectorSite.StartAsync(maxRows: 2);
        var clients = new List<RawClient> { await site.ConnectAsync(stalls: true) };
        for (int i = 0; i < 3; i++) clients.Add(await site.ConnectAsync());
        string stalled = clients[0].Socket.LocalEndPoint!.ToString()!;
        JsonElement report = await site.ReportAsync(found => BufferedOf(found) > 0 && ItemsOf(found).First().GetProperty("remote").GetString() == stalled);
        JsonElement page = report.GetProperty("connections");
        Assert.Equal((4, 2), (page.GetProperty("total").GetInt64(), page.GetProperty("items").GetArrayLength()));
        Assert.Equal(stalled, page.GetProperty("items")[0].GetProperty("remote").GetString());
        // It is the oldest: in that order it comes last, as soon as the clock has told them apart.
        await site.ReportAsync(
            found => ItemsOf(found).All(item => item.GetProperty("remote").GetString() != stalled), "/inspect/feed?order=newest");
        foreach (RawClient client in clients) client.Dispose();
    }

    [Fact]
    public async Task So_many_may_look_at_a_time_and_the_end_of_the_server_waits_for_none_of_them()
    {
        await using InspectorSite site = await InspectorSite.StartAsync(maxViewers: 1);
        HttpResponseMessage first = await site.SendAsync(HttpMethod.Get, "/inspect/feed");
        Assert.Equal(503, await site.StatusAsync(HttpMethod.Get, "/inspect/feed"));
        first.Dispose();
        using HttpResponseMessage next = await FirstAllowedAsync(site);
        await site.StopAsync().InTime();
    }

    // The server notices by and by that somebody looks no more.
    private static async Task<HttpResponseMessage> FirstAllowedAsync(InspectorSite site)
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (true)
        {
            HttpResponseMessage response = await site.SendAsync(HttpMethod.Get, "/inspect/feed");
            if (response.IsSuccessStatusCode) return response;
            response.Dispose();
            await timer.WaitForNextTickAsync(deadline.Token);
        }
    }

    private static JsonElement.ArrayEnumerator ItemsOf(JsonElement report) => report.GetProperty("connections").GetProperty("items").EnumerateArray();

    private static long BufferedOf(JsonElement report) => report.GetProperty("figures").GetProperty("buffered").GetInt64();

    private static long IdOf(JsonElement report, RawClient client) =>
        ItemsOf(report).Single(item => item.GetProperty("remote").GetString() == client.Socket.LocalEndPoint!.ToString()).GetProperty("id").GetInt64();
}
