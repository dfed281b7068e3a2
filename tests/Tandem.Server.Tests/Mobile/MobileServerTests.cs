using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting;
using Tandem.Coap;
using Tandem.Server.Link;
using Tandem.Server.Tests.Link;
using Tandem.Sessions.Protocol;
using static Tandem.Server.Tests.Mobile.MobileSite;

namespace Tandem.Server.Tests.Mobile;

/// <summary>docs/link-protocol.md, mobile server: what each request does and is answered.</summary>
public sealed class MobileServerTests
{
    private static readonly byte[] Envelope = [3, 1, 2, 3];

    [Fact]
    public async Task A_claim_opens_the_inbox_of_the_key_in_it_and_goes_to_its_ticket()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        await using LinkEnd computer = await site.Hub.ConnectAsync();
        string ticket = LinkSite.NewId();
        await computer.OpenAsync($"ticket/{ticket}");
        CoapClient phone = site.NewClient();
        (byte[] claim, string inbox) = NewClaim();
        Assert.Equal(CoapCode.Created, (await phone.SendAsync(Request(CoapCode.Post, "claim", $"r={ticket}", claim))).Code);
        Assert.Equal(claim, await computer.NextAsync());
        Assert.Equal(1, site.Server.PhoneCount);
        // What the computer answers meanwhile waits, and comes with the observation.
        Assert.Equal(SessionCode.Ok, await computer.SendAsync($"link/{inbox}", 2, 7));
        await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.Equal([2, 7], await NextAsync(states));
        // The other way.
        string target = LinkSite.NewId();
        await computer.OpenAsync($"link/{target}");
        Assert.Equal(CoapCode.Changed, (await phone.SendAsync(Request(CoapCode.Put, $"out/{target}", $"i={inbox}", Envelope))).Code);
        Assert.Equal(Envelope, await computer.NextAsync());
        Assert.Equal(CoapCode.Deleted, (await phone.SendAsync(Request(CoapCode.Delete, $"in/{inbox}"))).Code);
        Assert.Equal(0, site.Server.PhoneCount);
    }

    [Fact]
    public async Task What_is_wrong_is_told_by_its_code()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        CoapClient phone = site.NewClient();
        (byte[] claim, string inbox) = NewClaim();
        string some = LinkSite.NewId();
        async Task<string> CodeAsync(CoapCode method, string path, string? query = null, byte[]? payload = null) => (await phone.SendAsync(Request(method, path, query, payload))).Code.ToString();
        Assert.Equal("4.04", await CodeAsync(CoapCode.Post, "claim", $"r={some}", claim));
        Assert.Equal("4.05", await CodeAsync(CoapCode.Get, "claim", $"r={some}"));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Post, "claim", null, claim));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Post, "claim", $"r={some}!", claim));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Post, "claim", $"r={some}", Envelope));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Post, "claim", $"r={some}", [3, .. claim[1..]]));
        Assert.Equal("4.13", await CodeAsync(CoapCode.Post, "claim", $"r={some}", [1, .. new byte[512]]));
        Assert.Equal("4.04", await CodeAsync(CoapCode.Put, $"out/{some}", $"i={inbox}", Envelope));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Put, $"out/{some}", null, Envelope));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Put, $"out/{some}", $"i={inbox}", claim));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Put, "out/ticket", $"i={inbox}", Envelope));
        Assert.Equal("4.00", await CodeAsync(CoapCode.Get, "in/nobody"));
        Assert.Equal("4.04", await CodeAsync(CoapCode.Get, $"in/{inbox}"));
        Assert.Equal("4.13", await CodeAsync(CoapCode.Put, $"out/{some}", $"i={inbox}", [3, .. new byte[64 * 1024]]));
        Assert.Equal("127.0.0.1", (await phone.SendAsync(Request(CoapCode.Get, "address"))).ReadText());
        Assert.Equal(0, site.Server.PhoneCount);
    }

    [Fact]
    public async Task A_large_message_is_settled_when_it_is_deleted_by_its_ETag_and_comes_again_before()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        await using LinkEnd computer = await site.Hub.ConnectAsync();
        string inbox = LinkSite.NewId();
        CoapClient phone = site.NewClient();
        byte[] large = [3, .. Enumerable.Range(0, 20_000).Select(number => (byte)number)];
        ReadOnlyMemory<byte>? tag = null;
        for (int round = 0; round < 2; round++)
        {
            await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
            Assert.True(await states.MoveNextAsync());
            if (round == 0)
            {
                await computer.SendAsync($"link/{inbox}", large);
                await computer.SendAsync($"link/{inbox}", 3, 2);
            }

            Assert.Equal(large, await NextAsync(states));
            tag = states.Current.ETag;
        }

        var done = new CoapRequest(CoapCode.Delete, $"in/{inbox}");
        done.Options.Add(CoapOptionNumber.IfMatch, tag!.Value);
        Assert.Equal(CoapCode.Deleted, (await phone.SendAsync(done)).Code);
        Assert.Equal(CoapCode.PreconditionFailed, (await phone.SendAsync(done)).Code);
        await using IAsyncEnumerator<CoapResponse> again = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.Equal([3, 2], await NextAsync(again));
    }

    [Fact]
    public async Task Every_message_of_a_burst_is_notified_once_and_in_order()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        await using LinkEnd computer = await site.Hub.ConnectAsync();
        string inbox = LinkSite.NewId();
        CoapClient phone = site.NewClient();
        await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync());
        const int messages = 60;
        async Task SendAsync()
        {
            // Some are settled by their acknowledgement, some are more than a block and deleted.
            for (byte number = 0; number < messages; number++) Assert.Equal(SessionCode.Ok, await computer.SendAsync($"link/{inbox}", [3, number, .. new byte[number % 3 == 0 ? 2000 : 20]]));
        }

        Task sending = SendAsync();
        List<int> seen = [];
        while (seen.Count == 0 || seen[^1] < messages - 1)
        {
            seen.Add((await NextAsync(states))[1]);
            if (states.Current.ETag is not { } tag) continue;
            var done = new CoapRequest(CoapCode.Delete, $"in/{inbox}");
            done.Options.Add(CoapOptionNumber.IfMatch, tag);
            Assert.Equal(CoapCode.Deleted, (await phone.SendAsync(done)).Code);
        }

        await sending;
        Assert.Equal(Enumerable.Range(0, messages), seen);
    }

    [Fact]
    public async Task A_phone_that_has_moved_is_told_to_observe_again_and_its_inbox_follows()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        await using LinkEnd computer = await site.Hub.ConnectAsync();
        string inbox = LinkSite.NewId(), target = LinkSite.NewId();
        await computer.OpenAsync($"link/{target}");
        CoapClient before = site.NewClient(), after = site.NewClient();
        await using IAsyncEnumerator<CoapResponse> old = before.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await old.MoveNextAsync());
        CoapResponse stored = await after.SendAsync(Request(CoapCode.Put, $"out/{target}", $"i={inbox}", Envelope));
        Assert.Equal((CoapCode.Changed, "observe"), (stored.Code, stored.ReadText()));
        Assert.Equal(Envelope, await computer.NextAsync());
        await using IAsyncEnumerator<CoapResponse> states = after.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync());
        await computer.SendAsync($"link/{inbox}", 3, 1);
        await computer.SendAsync($"link/{inbox}", 3, 2);
        Assert.Equal([3, 1], await NextAsync(states));
        Assert.Equal([3, 2], await NextAsync(states));
        Assert.True((await after.SendAsync(Request(CoapCode.Put, $"out/{target}", $"i={inbox}", Envelope))).Payload.IsEmpty);
        // The observation of before is over.
        Assert.True(await old.MoveNextAsync());
        Assert.Equal(CoapCode.NotFound, old.Current.Code);
    }

    [Fact]
    public async Task Somebody_else_who_opens_the_inbox_ends_the_observation_with_4_03()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        await using LinkEnd other = await site.Hub.ConnectAsync();
        string inbox = LinkSite.NewId();
        await using IAsyncEnumerator<CoapResponse> states = site.NewClient().ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync());
        await other.OpenAsync($"link/{inbox}");
        Assert.True(await states.MoveNextAsync());
        Assert.Equal(CoapCode.Forbidden, states.Current.Code);
    }

    [Fact]
    public async Task A_phone_that_is_not_heard_of_loses_its_session_and_nothing_of_its_inbox()
    {
        var clock = new ManualClock();
        await using MobileSite site = await MobileSite.StartAsync(options => options with { TimeProvider = clock });
        await using LinkEnd computer = await site.Hub.ConnectAsync();
        CoapClient phone = site.NewClient();
        string inbox = LinkSite.NewId();
        await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync().AsTask().InTime());
        Assert.Equal(1, site.Server.PhoneCount);
        clock.Advance(130);
        Assert.Equal(0, site.Server.PhoneCount);
        Assert.True(await states.MoveNextAsync().AsTask().InTime());
        Assert.Equal(CoapCode.NotFound, states.Current.Code);
        Assert.Equal(SessionCode.Ok, await computer.SendAsync($"link/{inbox}", Envelope));
        await using IAsyncEnumerator<CoapResponse> again = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.Equal(Envelope, await NextAsync(again));
    }

    [Fact]
    public async Task Without_its_hub_it_says_5_03_with_Max_Age()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        CoapClient phone = site.NewClient();
        string inbox = LinkSite.NewId();
        await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync());
        await site.Hub.StopAsync();
        CoapResponse? put = null;
        await Eventually.True(() => (put = phone.SendAsync(Request(CoapCode.Put, $"out/{inbox}", $"i={inbox}", Envelope)).Result).Code == CoapCode.ServiceUnavailable, "5.03");
        Assert.True(put!.MaxAge > 0);
        CoapResponse claim = await phone.SendAsync(Request(CoapCode.Post, "claim", $"r={inbox}", NewClaim().Claim));
        Assert.Equal((CoapCode.ServiceUnavailable, true), (claim.Code, claim.MaxAge > 0));
    }

    [Fact]
    public async Task With_a_hub_that_begins_anew_nothing_comes_of_what_was_refused_and_nothing_is_left_of_what_it_had()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        string inbox = LinkSite.NewId(), target = LinkSite.NewId();
        CoapClient phone = site.NewClient();
        async Task<CoapCode> PutAsync(byte number) => (await phone.SendAsync(Request(CoapCode.Put, $"out/{target}", $"i={inbox}", [3, number]))).Code;
        await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync().AsTask().InTime());
        await using (LinkEnd before = await site.Hub.ConnectAsync()) Assert.Equal(SessionCode.Ok, await before.SendAsync($"link/{inbox}", [3, 1, .. new byte[2000]]));
        // It has more than a block, and is not deleted.
        Assert.Equal(2002, (await NextAsync(states)).Length);
        int port = site.Hub.Origin.Port;
        await site.Hub.StopAsync();
        while (await PutAsync(1) != CoapCode.ServiceUnavailable)
        {
            // The connection is not closed yet.
        }

        await using LinkSite anew = await LinkSite.StartAsync(build: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port)));
        await using LinkEnd after = await anew.ConnectAsync();
        while (await PutAsync(2) != CoapCode.Changed) await phone.PingAsync();
        Assert.Equal(SessionCode.Ok, await after.OpenAsync($"link/{target}"));
        Assert.Equal([3, 2], await after.NextAsync());
        Assert.Equal(SessionCode.Ok, await after.SendAsync($"link/{inbox}", 3, 7));
        Assert.Equal([3, 7], await NextAsync(states));
    }

    [Fact]
    public async Task Phones_are_bounded_for_an_address_and_in_all_and_who_is_done_makes_room()
    {
        await using MobileSite site = await MobileSite.StartAsync(options => options with { MaxPhonesPerAddress = 2, MaxPhones = 3 });
        CoapClient phone = site.NewClient(), other = site.NewClient("127.0.0.2");
        string[] inboxes = [LinkSite.NewId(), LinkSite.NewId(), LinkSite.NewId()];
        Assert.Equal(CoapCode.Content, await ObserveAsync(phone, inboxes[0]));
        Assert.Equal(CoapCode.Content, await ObserveAsync(phone, inboxes[1]));
        Assert.Equal(CoapCode.TooManyRequests, await ObserveAsync(phone, inboxes[2]));
        Assert.Equal(CoapCode.Content, await ObserveAsync(other, LinkSite.NewId()));
        // It has one, and might have another.
        Assert.Equal(CoapCode.TooManyRequests, await ObserveAsync(other, LinkSite.NewId()));
        Assert.Equal(CoapCode.Deleted, (await phone.SendAsync(Request(CoapCode.Delete, $"in/{inboxes[0]}"))).Code);
        Assert.Equal(CoapCode.Content, await ObserveAsync(phone, inboxes[2]));
    }

    [Fact]
    public async Task Claims_of_an_address_are_bounded_before_they_reach_the_hub()
    {
        await using MobileSite site = await MobileSite.StartAsync(options => options with { ClaimsPerAddress = new LinkRate(2, 0.001) });
        async Task<CoapResponse> ClaimAsync(CoapClient phone) => await phone.SendAsync(Request(CoapCode.Post, "claim", $"r={LinkSite.NewId()}", NewClaim().Claim));
        CoapClient guesser = site.NewClient();
        for (int number = 0; number < 2; number++) Assert.Equal(CoapCode.NotFound, (await ClaimAsync(guesser)).Code);
        CoapResponse third = await ClaimAsync(guesser);
        Assert.Equal((CoapCode.TooManyRequests, 10u), (third.Code, third.MaxAge));
        // A new port is no new address.
        Assert.Equal(CoapCode.TooManyRequests, (await ClaimAsync(site.NewClient())).Code);
        Assert.Equal(CoapCode.NotFound, (await ClaimAsync(site.NewClient("127.0.0.2"))).Code);
    }

    [Fact]
    public async Task What_is_more_than_the_block_that_a_phone_asks_for_is_settled_by_its_ETag()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        await using LinkEnd computer = await site.Hub.ConnectAsync();
        string inbox = LinkSite.NewId();
        byte[] message = [3, .. Enumerable.Range(0, 200).Select(number => (byte)number)];
        await using var phone = new CoapClient(site.Server.LocalEndPoint, new CoapClientOptions { BlockSize = 64 });
        for (int round = 0; round < 2; round++)
        {
            await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
            Assert.True(await states.MoveNextAsync().AsTask().InTime());
            if (round == 0) Assert.Equal(SessionCode.Ok, await computer.SendAsync($"link/{inbox}", message));
            Assert.Equal(message, await NextAsync(states));
            Assert.NotNull(states.Current.ETag);
        }
    }

    [Fact]
    public async Task The_hub_counts_the_phones_address_when_the_gateway_has_the_key_and_not_otherwise()
    {
        string key = LinkSite.NewId();
        foreach ((string? own, bool isBelieved) in ((string?, bool)[])[(key, true), (LinkSite.NewId(), false), (null, false)])
        {
            // The hub lets the gateway's address claim once, and any other too: phones of 127.0.0.2 are others only when it is believed.
            await using MobileSite site = await MobileSite.StartAsync(
                options => options with { GatewayKey = own }, new TandemLinkOptions { GatewayKey = key, ClaimsPerAddress = new LinkRate(1, 0.001) });
            await using LinkEnd page = await site.Hub.ConnectAsync();
            Assert.Equal(SessionCode.NotFound, await page.SendAsync($"ticket/{LinkSite.NewId()}", 1));
            await using var phone = new CoapClient(site.Server.LocalEndPoint, new CoapClientOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0) });
            CoapResponse claim = await phone.SendAsync(Request(CoapCode.Post, "claim", $"r={LinkSite.NewId()}", NewClaim().Claim));
            Assert.Equal(isBelieved ? CoapCode.NotFound : CoapCode.TooManyRequests, claim.Code);
        }
    }

    [Fact]
    public async Task A_source_that_has_not_proved_its_address_gets_no_more_bytes_than_it_sent()
    {
        await using MobileSite site = await MobileSite.StartAsync();
        using var spoofed = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await spoofed.ConnectAsync(site.Server.LocalEndPoint);
        var random = new Random(5);
        byte[] buffer = new byte[2048];
        int sent = 0, received = 0, answers = 0;
        string inbox = LinkSite.NewId();
        for (ushort id = 0; id < 500; id++)
        {
            byte[] datagram = (id % 5) switch
            {
                0 => Message(id, CoapCode.Get, $"in/{inbox}", options => options.Observe = 0),
                1 => Message(id, CoapCode.Post, "claim", options => options.Query = [$"r={inbox}"]),
                2 => Message(id, CoapCode.Get, ".well-known/core", null),
                3 => Garbage(random, random.Next(1, 60)),
                _ => Garbage(random, random.Next(60, 1400)),
            };
            sent += await spoofed.SendAsync(datagram);
            // What has been counted has been answered.
            int datagrams = id + 1;
            await Eventually.Equal(datagrams, () => site.Server.Statistics.Received, "the number of datagrams that the server has seen");
            while (spoofed.Available > 0)
            {
                received += await spoofed.ReceiveAsync(buffer);
                answers++;
            }

            Assert.True(received <= sent, $"{received} bytes for {sent}");
        }

        Assert.True(answers > 100, $"{answers} answers");
        Assert.Equal(0, site.Server.PhoneCount);
        Assert.True(site.Server.Statistics is { Challenges: > 0, Malformed: > 0 }, site.Server.Statistics.ToString());
        // It serves on.
        Assert.Equal("127.0.0.1", (await site.NewClient().SendAsync(Request(CoapCode.Get, "address"))).ReadText());
    }

    private static async Task<CoapCode> ObserveAsync(CoapClient phone, string inbox)
    {
        await using IAsyncEnumerator<CoapResponse> states = phone.ObserveAsync(Request(CoapCode.Get, $"in/{inbox}")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync().AsTask().InTime());
        return states.Current.Code;
    }

    private static byte[] Message(ushort id, CoapCode method, string path, Action<CoapOptionSet>? change)
    {
        var message = new CoapMessage(CoapType.Confirmable, method, id, new CoapToken([1, 2, 3, 4]));
        message.Options.Path = path;
        change?.Invoke(message.Options);
        return message.ToArray();
    }

    private static byte[] Garbage(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>The next message that is not the empty state of an observation's beginning.</summary>
    private static async Task<byte[]> NextAsync(IAsyncEnumerator<CoapResponse> states)
    {
        do Assert.True(await states.MoveNextAsync().AsTask().InTime());
        while (states.Current is { IsSuccess: true, Payload.IsEmpty: true });
        Assert.Equal(CoapCode.Content, states.Current.Code);
        return states.Current.Payload.ToArray();
    }
}
