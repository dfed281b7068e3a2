using System.Net;
using Tandem.Server.Link;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Link;

/// <summary>What guesses cost in memory: docs/threat-model.md.</summary>
[Collection(nameof(Alone))]
public sealed class GuessingTests
{
    [Fact]
    public async Task A_million_guessed_routing_ids_leave_nothing_behind()
    {
        var clock = new ManualClock();
        TandemLinkOptions options = LinkMailboxTests.WithClock(clock) with { MaxAddresses = 1000 };
        var application = new LinkApplication(options);
        await using var backplane = new InProcessBackplane(timeProvider: clock);
        await using var hub = new SessionHub(application, options.Sessions, backplane);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        int allowed = 0;
        for (int i = 0; i < 1_000_000; i++)
        {
            // From as many addresses as there are tries, and ten at a time from one.
            string address = ClientAddress.Counted(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]));
            if (application.MayClaim(i % 2 == 0 ? address : "192.0.2.1")) allowed++;
            if (i % 10_000 == 0)
            {
                Assert.Equal(SessionCode.NotFound, await backplane.SendAsync($"ticket/{LinkSite.NewId()}", TandemLinkOptions.Ticket, new MailboxMessage(1, i + 1, MessageFlags.None, new byte[10])));
                clock.Advance(0.1);
            }
        }

        // 10 s: at most what all may in that time.
        Assert.InRange(allowed, 1000, 1000 + (10 * 30_000 / 60) + 1);
        Assert.InRange(application.Addresses, 1, 1000);
        Assert.Equal(0, backplane.Mailboxes);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8 * 1024 * 1024);
    }
}
