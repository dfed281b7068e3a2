using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Link;

/// <summary>The pages for everybody: both languages, phone and desktop, light and dark, for screen readers, light to load, and nothing from elsewhere.</summary>
public sealed class LinkLooksTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    // Of each page, compressed, on a first visit.
    private const int MostBytes = 100_000;

    [Theory]
    [InlineData("en-US", ColorScheme.Light, ColorScheme.Dark)]
    [InlineData("zh-CN", ColorScheme.Dark, ColorScheme.Light)]
    public async Task No_accessibility_violation_no_sideways_scrolling_no_request_elsewhere(string locale, ColorScheme scheme, ColorScheme narrowScheme)
    {
        string home = site.Home;
        LinkPage computer = await LinkPage.OpenAsync(await Chromium.NewContextAsync(locale, 1280, 900, scheme), home);
        LinkPage phone = await LinkPage.OpenAsync(await Chromium.NewContextAsync(locale, 390, 780, scheme), $"{home}/phone");
        await using var pair = new LinkPair(computer, phone);
        var computerLooks = new Looks(computer.Page, $"link-computer-{locale[..2]}", new Look(1280, 900, scheme), new Look(320, 900, narrowScheme));
        var phoneLooks = new Looks(phone.Page, $"link-phone-{locale[..2]}", new Look(390, 780, scheme), new Look(320, 780, narrowScheme));
        await Assertions.Expect(phone["idle"]).ToBeVisibleAsync();
        await computer.SecretAsync();
        await computerLooks.SeeAsync("1-code");
        await phoneLooks.SeeAsync("1-idle");

        await phone["code"].FillAsync(await computer.SecretAsync()); // a code is good for a minute only
        await phone["claim"].ClickAsync();
        await Assertions.Expect(phone["choosing"]).ToBeVisibleAsync();
        await Assertions.Expect(computer["numbered"]).ToBeVisibleAsync();
        await computerLooks.SeeAsync("2-number");
        await phoneLooks.SeeAsync("2-number");

        await pair.MatchAsync();
        await computer.TypeAsync(locale == "zh-CN" ? "会议改到下午三点。" : "The meeting is at 3 pm now.");
        await phone.TypeAsync(locale == "zh-CN" ? "好的" : "Fine");
        await phone["send"].ClickAsync();
        await phone["photo-input"].SetInputFilesAsync(new FilePayload { Name = "photo.png", MimeType = "image/png", Buffer = await phone.Page.ScreenshotAsync() });
        await Assertions.Expect(computer["preview"]).ToBeVisibleAsync();
        await computer["trust-offer"].ClickAsync();
        await Assertions.Expect(phone["trust-asked"]).ToBeVisibleAsync();
        await computerLooks.SeeAsync("3-linked");
        await phoneLooks.SeeAsync("3-linked");

        await phone["trust-agree"].ClickAsync();
        await computer.In("trust", "trust", "agreed").WaitForAsync();
        await computer["unlink"].ClickAsync();
        await Assertions.Expect(phone["dead"]).ToBeVisibleAsync();
        await Assertions.Expect(computer["trusted"]).ToBeVisibleAsync();
        await computerLooks.SeeAsync("4-over");
        await phoneLooks.SeeAsync("4-over");
        await phone["again"].ClickAsync();
        await Assertions.Expect(phone["trusted"]).ToBeVisibleAsync();
        await phoneLooks.SeeAsync("5-trusted");

        Assert.All(computer.Requests.Concat(phone.Requests), address => Assert.True(address.StartsWith(home, StringComparison.Ordinal) || address.StartsWith($"blob:{home}", StringComparison.Ordinal), address));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/phone")]
    public async Task A_page_weighs_less_than_100_KB(string path)
    {
        await using IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(site.Home + path);
        await page.GetByTestId("heading").WaitForAsync();
        double bytes = await page.EvaluateAsync<double>("[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((sum, entry) => sum + entry.encodedBodySize, 0)");
        Assert.InRange(bytes, 10_000, MostBytes);
    }

    [Theory]
    [InlineData("/", "/tutorial", "/lab")]
    [InlineData("/tutorial", "/", "/lab")]
    [InlineData("/lab", "/", "/tutorial")]
    public async Task A_page_for_everybody_leads_to_the_others(string path, string first, string second)
    {
        await using LinkPage page = await LinkPage.OpenAsync(await Chromium.NewContextAsync(), site.Home + path);
        ILocator links = page.Page.GetByRole(AriaRole.Navigation, new PageGetByRoleOptions { Name = "Pages of this server" }).GetByRole(AriaRole.Link);
        await Assertions.Expect(links).ToHaveCountAsync(2);
        await links.First.ClickAsync();
        await Assertions.Expect(page.Page).ToHaveURLAsync(site.Home + first);
        await page.Page.GoBackAsync();
        await links.Last.ClickAsync();
        await Assertions.Expect(page.Page).ToHaveURLAsync(site.Home + second);
    }

    [Fact]
    public async Task Every_page_leads_to_the_terms_of_those_whose_code_is_in_it()
    {
        foreach (string path in (string[])["/", "/phone", "/tutorial", "/lab", "/inspect"])
        {
            await using LinkPage page = await LinkPage.OpenAsync(await Chromium.NewContextAsync(), site.Home + path);
            IPage opened = await page.Page.RunAndWaitForPopupAsync(() => page["notices"].ClickAsync());
            await Assertions.Expect(opened).ToHaveURLAsync($"{site.Home}/third-party-notices.txt");
            string text = await opened.InnerTextAsync("body");
            foreach (string name in (string[])["@noble/ciphers", "@noble/curves", "@noble/hashes", "@preact/signals", "@preact/signals-core", "preact", "qr", "uplot"])
            {
                Assert.Contains($"\n{name} ", text, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task The_phones_page_can_be_installed_and_opens_without_a_server_and_keeps_nothing_else()
    {
        await using var proxy = new CuttableProxy(new Uri(site.Home).Port);
        await using LinkPage phone = await LinkPage.OpenAsync(await Chromium.NewContextAsync(width: 390), $"{proxy.Address}/phone");
        await phone.Page.EvaluateAsync("navigator.serviceWorker.ready.then(() => {})");
        ICDPSession devTools = await phone.Page.Context.NewCDPSessionAsync(phone.Page);
        System.Text.Json.JsonElement? manifest = await devTools.SendAsync("Page.getAppManifest");
        Assert.Equal(0, manifest!.Value.GetProperty("errors").GetArrayLength());
        Assert.Contains("share_target", manifest.Value.GetProperty("data").GetString(), StringComparison.Ordinal);
        string[] kept = await phone.Page.EvaluateAsync<string[]>(
            "(async () => { const paths = []; for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) paths.push(new URL(request.url).pathname); return paths; })()");
        Assert.Contains("/phone", kept);
        Assert.All(kept, path => Assert.True(path is "/phone" or "/phone.webmanifest" || path.StartsWith("/assets/", StringComparison.Ordinal), path));

        // What another application shares goes by the service worker, and waits for a link.
        await phone.Page.EvaluateAsync(
            "(async () => { const form = new FormData(); form.append('text', 'shared'); form.append('files', new File(['x'], 'x.txt')); await fetch('/phone/share', { method: 'POST', body: form }); })()");
        await phone.Page.GotoAsync($"{proxy.Address}/phone?shared");
        await Assertions.Expect(phone["pending"]).ToContainTextAsync("2 things");
        Assert.Equal($"{proxy.Address}/phone", phone.Page.Url);

        proxy.Cut();
        await phone.Page.ReloadAsync();
        await Assertions.Expect(phone["unreachable"]).ToBeVisibleAsync();
        proxy.Mend();
        await Assertions.Expect(phone["idle"]).ToBeVisibleAsync();
    }
}
