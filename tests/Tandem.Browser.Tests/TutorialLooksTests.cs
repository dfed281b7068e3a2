using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>The page for everybody: both languages, phone and desktop, light and dark, by keyboard, for screen readers, and nothing from elsewhere.</summary>
public sealed class TutorialLooksTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    [Theory]
    [InlineData("en-US", 1280, 900, ColorScheme.Light, 320, 640, ColorScheme.Dark)]
    [InlineData("zh-CN", 390, 844, ColorScheme.Light, 1280, 900, ColorScheme.Dark)]
    public async Task No_accessibility_violation_no_sideways_scrolling_no_request_elsewhere(
        string locale, int width, int height, ColorScheme scheme, int otherWidth, int otherHeight, ColorScheme otherScheme)
    {
        await using TutorialPage page = await site.OpenAsync(locale, width, height, scheme);
        var looks = new Looks(page.Page, $"tutorial-{locale[..2]}", new Look(width, height, scheme), new Look(otherWidth, otherHeight, otherScheme));
        await looks.SeeAsync("1-before");

        await page.ConnectAsync();
        await page.GreetAsync(locale == "zh-CN" ? "您好,beston" : "Hello, beston");
        await Assertions.Expect(page["accept-equal"]).ToBeVisibleAsync();
        await Assertions.Expect(page["frame-table"]).ToBeVisibleAsync();
        await looks.SeeAsync("2-greeted");

        await page["riddle-fail"].ClickAsync();
        await Assertions.Expect(page["riddle-result"]).ToHaveAttributeAsync("data-outcome", "failed");
        await looks.SeeAsync("3-riddle");

        Assert.All(page.Requests, address => Assert.StartsWith(site.Home, address, StringComparison.Ordinal));
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task The_demo_works_by_keyboard_alone()
    {
        await using TutorialPage page = await site.OpenAsync();
        await TabToAsync(page, "connect");
        await page.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page["ready-state"]).ToHaveTextAsync("OPEN (1)");
        await TabToAsync(page, "name-input");
        await page.Page.Keyboard.PressAsync("Control+A");
        await page.Page.Keyboard.TypeAsync("keys");
        await page.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page["answer"]).ToHaveTextAsync("Hello, keys");
    }

    private static async Task TabToAsync(TutorialPage page, string id)
    {
        for (int i = 0; i < 60; i++)
        {
            await page.Page.Keyboard.PressAsync("Tab");
            if (await page.Page.EvaluateAsync<string?>("document.activeElement?.dataset.testid") == id) return;
        }

        Assert.Fail($"No number of tabs reaches {id}.");
    }
}
