using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Lab;

/// <summary>The carrier lab in a real browser: its figures, and the page for everybody.</summary>
public sealed class LabTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    private static readonly string[] Carriers = ["polling", "longPolling", "streaming", "websocket"];

    [Fact]
    public async Task The_figures_agree_with_a_count_of_the_bytes_between_browser_and_server()
    {
        await using IBrowserContext context = await Chromium.NewContextAsync();
        await using var proxy = new CountingProxy(new Uri(site.Address).Port);
        IPage page = await context.NewPageAsync();
        await page.GotoAsync($"http://127.0.0.1:{proxy.Port}/lab");
        await page.GetByTestId("rate").SelectOptionAsync("20");
        await page.GetByTestId("interval").SelectOptionAsync("0.5");
        await RunAsync(page, messages: 120);
        foreach (string carrier in Carriers)
        {
            // A second after the end the page asks once more: then the server has seen what was under way, but for a request that the end may have cut off.
            await UntilCountedAsync(page, carrier, proxy);
            Assert.True(proxy.Bytes(carrier) > 1000, $"{carrier}: {proxy.Bytes(carrier)} bytes");
        }

        // The argument itself. A message has 100 bytes. How much more polling takes is a matter of how many messages are there at a time: of how busy the machine is.
        Assert.InRange(await CellAsync(page, "websocket", 0), 80, 400);
        Assert.True(await CellAsync(page, "longPolling", 0) > await CellAsync(page, "websocket", 0));
        foreach (string carrier in Carriers) Assert.Equal(0, await CellAsync(page, carrier, 6));
    }

    [Theory]
    [InlineData("en-US", 1280, 900, ColorScheme.Light, 320, 640, ColorScheme.Dark)]
    [InlineData("zh-CN", 390, 844, ColorScheme.Light, 1280, 900, ColorScheme.Dark)]
    public async Task No_accessibility_violation_no_sideways_scrolling_no_request_elsewhere(
        string locale, int width, int height, ColorScheme scheme, int otherWidth, int otherHeight, ColorScheme otherScheme)
    {
        await using IBrowserContext context = await Chromium.NewContextAsync(locale, width, height, scheme);
        IPage page = await context.NewPageAsync();
        ConcurrentQueue<string> errors = new(), requests = new();
        page.PageError += (_, error) => errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal)) errors.Enqueue(message.Text);
        };
        page.Request += (_, request) => requests.Enqueue(request.Url);
        await page.GotoAsync(new Uri(new Uri(site.Address), "/lab").AbsoluteUri);
        await page.GetByTestId("start").WaitForAsync();
        Assert.Equal(locale[..2], await page.Locator("html").GetAttributeAsync("lang"));
        var looks = new Looks(page, $"lab-{locale[..2]}", new Look(width, height, scheme), new Look(otherWidth, otherHeight, otherScheme));
        await looks.SeeAsync(picture: null);
        await page.GetByTestId("rate").SelectOptionAsync("10");
        await RunAsync(page, messages: 30);
        await looks.SeeAsync("measured");
        foreach (string chart in new[] { "bytes", "requests", "latency", "processor" })
        {
            await Assertions.Expect(page.GetByTestId($"chart-{chart}").Locator("canvas")).ToBeVisibleAsync();
        }

        string home = new Uri(site.Address).Authority;
        Assert.All(requests, address => Assert.Equal(home, new Uri(address).Authority));
        Assert.Empty(errors);
    }

    [Fact]
    public async Task The_lab_works_by_keyboard_alone_and_measures_what_was_chosen()
    {
        await using IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(new Uri(new Uri(site.Address), "/lab").AbsoluteUri);
        await page.GetByTestId("choose-polling").FocusAsync();
        await page.Keyboard.PressAsync("Space");
        await page.GetByTestId("start").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByTestId("state")).ToHaveAttributeAsync("data-state", "running");
        await Assertions.Expect(page.GetByTestId("announcer")).ToHaveTextAsync("The measurement is running.");
        await UntilMessagesAsync(page, "websocket", 3);
        Assert.Null(await page.GetByTestId("row-polling").GetAttributeAsync("data-bytes"));
    }

    /// <summary>Measures until every carrier has so many messages, and stops.</summary>
    private static async Task RunAsync(IPage page, int messages)
    {
        await page.GetByTestId("start").ClickAsync();
        foreach (string carrier in Carriers) await UntilMessagesAsync(page, carrier, messages);
        await page.GetByTestId("start").ClickAsync();
        await Assertions.Expect(page.GetByTestId("state")).ToHaveAttributeAsync("data-state", "stopped");
    }

    private static async Task UntilMessagesAsync(IPage page, string carrier, int messages) =>
        await page.WaitForFunctionAsync(
            $"() => Number(document.querySelector('[data-testid=row-{carrier}]').dataset.messages ?? 0) >= {messages}", null, new() { Timeout = 90_000 });

    // Both count on, for what was under way at the end.
    private static async Task UntilCountedAsync(IPage page, string carrier, CountingProxy proxy)
    {
        string row = $"document.querySelector('[data-testid=row-{carrier}]').dataset";
        var watch = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            double[] said = await page.EvaluateAsync<double[]>($"[Number({row}.bytes), Number({row}.requests)]");
            (long bytes, long requests) = (proxy.Bytes(carrier), proxy.Requests(carrier));
            long slack = (bytes / 200) + (carrier == "websocket" ? 0 : 1000);
            if (Math.Abs(said[0] - bytes) <= slack && Math.Abs(said[1] - requests) <= 1) return;
            Assert.True(watch.Elapsed < Eventually.Deadline, $"{carrier}: {bytes} bytes and {requests} requests were counted; the page says {said[0]} and {said[1]}.");
            await timer.WaitForNextTickAsync();
        }
    }

    private static async Task<double> CellAsync(IPage page, string carrier, int column) =>
        double.Parse(await page.GetByTestId($"row-{carrier}").Locator("td").Nth(column).InnerTextAsync(), CultureInfo.InvariantCulture);
}
