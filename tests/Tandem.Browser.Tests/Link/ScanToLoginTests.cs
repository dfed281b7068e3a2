using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Link;

/// <summary>The sample whose computer signs in by a phone, as two people with a browser each see it.</summary>
public sealed class ScanToLoginTests : IAsyncLifetime
{
    private TandemProcess? _sample;
    private string _home = "";

    public async ValueTask InitializeAsync()
    {
        if (!Chromium.IsInstalled) return;
        (_sample, string line) = await TandemProcess.StartSampleAsync("ScanToLogin", "--urls http://127.0.0.1:0", "Now listening on");
        _home = line[line.IndexOf("http://", StringComparison.Ordinal)..];
    }

    public async ValueTask DisposeAsync()
    {
        if (_sample is not null) await _sample.DisposeAsync();
    }

    [Fact]
    public async Task The_computer_ends_signed_in_as_who_holds_the_phone()
    {
        (LinkPage computer, LinkPage phone) = await AskAsync();
        await using (computer)
        await using (phone)
        {
            // Who asks, before anything is agreed to.
            await Assertions.Expect(phone.Page.Locator("#origin")).ToHaveTextAsync(_home);
            await Assertions.Expect(phone.Page.Locator("#browser")).ToContainTextAsync("Chrome");
            await Assertions.Expect(phone.Page.Locator("#computer-address")).ToHaveTextAsync("127.0.0.1");
            await Assertions.Expect(Numbers(phone)).ToHaveCountAsync(3);
            Assert.Empty(await phone.AccessibilityViolationsAsync());
            Assert.Empty(await computer.AccessibilityViolationsAsync());
            await phone.ScreenshotAsync("scan-to-login-phone");
            await computer.ScreenshotAsync("scan-to-login-number");
            Assert.Equal(401, (await computer.Page.APIRequest.GetAsync($"{_home}/me")).Status);

            await Numbers(phone).Filter(new LocatorFilterOptions { HasText = await computer.Page.InnerTextAsync("#number") }).ClickAsync();
            await Visible(computer, "Signed in as ada.");
            await Visible(phone, "The computer is signed in as ada.");
            Assert.Contains("\"by\":\"scan\"", await (await computer.Page.APIRequest.GetAsync($"{_home}/me")).TextAsync(), StringComparison.Ordinal);
            await computer.Page.ReloadAsync();
            await Visible(computer, "Signed in as ada.");
            Assert.Empty(computer.Errors);
            Assert.Empty(phone.Errors);
        }
    }

    [Fact]
    public async Task A_wrong_number_signs_nobody_in_and_another_code_does()
    {
        (LinkPage computer, LinkPage phone) = await AskAsync();
        await using (computer)
        await using (phone)
        {
            string number = await computer.Page.InnerTextAsync("#number");
            await Numbers(phone).Filter(new LocatorFilterOptions { HasNotText = number }).First.ClickAsync();
            await Visible(computer, "Another number was tapped. Nobody was signed in.");
            await Visible(phone, "Another number was tapped. Nobody was signed in.");
            Assert.Equal(401, (await computer.Page.APIRequest.GetAsync($"{_home}/me")).Status);

            await computer.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Show a new code" }).ClickAsync();
            string address = await AddressAsync(computer);
            await phone.Page.GotoAsync($"{_home}/phone");
            await phone.Page.GetByLabel("The code or the address").FillAsync(address);
            await phone.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Go on" }).ClickAsync();
            await Numbers(phone).Filter(new LocatorFilterOptions { HasText = await NumberAsync(computer) }).ClickAsync();
            await Visible(computer, "Signed in as ada.");
        }
    }

    /// <summary>A computer that shows a number, and a phone, signed in on it as Ada, that has to pick it.</summary>
    private async Task<(LinkPage Computer, LinkPage Phone)> AskAsync()
    {
        LinkPage computer = await LinkPage.OpenAsync(await Chromium.NewContextAsync(), _home);
        string address = await AddressAsync(computer);
        await Assertions.Expect(computer.Page.GetByRole(AriaRole.Img, new PageGetByRoleOptions { Name = "The code to scan" })).ToBeVisibleAsync();
        await computer.ScreenshotAsync("scan-to-login-code");
        LinkPage phone = await LinkPage.OpenAsync(await Chromium.NewContextAsync("en-US", 390, 844, ColorScheme.Dark), address);
        await phone.Page.GetByLabel("Name").FillAsync("ada");
        await phone.Page.GetByLabel("Password").FillAsync("engine");
        await phone.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Sign in" }).ClickAsync();
        await NumberAsync(computer);
        await Numbers(phone).First.WaitForAsync();
        // The code is a secret: it is neither in the address bar nor in the history any more.
        Assert.Equal($"{_home}/phone", phone.Page.Url);
        return (computer, phone);
    }

    private static async Task<string> AddressAsync(LinkPage computer)
    {
        await computer.Page.Locator("#address").WaitForAsync();
        return await computer.Page.InnerTextAsync("#address");
    }

    private static async Task<string> NumberAsync(LinkPage computer)
    {
        await computer.Page.Locator("#number").WaitForAsync();
        return await computer.Page.InnerTextAsync("#number");
    }

    private static ILocator Numbers(LinkPage phone) => phone.Page.Locator("#numbers button");

    private static Task Visible(LinkPage page, string text) => Assertions.Expect(page.Page.GetByText(text, new PageGetByTextOptions { Exact = true })).ToBeVisibleAsync();
}
