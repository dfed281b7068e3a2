using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Link;
using Tandem.Server.Tests.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Link;

/// <summary>docs/link-protocol.md, mailboxes: what the server does with tickets and inboxes.</summary>
public sealed class LinkMailboxTests
{
    private static readonly byte[] Claim = [0x01, .. Encoding.ASCII.GetBytes("a claim")];

    public static TheoryData<CarrierKind, CarrierKind> Carriers
    {
        get
        {
            var pairs = new TheoryData<CarrierKind, CarrierKind>();
            foreach (CarrierKind computer in Enum.GetValues<CarrierKind>()) pairs.Add(computer, (CarrierKind)(((int)computer + 1) % 4));
            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(Carriers))]
    public async Task A_claim_an_answer_and_an_envelope_pass_whatever_carriers_the_two_ends_have(CarrierKind computerCarrier, CarrierKind phoneCarrier)
    {
        await using LinkSite site = await LinkSite.StartAsync();
        await using RovingClient computer = new(site.Base), phone = new(site.Base);
        string ticket = $"ticket/{LinkSite.NewId()}", computerInbox = $"link/{LinkSite.NewId()}", phoneInbox = $"link/{LinkSite.NewId()}";
        await computer.SwitchAsync(computerCarrier);
        await phone.SwitchAsync(phoneCarrier);
        await AskAsync(computer, client => client.OpenMailbox(ticket));
        await AskAsync(phone, client => client.OpenMailbox(phoneInbox));
        await AskAsync(phone, client => client.SendToMailbox(ticket, "claim"u8));
        await computer.Logged($"{ticket} claim");
        await AskAsync(computer, client => client.OpenMailbox(computerInbox));
        await AskAsync(computer, client => client.SendToMailbox(phoneInbox, "answer"u8));
        await phone.Logged($"{phoneInbox} answer");
        await AskAsync(phone, client => client.SendToMailbox(computerInbox, "envelope"u8));
        await computer.Logged($"{computerInbox} envelope");
        // The computer changes its carrier, and has its ticket still.
        await computer.SwitchAsync(phoneCarrier);
        await AskAsync(phone, client => client.SendToMailbox(ticket, "second"u8));
        await computer.Logged($"{ticket} second");
        Assert.Equal(1, computer.Resumed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_hub_of_links_ends_with_its_host_and_leaves_no_timer(bool isStarted)
    {
        var clock = new ManualClock();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTandemListener();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.MapTandemLink(WithClock(clock));
        Assert.True(clock.Timers > 1, $"{clock.Timers} timers");
        if (isStarted) await app.StartAsync();
        await app.DisposeAsync();
        Assert.Equal(0, clock.Timers);
    }

    [Fact]
    public async Task A_claim_reaches_a_computer_on_another_node()
    {
        await using var backplane = new InProcessBackplane(isShared: true);
        await using LinkSite left = await LinkSite.StartAsync(new TandemLinkOptions { Backplane = backplane }), right = await LinkSite.StartAsync(new TandemLinkOptions { Backplane = backplane });
        await using LinkEnd computer = await left.ConnectAsync(), phone = await right.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}", inbox = $"link/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.NotFound, await phone.SendAsync(ticket, Claim));
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(ticket));
        Assert.Equal(SessionCode.Ok, await phone.OpenAsync(inbox));
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(ticket, Claim));
        Assert.Equal(Claim, await computer.NextAsync());
        Assert.Equal(SessionCode.Ok, await computer.SendAsync(inbox, 0x02));
        Assert.Equal([0x02], await phone.NextAsync());
    }

    [Fact]
    public async Task The_page_is_told_of_a_second_claim_and_closing_the_ticket_makes_a_third_not_found()
    {
        await using LinkSite site = await LinkSite.StartAsync();
        await using LinkEnd computer = await site.ConnectAsync(), phone = await site.ConnectAsync(), stranger = await site.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(ticket));
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(ticket, 0x01, 1));
        Assert.Equal(SessionCode.Ok, await stranger.SendAsync(ticket, 0x01, 2));
        Assert.Equal([0x01, 1], await computer.NextAsync());
        Assert.Equal([0x01, 2], await computer.NextAsync());
        Assert.Equal(SessionCode.Ok, await computer.Session.CloseMailboxAsync(ticket).InTime());
        Assert.Equal(SessionCode.NotFound, await stranger.SendAsync(ticket, 0x01, 3));
    }

    [Fact]
    public async Task A_ticket_is_gone_after_60_seconds_and_its_computer_is_told()
    {
        var clock = new ManualClock();
        await using LinkSite site = await LinkSite.StartAsync(WithClock(clock));
        await using LinkEnd computer = await site.ConnectAsync(), phone = await site.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(ticket));
        clock.Advance(59);
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(ticket, Claim));
        Assert.Empty(computer.Ended);
        clock.Advance(2);
        await Eventually.Equal(1, () => computer.Ended.Count, "the number of mailboxes that ended");
        Assert.Equal((ticket, SessionCode.Expired), computer.Ended.First());
        Assert.Equal(SessionCode.NotFound, await phone.SendAsync(ticket, Claim));
    }

    [Fact]
    public async Task What_is_in_an_inbox_waits_for_its_end_for_a_day()
    {
        var clock = new ManualClock();
        await using LinkSite site = await LinkSite.StartAsync(WithClock(clock));
        await using LinkEnd phone = await site.ConnectAsync();
        string inbox = $"link/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(inbox, 0x03, 1));
        clock.Advance(TimeSpan.FromHours(23).TotalSeconds);
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(inbox, 0x03, 2));
        clock.Advance(TimeSpan.FromHours(2).TotalSeconds);
        await using LinkEnd computer = await site.ConnectAsync();
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(inbox));
        Assert.Equal([0x03, 2], await computer.NextAsync());
    }

    [Theory]
    [InlineData("news")]
    [InlineData("ticket/")]
    [InlineData("ticket/AAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("ticket/AAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("ticket/AAAAAAAAAAAAAAAAAAAAAB")]
    [InlineData("ticket/AAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("ticket/AAAAAAAAAA AAAAAAAAAAA")]
    [InlineData("ticket/AAAAAAAAAA+AAAAAAAAAAA")]
    [InlineData("ticket/AAAAAAAAAAéAAAAAAAAAAA")]
    [InlineData("Ticket/AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("link/x")]
    [InlineData("inbox/AAAAAAAAAAAAAAAAAAAAAA")]
    public async Task Mailboxes_of_other_names_do_not_exist(string name)
    {
        await using LinkSite site = await LinkSite.StartAsync();
        await using LinkEnd end = await site.ConnectAsync();
        Assert.Equal(SessionCode.InvalidName, await end.OpenAsync(name));
        Assert.Equal(SessionCode.InvalidName, await end.SendAsync(name, 1));
        Assert.Equal(SessionCode.Forbidden, await end.Session.SubscribeAsync(name).InTime());
        Assert.Equal(SessionCode.Forbidden, await end.Session.PublishAsync(name, new byte[1]).InTime());
    }

    [Fact]
    public async Task Claims_have_512_bytes_and_envelopes_64_KiB_at_most()
    {
        await using LinkSite site = await LinkSite.StartAsync();
        await using LinkEnd computer = await site.ConnectAsync(), phone = await site.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}", inbox = $"link/{LinkSite.NewId()}";
        Assert.Equal(SessionCode.Ok, await computer.OpenAsync(ticket));
        Assert.Equal(SessionCode.PayloadTooLarge, await phone.SendAsync(ticket, new byte[513]));
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(ticket, new byte[512]));
        Assert.Equal(SessionCode.PayloadTooLarge, await phone.SendAsync(inbox, new byte[65537]));
        Assert.Equal(SessionCode.Ok, await phone.SendAsync(inbox, new byte[65536]));
    }

    [Fact]
    public async Task A_ticket_holds_four_claims_and_an_inbox_what_its_options_say()
    {
        await using LinkSite site = await LinkSite.StartAsync(new TandemLinkOptions { Inbox = new MailboxOptions { MaxMessages = 2 } });
        await using RovingClient computer = new(site.Base);
        await using LinkEnd phone = await site.ConnectAsync();
        string ticket = $"ticket/{LinkSite.NewId()}", inbox = $"link/{LinkSite.NewId()}";
        await computer.SwitchAsync(CarrierKind.WebSocket);
        await AskAsync(computer, client => client.OpenMailbox(ticket));
        await computer.DropAsync();
        // The session waits for its next carrier, and has not settled anything.
        SessionCode[] claims = new SessionCode[5];
        for (int i = 0; i < claims.Length; i++) claims[i] = await phone.SendAsync(ticket, Claim);
        Assert.Equal([SessionCode.Ok, SessionCode.Ok, SessionCode.Ok, SessionCode.Ok, SessionCode.Full], claims);
        SessionCode[] envelopes = new SessionCode[3];
        for (int i = 0; i < envelopes.Length; i++) envelopes[i] = await phone.SendAsync(inbox, 0x03);
        Assert.Equal([SessionCode.Ok, SessionCode.Ok, SessionCode.Full], envelopes);
    }

    [Fact]
    public async Task Nothing_of_payloads_or_names_is_logged_and_the_figures_have_neither()
    {
        const string marker = "do not log this";
        await using LinkSite site = await LinkSite.StartAsync();
        string id = LinkSite.NewId();
        await using (LinkEnd computer = await site.ConnectAsync(), phone = await site.ConnectAsync())
        {
            Assert.Equal(SessionCode.Ok, await computer.OpenAsync($"ticket/{id}"));
            Assert.Equal(SessionCode.Ok, await phone.SendAsync($"ticket/{id}", Encoding.ASCII.GetBytes(marker)));
            Assert.Equal(SessionCode.NotFound, await phone.SendAsync($"ticket/{LinkSite.NewId()}", Encoding.ASCII.GetBytes(marker)));
            Assert.Equal(SessionCode.Ok, await phone.SendAsync($"link/{id}", Encoding.ASCII.GetBytes(marker)));
            Assert.Equal(SessionCode.InvalidName, await phone.SendAsync(marker, Encoding.ASCII.GetBytes(marker)));
            await computer.NextAsync();
        }

        // It is a log of every level: connections are in it.
        Assert.Contains("WebSocket", site.Logged, StringComparison.Ordinal);
        Assert.DoesNotContain(marker, site.Logged, StringComparison.Ordinal);
        Assert.DoesNotContain(id, site.Logged, StringComparison.Ordinal);
        Assert.Equal(1, site.Metrics["link.tickets"]);
        Assert.Equal(1, site.Metrics["link.claims{link.claim.outcome=delivered}"]);
        Assert.Equal(1, site.Metrics["link.claims{link.claim.outcome=not_found}"]);
        Assert.Equal(1, site.Metrics["link.envelopes"]);
        Assert.Equal(2, site.Metrics.Of("link.claims").Length);
    }

    [Fact]
    public async Task The_hub_of_its_own_ends_with_the_application()
    {
        LinkSite site = await LinkSite.StartAsync();
        LinkEnd end = await site.ConnectAsync();
        Assert.Equal(1, site.Hub.Sessions);
        await site.DisposeAsync();
        await Eventually.Equal(0, () => site.Hub.Sessions, "the number of sessions");
        await end.DisposeAsync();
    }

    internal static TandemLinkOptions WithClock(TimeProvider clock) => new()
    {
        // What the test moves is the time of tickets: no carrier is to seem silent, and no session over.
        Sessions = new SessionHubOptions { TimeProvider = clock, Heartbeat = TimeSpan.FromDays(7), TimeToLive = TimeSpan.FromDays(7), MaxSessionsPerOwner = 1000 },
    };

    private static async Task AskAsync(RovingClient client, Func<SessionClient, long> ask)
    {
        long request = client.With(ask);
        await Eventually.True(() => client.With(_ => client.Replies.ContainsKey(request)), "the answer");
        Assert.Equal(SessionCode.Ok, client.With(_ => client.Replies[request]));
    }
}
