using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Tandem.Server.Link;
using Tandem.Server.Tests.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using IPNetwork = System.Net.IPNetwork;

namespace Tandem.Server.Tests.Link;

/// <summary>What strangers may cost: docs/threat-model.md, guessing.</summary>
public sealed class LinkLimitTests
{
    private static readonly IPNetwork[] Loopback = [IPNetwork.Parse("127.0.0.0/8")];

    [Fact]
    public async Task Inboxes_have_a_bound_together_and_a_code_can_be_claimed_all_the_same()
    {
        await using LinkSite site = await LinkSite.StartAsync(new TandemLinkOptions { MaxInboxBytes = 3000 });
        await using LinkEnd computer = await site.ConnectAsync(), phone = await site.ConnectAsync();
        string first = $"link/{LinkSite.NewId()}", second = $"link/{LinkSite.NewId()}", ticket = $"ticket/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(first, new byte[1000]));
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(second, new byte[1000]));
        Assert.Equal(SessionCode.Full, await phone.SendAsync(second, new byte[1000]));
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(ticket));
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(ticket, new byte[500]));
        await computer.NextAsync();
        // Whoever fetches what waits makes room for others.
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(first));
        await computer.NextAsync();
        SessionCode code = SessionCode.Full;
        await Eventually.True(() => (code = phone.SendAsync(second, new byte[1000]).Result) == SessionCode.Ok, "room in the other inbox");
        Assert.Throws<ArgumentException>(() => new LinkApplication(new TandemLinkOptions { MaxInboxBytes = 0 }));
    }

    [Fact]
    public async Task Who_claims_too_often_is_told_that_and_not_whether_there_is_such_a_code()
    {
        var clock = new ManualClock();
        await using LinkSite site = await LinkSite.StartAsync(LinkMailboxTests.WithClock(clock) with { ClaimsPerAddress = new LinkRate(3, 6) });
        await using LinkEnd computer = await site.ConnectAsync(), phone = await site.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(ticket));
        for (int i = 0; i < 3; i++) Assert.Equal(SessionCode.NotFound, await phone.SendAsync($"ticket/{LinkSite.NewId()}", 1));
        Assert.Equal(SessionCode.TooManyRequests, await phone.SendAsync($"ticket/{LinkSite.NewId()}", 1));
        Assert.Equal(SessionCode.TooManyRequests, await phone.SendAsync(ticket, 1));
        // Another session of the same address does not help, another name neither; 10 s bring one more try.
        await using LinkEnd again = await site.ConnectAsync();
        Assert.Equal(SessionCode.TooManyRequests, await again.SendAsync(ticket, 1));
        clock.Advance(9.9);
        Assert.Equal(SessionCode.TooManyRequests, await phone.SendAsync(ticket, 1));
        clock.Advance(0.2);
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(ticket, 1));
        Assert.Equal(SessionCode.TooManyRequests, await phone.SendAsync(ticket, 1));
        Assert.Equal([1], await computer.NextAsync());
        Assert.Empty(computer.Deliveries);
        Assert.Equal(5, site.Metrics["link.claims{link.claim.outcome=too_many_requests}"]);
    }

    [Fact]
    public async Task Claims_are_limited_for_all_addresses_together_and_for_gateways_only_so()
    {
        var options = new TandemLinkOptions { ClaimsPerAddress = new LinkRate(3, 0.001), Claims = new LinkRate(20, 0.001), TrustedGateways = Loopback };
        await using LinkSite site = await LinkSite.StartAsync(options);
        await using LinkEnd gateway = await site.ConnectAsync();
        for (int i = 0; i < 20; i++) Assert.Equal(SessionCode.NotFound, await gateway.SendAsync($"ticket/{LinkSite.NewId()}", 1));
        Assert.Equal(SessionCode.TooManyRequests, await gateway.SendAsync($"ticket/{LinkSite.NewId()}", 1));
    }

    [Fact]
    public async Task Who_is_beyond_the_limit_of_an_address_takes_nothing_from_others()
    {
        var options = new TandemLinkOptions { ClaimsPerAddress = new LinkRate(1, 0.001), Claims = new LinkRate(2, 0.001), KnownProxies = Loopback };
        await using LinkSite site = await LinkSite.StartAsync(options);
        await using LinkEnd first = await site.ConnectAsync("192.0.2.1"), second = await site.ConnectAsync("192.0.2.2");
        Assert.Equal(SessionCode.NotFound, await first.SendAsync($"ticket/{LinkSite.NewId()}", 1));
        for (int i = 0; i < 10; i++) Assert.Equal(SessionCode.TooManyRequests, await first.SendAsync($"ticket/{LinkSite.NewId()}", 1));
        Assert.Equal(SessionCode.NotFound, await second.SendAsync($"ticket/{LinkSite.NewId()}", 1));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("203.0.113.9, 192.0.2.1", "198.51.100.1, 192.0.2.1", true)]
    [InlineData("192.0.2.1, 127.0.0.9", "192.0.2.1", true)]
    [InlineData("192.0.2.1:4711", "[::ffff:192.0.2.1]:80", true)]
    [InlineData("nonsense, 192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1, nonsense", "192.0.2.2, nonsense", true)]
    public async Task An_address_is_what_known_proxies_say_and_of_IPv6_its_first_64_bits(string one, string other, bool areOne)
    {
        await using LinkSite site = await LinkSite.StartAsync(new TandemLinkOptions { ClaimsPerAddress = new LinkRate(1, 0.001), KnownProxies = Loopback });
        await using LinkEnd first = await site.ConnectAsync(one), second = await site.ConnectAsync(other);
        Assert.Equal(SessionCode.NotFound, await first.SendAsync($"ticket/{LinkSite.NewId()}", 1));
        Assert.Equal(areOne ? SessionCode.TooManyRequests : SessionCode.NotFound, await second.SendAsync($"ticket/{LinkSite.NewId()}", 1));
    }

    [Fact]
    public async Task Who_is_no_known_proxy_may_write_what_it_likes()
    {
        await using LinkSite site = await LinkSite.StartAsync(new TandemLinkOptions { ClaimsPerAddress = new LinkRate(1, 0.001) });
        await using LinkEnd first = await site.ConnectAsync("192.0.2.1"), second = await site.ConnectAsync("192.0.2.2");
        Assert.Equal(SessionCode.NotFound, await first.SendAsync($"ticket/{LinkSite.NewId()}", 1));
        Assert.Equal(SessionCode.TooManyRequests, await second.SendAsync($"ticket/{LinkSite.NewId()}", 1));
    }

    [Fact]
    public async Task New_inboxes_are_limited_by_address_and_those_that_a_session_uses_already_are_not()
    {
        await using LinkSite site = await LinkSite.StartAsync(new TandemLinkOptions { InboxesPerAddress = new LinkRate(3, 0.001) });
        await using LinkEnd end = await site.ConnectAsync();
        string mine = $"link/{LinkSite.NewId()}", theirs = $"link/{LinkSite.NewId()}", third = $"link/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await end.OpenAsync(mine));
        Assert.Equal(SessionCode.Ok, await end.SendAsync(theirs, 3));
        Assert.Equal(SessionCode.Ok, await end.SendAsync(third, 3));
        Assert.Equal(SessionCode.TooManyRequests, await end.SendAsync($"link/{LinkSite.NewId()}", 3));
        Assert.Equal(SessionCode.TooManyRequests, await end.OpenAsync($"link/{LinkSite.NewId()}"));
        for (int i = 0; i < 10; i++) Assert.Equal(SessionCode.Ok, await end.SendAsync(theirs, 3));
        Assert.Equal(SessionCode.Ok, await end.Session.CloseMailboxAsync(mine).InTime());
        Assert.Equal(SessionCode.Ok, await end.OpenAsync(mine));
        // Tickets are no inboxes, and have a limit of the session.
        Assert.Equal(SessionCode.Ok, await end.OpenAsync($"ticket/{LinkSite.NewId()}"));
    }

    [Fact]
    public async Task A_session_opens_so_many_mailboxes_only_in_a_time()
    {
        await using LinkSite site = await LinkSite.StartAsync(new TandemLinkOptions { OpeningsPerSession = new LinkRate(4, 0.001) });
        await using LinkEnd end = await site.ConnectAsync(), other = await site.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}";
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(SessionCode.Ok, await end.OpenAsync(ticket));
            Assert.Equal(SessionCode.Ok, await end.Session.CloseMailboxAsync(ticket).InTime());
        }

        Assert.Equal(SessionCode.TooManyRequests, await end.OpenAsync(ticket));
        Assert.Equal(SessionCode.Ok, await other.OpenAsync(ticket));
    }

    [Fact]
    public async Task Sessions_of_gateways_are_not_counted_as_those_of_one_address()
    {
        var two = new SessionHubOptions { MaxSessionsPerOwner = 2 };
        await using LinkSite strict = await LinkSite.StartAsync(new TandemLinkOptions { Sessions = two }), open = await LinkSite.StartAsync(new TandemLinkOptions { Sessions = two, TrustedGateways = Loopback });
        await using LinkEnd first = await strict.ConnectAsync(), second = await strict.ConnectAsync();
        await using RovingClient third = new(strict.Base);
        Exception refused = await Assert.ThrowsAnyAsync<Exception>(() => third.SwitchAsync(CarrierKind.Polling));
        Assert.Contains("TooManySessions", refused.Message, StringComparison.Ordinal);
        LinkEnd[] ends = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => open.ConnectAsync()));
        foreach (LinkEnd end in ends) await end.DisposeAsync();
    }

    [Fact]
    public async Task Some_thousands_of_guesses_over_the_wire_leave_nothing_behind_either()
    {
        await using LinkSite site = await LinkSite.StartAsync(new TandemLinkOptions { TrustedGateways = Loopback, Claims = new LinkRate(3000, 0.001) });
        await using LinkEnd computer = await site.ConnectAsync(), guesser = await site.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(ticket));
        Dictionary<SessionCode, int> answers = [];
        for (int i = 0; i < 40; i++)
        {
            SessionCode[] codes = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => guesser.SendAsync($"ticket/{LinkSite.NewId()}", 1)));
            foreach (SessionCode code in codes) answers[code] = answers.GetValueOrDefault(code) + 1;
        }

        Assert.Equal(3000, answers[SessionCode.NotFound]);
        Assert.Equal(1000, answers[SessionCode.TooManyRequests]);
        Assert.Empty(computer.Deliveries);
        Assert.Equal(2, site.Hub.Sessions);
    }

    [Fact]
    public void What_was_spent_is_forgotten_when_it_has_come_back_and_not_before()
    {
        var clock = new ManualClock();
        var buckets = new AddressBuckets(new LinkRate(2, 2), 1000, clock);
        Assert.True(buckets.TryTake("a"));
        Assert.True(buckets.TryTake("a"));
        Assert.False(buckets.TryTake("a"));
        for (int i = 0; i < 10; i++)
        {
            clock.Advance(29);
            Assert.True(buckets.TryTake($"b{i}"));
            clock.Advance(1.01);
            Assert.True(buckets.TryTake("a"));
            Assert.False(buckets.TryTake("a"));
        }

        Assert.InRange(buckets.Count, 1, 6);
    }

    [Fact]
    public async Task A_caller_is_told_its_address_which_is_that_of_the_client_behind_a_proxy()
    {
        await using LinkSite direct = await LinkSite.StartAsync();
        await using LinkSite known = await LinkSite.StartAsync(new TandemLinkOptions { KnownProxies = Loopback });
        await using LinkSite middleware = await LinkSite.StartAsync(map: app => app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor }));
        using var client = new HttpClient();
        Assert.Equal("""{"address":"127.0.0.1"}""", await AskAsync(client, direct, "192.0.2.1"));
        Assert.Equal("""{"address":"192.0.2.1"}""", await AskAsync(client, known, "192.0.2.1"));
        Assert.Equal("""{"address":"2001:db8::1"}""", await AskAsync(client, middleware, "2001:db8::1"));
        using HttpResponseMessage foreign = await SendAsync(client, direct, HttpMethod.Get, "https://elsewhere.example");
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
        using HttpResponseMessage post = await SendAsync(client, direct, HttpMethod.Post, null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
    }

    [Fact]
    public void Options_out_of_their_range_are_named()
    {
        Assert.Contains("ClaimsPerAddress", Assert.Throws<ArgumentException>(() => new LinkApplication(new TandemLinkOptions { ClaimsPerAddress = new LinkRate(0, 1) })).Message, StringComparison.Ordinal);
        Assert.Contains("Inbox", Assert.Throws<ArgumentException>(() => new LinkApplication(new TandemLinkOptions { Inbox = new MailboxOptions { RequiresConsumer = true } })).Message, StringComparison.Ordinal);
        Assert.Contains("Path", Assert.Throws<ArgumentException>(() => new LinkApplication(new TandemLinkOptions { Path = "link/" })).Message, StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(HttpClient client, LinkSite site, string forwardedFor)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(site.Base, "address"));
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        using HttpResponseMessage response = await client.SendAsync(request).InTime();
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.True(response.Headers.CacheControl!.NoStore);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, LinkSite site, HttpMethod method, string? origin)
    {
        using var request = new HttpRequestMessage(method, new Uri(site.Base, "address"));
        if (origin is not null) request.Headers.Add("Origin", origin);
        return await client.SendAsync(request).InTime();
    }
}
