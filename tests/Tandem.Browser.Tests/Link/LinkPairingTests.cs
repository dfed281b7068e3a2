using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Link;

/// <summary>How a link begins, and everything that ends it before it has begun.</summary>
public sealed class LinkPairingTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    [Fact]
    public async Task The_phones_camera_reads_the_code_from_the_computers_screen()
    {
        await using LinkPage computer = await LinkPage.OpenAsync(await site.NewContextAsync(), LinkPair.Home(site));
        string secret = await computer.SecretAsync();
        // What the screen shows is what the camera sees.
        string film = Path.Combine(Directory.CreateTempSubdirectory("tandem-").FullName, "screen.mjpeg");
        await computer.Page.ScreenshotAsync(new PageScreenshotOptions { Path = film, Type = ScreenshotType.Jpeg, Quality = 85 });
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await Chromium.LaunchAsync(
            playwright, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", $"--use-file-for-fake-video-capture={film}");
        IBrowserContext context = await browser.NewContextAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 390, Height = 844 }, Permissions = ["camera"] });
        LinkPage phone = await LinkPage.OpenAsync(context, $"{LinkPair.Home(site)}/phone");
        await phone["scan"].ClickAsync();
        await Assertions.Expect(computer["number"]).ToBeVisibleAsync();
        await Assertions.Expect(phone["asker"]).ToContainTextAsync("Linux");
        await Assertions.Expect(phone["network"]).ToContainTextAsync("same network");
        await new LinkPair(computer, phone).MatchAsync();
        Assert.DoesNotContain(phone.Requests.Concat(computer.Requests), address => address.Contains(secret, StringComparison.Ordinal));
        Assert.Empty(phone.Errors);
        File.Delete(film);
    }

    [Fact]
    public async Task A_wrong_number_ends_it_at_both_and_the_next_code_works()
    {
        await using LinkPair pair = await LinkPair.OpenAsync(site);
        string number = await pair.Computer.TextAsync("number");
        await pair.Phone["choice"].Filter(new LocatorFilterOptions { HasNotText = number }).First.ClickAsync();
        await Assertions.Expect(pair.Phone.In("dead", "why", "wrongNumber")).ToBeVisibleAsync();
        await Assertions.Expect(pair.Computer.In("dead", "why", "wrongNumber")).ToBeVisibleAsync();
        await pair.Computer["again"].ClickAsync();
        string secret = await pair.Computer.SecretAsync();

        // By hand and by keyboard alone, as people without a camera do it.
        await pair.Phone["again"].ClickAsync();
        await Assertions.Expect(pair.Phone["heading"]).ToBeFocusedAsync();
        await pair.Phone["code"].FocusAsync();
        await pair.Phone.Page.Keyboard.TypeAsync("no code");
        await pair.Phone.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(pair.Phone["code-error"]).ToBeVisibleAsync();
        await pair.Phone.Page.Keyboard.PressAsync("Control+A");
        await pair.Phone.Page.Keyboard.TypeAsync($" {{{secret.ToUpperInvariant()}}} ");
        await pair.Phone.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(pair.Phone["heading"]).ToBeFocusedAsync();
        number = await pair.Computer.TextAsync("number");
        await pair.Phone["choice"].Filter(new LocatorFilterOptions { HasText = number }).FocusAsync();
        await pair.Phone.Page.Keyboard.PressAsync("Enter");
        await pair.Phone.LinkedAsync();
        await pair.Computer.LinkedAsync();
    }

    [Fact]
    public async Task A_code_that_is_scanned_twice_links_nobody_and_both_are_told_loudly()
    {
        await using LinkPage computer = await LinkPage.OpenAsync(await site.NewContextAsync(), LinkPair.Home(site));
        string code = $"{LinkPair.Home(site)}/phone#{await computer.SecretAsync()}";
        await using LinkPage phone = await LinkPage.OpenAsync(await site.NewContextAsync(width: 390), code);
        await phone["choosing"].WaitForAsync();
        await using LinkPage stranger = await LinkPage.OpenAsync(await site.NewContextAsync(width: 390), code);
        await Assertions.Expect(phone.In("dead", "why", "secondClaim").And(phone.In("dead", "alarm", "true"))).ToBeVisibleAsync();
        await Assertions.Expect(computer.In("dead", "why", "secondClaim").And(computer.In("dead", "alarm", "true"))).ToBeVisibleAsync();
        await Assertions.Expect(stranger["choosing"]).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_code_that_is_no_longer_shown_says_so()
    {
        LinkPage computer = await LinkPage.OpenAsync(await site.NewContextAsync(), LinkPair.Home(site));
        string secret = await computer.SecretAsync();
        await computer.DisposeAsync();
        await using LinkPage phone = await LinkPage.OpenAsync(await site.NewContextAsync(width: 390), $"{LinkPair.Home(site)}/phone#{Guid.NewGuid()}");
        await Assertions.Expect(phone.In("dead", "why", "noSuchCode")).ToBeVisibleAsync();
        Assert.DoesNotContain('#', phone.Page.Url);
        Assert.NotEmpty(secret);
    }

    [Fact]
    public async Task A_trusted_computer_links_without_a_code_until_it_is_forgotten()
    {
        await using LinkPair pair = await LinkPair.LinkAsync(site);
        (LinkPage computer, LinkPage phone) = (pair.Computer, pair.Phone);
        await phone["trust-offer"].ClickAsync();
        await computer["trust-agree"].ClickAsync();
        await phone.In("trust", "trust", "agreed").WaitForAsync();
        await computer.In("trust", "trust", "agreed").WaitForAsync();
        await phone["unlink"].ClickAsync();
        await computer["again"].ClickAsync();
        await Assertions.Expect(computer["trusted"]).ToHaveCountAsync(1);

        await phone["relink"].ClickAsync();
        await phone.LinkedAsync();
        await computer.LinkedAsync();
        await phone.TypeAsync("again");
        await Assertions.Expect(computer["theirs"]).ToHaveTextAsync("again");

        await computer["trust-revoke"].ClickAsync();
        await phone.In("trust", "trust", "none").WaitForAsync();
        await computer["unlink"].ClickAsync();
        await phone["again"].ClickAsync();
        await Assertions.Expect(phone["idle"]).ToBeVisibleAsync();
        await Assertions.Expect(phone["trusted"]).ToHaveCountAsync(0);
        await Assertions.Expect(computer["trusted"]).ToHaveCountAsync(0);
    }
}
