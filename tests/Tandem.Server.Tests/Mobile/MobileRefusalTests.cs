using System.Net;
using Microsoft.AspNetCore.Hosting;
using Tandem.Coap;
using Tandem.Server.Link;
using Tandem.Server.Tests.Link;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;
using static Tandem.Server.Tests.Mobile.MobileSite;

namespace Tandem.Server.Tests.Mobile;

/// <summary>docs/link-protocol.md, mobile server: what a phone is told of that the hub refuses, and that nothing is kept of it.</summary>
public sealed class MobileRefusalTests
{
    [Fact]
    public async Task A_ticket_that_is_full_is_answered_like_none_and_the_claim_leaves_no_session()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        string id = LinkSite.NewId();
        // It reads nothing, so that nothing is settled.
        await using var computer = new WebSocketSession(new UriBuilder(new Uri(site.Hub.Base, "websocket")) { Scheme = "ws" }.Uri);
        await computer.ConnectAsync().InTime();
        Assert.Equal(SessionCode.Ok, await computer.OpenMailboxAsync($"ticket/{id}").InTime());
        CoapClient phone = site.NewClient();
        Task<CoapResponse> ClaimAsync() => phone.SendAsync(Request(CoapCode.Post, "claim", $"r={id}", NewClaim().Claim));
        for (int number = 0; number < 4; number++) Assert.Equal(CoapCode.Created, (await ClaimAsync()).Code);
        // Not 5.03, which would have the phone send the same again: the code is of no use any more.
        CoapResponse fifth = await ClaimAsync();
        Assert.Equal((CoapCode.NotFound, "there is no such ticket"), (fifth.Code, fifth.ReadText()));
        Assert.Equal(4, site.Server.PhoneCount);
    }

    [Fact]
    public async Task An_inbox_that_the_hub_does_not_open_is_told_and_may_be_asked_for_again()
    {
        var clock = new ManualClock();
        await using MobileSite site = await MobileSite.StartAsync(links: LinkMailboxTests.WithClock(clock) with { InboxesPerAddress = new LinkRate(1, 6) });
        CoapClient phone = site.NewClient();
        Assert.Equal(CoapCode.Content, (await ObserveAsync(phone, LinkSite.NewId())).Code);
        string second = LinkSite.NewId();
        CoapResponse refused = await ObserveAsync(phone, second);
        Assert.Equal((CoapCode.TooManyRequests, 10u), (refused.Code, refused.MaxAge));
        CoapResponse claim = await phone.SendAsync(Request(CoapCode.Post, "claim", $"r={LinkSite.NewId()}", NewClaim().Claim));
        Assert.Equal((CoapCode.TooManyRequests, 10u), (claim.Code, claim.MaxAge));
        Assert.Equal(1, site.Server.PhoneCount);
        clock.Advance(10.1);
        Assert.Equal(CoapCode.Content, (await ObserveAsync(phone, second)).Code);
    }

    [Fact]
    public async Task A_session_that_the_hub_does_not_open_is_told_and_may_be_asked_for_when_it_is_back()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        CoapClient phone = site.NewClient();
        string inbox = LinkSite.NewId();
        int port = site.Hub.Origin.Port;
        await site.Hub.StopAsync();
        CoapResponse refused = await ObserveAsync(phone, inbox);
        Assert.Equal((CoapCode.ServiceUnavailable, 3u), (refused.Code, refused.MaxAge));
        Assert.Equal(0, site.Server.PhoneCount);
        await using LinkSite anew = await LinkSite.StartAsync(build: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port)));
        Assert.Equal(CoapCode.Content, (await ObserveAsync(phone, inbox)).Code);
    }

    private static async Task<CoapResponse> ObserveAsync(CoapClient phone, string inbox)
    {
        await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync().AsTask().InTime());
        return states.Current;
    }
}
