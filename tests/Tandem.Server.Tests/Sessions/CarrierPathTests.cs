using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>The carriers on the ways that requests really take: TLS, HTTP/2, and proxies, which hold back what they may.</summary>
public sealed class CarrierPathTests
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task All_four_carry_a_session_over_TLS(string http)
    {
        await using SessionSite site = await SessionSite.StartAsync(overTls: true);
        await using var client = new RovingClient(site.Base, Version.Parse(http));
        await CarryAsync(site, client);
    }

    [Theory]
    [InlineData(Proxy.Nginx)]
    [InlineData(Proxy.HAProxy)]
    public async Task All_four_carry_a_session_through_a_proxy(Proxy kind)
    {
        Assert.SkipUnless(ProxyProcess.IsInstalled(kind), $"{kind} is not installed.");
        await using SessionSite site = await SessionSite.StartAsync();
        await using ProxyProcess proxy = await ProxyProcess.StartAsync(kind, site.Port);
        await using var client = new RovingClient(new Uri($"http://127.0.0.1:{proxy.Port}/session/"));
        await CarryAsync(site, client);
    }

    // One session on each carrier in turn, and back to the first. What is published is there before anything else happens that would push it through a buffer.
    private static async Task CarryAsync(SessionSite site, RovingClient client)
    {
        await client.SwitchAsync(CarrierKind.WebSocket);
        await client.SubscribeAsync("news");
        int number = 0;
        foreach (CarrierKind kind in (CarrierKind[])[.. Enum.GetValues<CarrierKind>(), CarrierKind.WebSocket])
        {
            await client.SwitchAsync(kind);
            foreach (int size in (int[])[1, 60_000])
            {
                string text = $"{number++}{new string('x', size)}";
                Assert.Equal(SessionCode.Ok, await site.Hub.PublishAsync("news", Encoding.UTF8.GetBytes(text)));
                await client.Logged($"news {text}");
                Assert.NotEqual(0, client.With(half => half.Publish("news", Encoding.UTF8.GetBytes($"of mine {text}"))));
                await client.Logged($"news of mine {text}");
            }
        }

        Assert.Empty(client.Problems);
        Assert.Equal(21, client.Log.Count(line => line != "the stream ended")); // opened, and 20 events
        Assert.Equal(5, client.Resumed);
        Assert.Single(site.Told.Opened);
    }
}
