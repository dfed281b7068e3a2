using System.Text.Json;
using Microsoft.Playwright;
using Tandem.Tests.SignalR;
using Tandem.WebSockets;

namespace Tandem.Browser.Tests;

/// <summary>RFC 8441 with a real browser: a page that came over HTTP/2 opens its WebSockets inside the same connection.</summary>
public sealed class Http2WebSocketTests
{
    [Fact]
    public async Task A_browser_opens_a_WebSocket_inside_its_HTTP_2_connection()
    {
        string echoed = await InPageAsync(tls: true, AssertHttp2, page => page.EvaluateAsync<string>(
            """
            new Promise((resolve, reject) => {
              const socket = new WebSocket(new URL('/ws', location.href.replace('http', 'ws')));
              socket.onopen = () => socket.send('x'.repeat(1 << 20) + '!');
              socket.onmessage = (event) => { resolve(event.data.length + event.data.at(-1)); socket.close(); };
              socket.onerror = () => reject(new Error('the WebSocket failed'));
            })
            """));
        Assert.Equal("1048577!", echoed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SignalRs_client_in_a_browser_calls_streams_and_reconnects(bool http2)
    {
        Assert.SkipUnless(HubApp.IsInstalled, "SignalR's client is not installed: npm ci in samples/SignalRChat.");
        JsonElement seen = await InPageAsync(http2, http2 ? AssertHttp2 : AssertHttp1, page => page.EvaluateAsync<JsonElement>(
            "import('/scenario.mjs').then(({ run }) => run(window.signalR, '/hub'))"));
        HubApp.AssertAllSeen(seen);
    }

    private static void AssertHttp2(Accepted accepted) => Assert.Equal(("HTTP/2", true), (accepted.HttpProtocol, accepted.IsExtendedConnect));

    private static void AssertHttp1(Accepted accepted) => Assert.Equal(("HTTP/1.1", false), (accepted.HttpProtocol, accepted.IsExtendedConnect));

    private static async Task<T> InPageAsync<T>(bool tls, Action<Accepted> isRight, Func<IPage, Task<T>> act)
    {
        Assert.SkipUnless(Chromium.IsInstalled, "Chromium is not installed.");
        await using HubApp app = await HubApp.StartAsync(tls);
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await Chromium.LaunchAsync(playwright);
        await using IBrowserContext context = await browser.NewContextAsync(new BrowserNewContextOptions { IgnoreHTTPSErrors = true });
        IPage page = await context.NewPageAsync();
        page.SetDefaultTimeout(30_000);
        await page.GotoAsync(app.Address);
        T result = await act(page);
        Assert.NotEmpty(app.Accepted);
        Assert.All(app.Accepted, isRight);
        Assert.All(app.Accepted, accepted => Assert.IsType<WebSocketConnection>(accepted.Socket));
        return result;
    }
}
