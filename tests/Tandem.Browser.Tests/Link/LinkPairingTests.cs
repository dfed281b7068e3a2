using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Link;

/// <summary>How a link begins, and everything that ends it before it has begun.</summary>
public sealed class LinkPairingTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    [Fact]
    public async Task The_phones_camera_reads_the_code_from_the_computers_screen()
    {
        await using LinkPage computer = await LinkPage.OpenAsync(await Chromium.NewContextAsync(), site.Home);
        // What the screen shows is what the camera sees.
        using var directory = new TemporaryDirectory();
        string film = directory.File("screen.mjpeg");
        await using IBrowser browser = await Chromium.LaunchAsync(
            "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", $"--use-file-for-fake-video-capture={film}");
        IBrowserContext context = await browser.NewContextAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 390, Height = 844 }, Permissions = ["camera"] });
        LinkPage phone = await LinkPage.OpenAsync(context, $"{site.Home}/phone");
        // Now that all is ready: a code is good for a minute only.
        string secret = await computer.SecretAsync();
        await computer.Page.ScreenshotAsync(new PageScreenshotOptions { Path = film, Type = ScreenshotType.Jpeg, Quality = 85 });
        await phone["scan"].ClickAsync();
        await Assertions.Expect(computer["number"]).ToBeVisibleAsync();
        await Assertions.Expect(phone["asker"]).ToContainTextAsync("Linux");
        await Assertions.Expect(phone["network"]).ToContainTextAsync("same network");
        await new LinkPair(computer, phone).MatchAsync();
        Assert.DoesNotContain(phone.Requests.Concat(computer.Requests), address => address.Contains(secret, StringComparison.Ordinal));
        Assert.Empty(phone.Errors);
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
        await using LinkPage computer = await LinkPage.OpenAsync(await Chromium.NewContextAsync(), site.Home);
        string code = $"{site.Home}/phone#{await computer.SecretAsync()}";
        await using LinkPage phone = await LinkPage.OpenAsync(await Chromium.NewContextAsync(width: 390), code);
        await phone["choosing"].WaitForAsync();
        await using LinkPage stranger = await LinkPage.OpenAsync(await Chromium.NewContextAsync(width: 390), code);
        await Assertions.Expect(phone.In("dead", "why", "secondClaim").And(phone.In("dead", "alarm", "true"))).ToBeVisibleAsync();
        await Assertions.Expect(computer.In("dead", "why", "secondClaim").And(computer.In("dead", "alarm", "true"))).ToBeVisibleAsync();
        await Assertions.Expect(stranger["choosing"]).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_code_that_is_no_longer_shown_says_so_and_is_not_left_in_the_address()
    {
        await using LinkPair pair = await LinkPair.OpenAsync(site);
        await pair.Phone["choosing"].WaitForAsync();
        // Somebody asks whom the computer's owner does not know: the code that he has is worth nothing any more.
        string old = pair.Secret;
        await pair.Computer["deny"].ClickAsync();
        await Assertions.Expect(pair.Phone.In("dead", "why", "denied")).ToContainTextAsync("The computer has refused");
        await pair.Phone.Page.GetByText("中文").ClickAsync();
        await Assertions.Expect(pair.Phone["dead"]).ToContainTextAsync("电脑拒绝了连接");
        await pair.Phone.ScreenshotAsync("link-denied-zh");
        Assert.NotEqual(old, await pair.Computer.SecretAsync());
        await pair.Phone.Page.EvaluateAsync("(code) => { location.hash = code; }", old);
        await Assertions.Expect(pair.Phone.In("dead", "why", "noSuchCode")).ToBeVisibleAsync();
        Assert.Equal($"{site.Home}/phone", pair.Phone.Page.Url);
    }

    [Fact]
    public async Task Over_plain_http_from_another_machine_it_works_and_says_what_it_cannot_do()
    {
        string home = $"http://lan.test:{new Uri(site.Home).Port}";
        LinkPage computer = await LinkPage.OpenAsync(await Chromium.NewContextAsync(), home);
        LinkPage phone = await LinkPage.OpenAsync(await Chromium.NewContextAsync(), $"{home}/phone");
        Assert.False(await phone.Page.EvaluateAsync<bool>("isSecureContext"));
        await Assertions.Expect(phone["scan"]).ToHaveCountAsync(0);
        await Assertions.Expect(phone["camera-problem"]).ToContainTextAsync("https");
        await phone["code"].FillAsync(await computer.SecretAsync());
        await phone["claim"].ClickAsync();
        await using var pair = new LinkPair(computer, phone);
        await pair.MatchAsync();
        await computer.TypeAsync("plain");
        await phone["copy-theirs"].ClickAsync();
        await Assertions.Expect(phone["copy-theirs"]).ToContainTextAsync("Copied");
        await phone["send-clipboard"].ClickAsync();
        await Assertions.Expect(phone["clipboard-notice"]).ToBeVisibleAsync();
        await phone["mine"].FocusAsync();
        await phone.Page.Keyboard.PressAsync("Control+V");
        await Assertions.Expect(computer["theirs"]).ToHaveTextAsync("plain");
        await phone["files-input"].SetInputFilesAsync(new FilePayload { Name = "file", MimeType = "", Buffer = new byte[100_000] });
        await Assertions.Expect(computer["save"]).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_trusted_phone_whose_tab_was_closed_links_again_while_the_computer_does_nothing()
    {
        await using LinkPair pair = await LinkPair.LinkAsync(site);
        (LinkPage computer, LinkPage first) = (pair.Computer, pair.Phone);
        await first["trust-offer"].ClickAsync();
        await computer["trust-agree"].ClickAsync();
        await first.In("trust", "trust", "agreed").WaitForAsync();
        await computer.In("trust", "trust", "agreed").WaitForAsync();
        await first.TypeAsync("said before");
        await first["send"].ClickAsync();
        await Assertions.Expect(computer["message"]).ToHaveCountAsync(1);
        await Assertions.Expect(first.In("message", "seen", "true")).ToBeVisibleAsync();
        IBrowserContext browser = first.Page.Context;
        await first.Page.CloseAsync();
        await computer.TypeAsync("said to nobody");
        await computer["send"].ClickAsync();
        await computer["files-input"].SetInputFilesAsync(new FilePayload { Name = "kept.bin", MimeType = "", Buffer = new byte[100_000] });
        await computer.TypeAsync("a draft");

        await using LinkPage phone = await LinkPage.OpenAsync(browser, $"{site.Home}/phone");
        await phone["relink"].ClickAsync();
        await phone.LinkedAsync();
        await Assertions.Expect(phone["message"].Locator(".said")).ToHaveTextAsync("said to nobody");
        await Assertions.Expect(phone["theirs"]).ToHaveTextAsync("a draft");
        await phone.In("file", "state", "done").WaitForAsync();
        await Assertions.Expect(computer["relinked"]).ToBeVisibleAsync();
        await Assertions.Expect(computer["mine"]).ToHaveValueAsync("a draft");
        await Assertions.Expect(computer["message"]).ToHaveCountAsync(2);
        await Assertions.Expect(computer.In("message", "seen", "false")).ToHaveCountAsync(0);
        await computer.In("file", "state", "done").WaitForAsync();
        await computer.ScreenshotAsync("link-relinked");
        await phone.TypeAsync("said after");
        await phone["send"].ClickAsync();
        await Assertions.Expect(computer["message"]).ToHaveCountAsync(3);

        // And the computer's page may be reloaded then.
        await computer.Page.ReloadAsync();
        await computer.LinkedAsync();
        await Assertions.Expect(computer["message"]).ToHaveCountAsync(3);
        await phone["mine"].FillAsync("and on");
        await Assertions.Expect(computer["theirs"]).ToHaveTextAsync("and on");
        Assert.Empty(phone.Errors);
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
