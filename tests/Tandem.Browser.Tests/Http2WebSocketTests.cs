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

    [Fact]
    public async Task A_hundred_WebSockets_share_the_connection_of_their_page_and_one_that_is_stalled_holds_up_no_other()
    {
        string[] connections = [];
        string? ofPage = null;
        // 100 is how many streams Kestrel takes at once. The stalled one is sent 4 MiB, which is more than its stream's window.
        int echoed = await InPageAsync(tls: true, AssertHttp2, page => page.EvaluateAsync<int>(
            """
            (async () => {
              const open = (path) => new Promise((resolve, reject) => {
                const socket = new WebSocket(new URL(path, location.href.replace('http', 'ws')));
                socket.onopen = () => resolve(socket);
                socket.onerror = () => reject(new Error(path + ' failed'));
              });
              const stalled = await open('/stalled');
              for (let i = 0; i < 64; i++) stalled.send(new Uint8Array(65536));
              const sockets = await Promise.all(Array.from({ length: 99 }, () => open('/ws')));
              let echoed = 0;
              for (let round = 0; round < 3; round++) {
                await Promise.all(sockets.map((socket, i) => new Promise((resolve) => {
                  socket.onmessage = (event) => { if (event.data === `${round} ${i}`) echoed++; resolve(); };
                  socket.send(`${round} ${i}`);
                })));
              }
              if (stalled.bufferedAmount === 0) throw new Error('nothing is stalled');
              return echoed;
            })()
            """),
            app => (connections, ofPage) = ([.. app.Accepted.Select(accepted => accepted.Connection)], app.PageConnection));
        Assert.Equal(99 * 3, echoed);
        Assert.Equal(100, connections.Length);
        Assert.All(connections, connection => Assert.Equal(ofPage, connection));
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

    private static async Task<T> InPageAsync<T>(bool tls, Action<Accepted> isRight, Func<IPage, Task<T>> act, Action<HubApp>? look = null)
    {
        Assert.SkipUnless(Chromium.IsInstalled, "Chromium is not installed.");
        await using HubApp app = await HubApp.StartAsync(tls);
        await using IBrowserContext context = await Chromium.NewContextAsync(new BrowserNewContextOptions { IgnoreHTTPSErrors = true });
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(app.Address);
        T result = await act(page);
        look?.Invoke(app);
        Assert.NotEmpty(app.Accepted);
        Assert.All(app.Accepted, isRight);
        Assert.All(app.Accepted, accepted => Assert.IsType<WebSocketConnection>(accepted.Socket));
        return result;
    }
}
