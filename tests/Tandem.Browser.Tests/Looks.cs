using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>How somebody sees a page: in what window, and light or dark.</summary>
internal sealed record Look(int Width, int Height, ColorScheme Scheme)
{
    /// <summary>Makes a page look so, and waits until it has been painted so.</summary>
    public async Task PutOnAsync(IPage page)
    {
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = Scheme });
        await page.SetViewportSizeAsync(Width, Height);
        await page.WaitForFunctionAsync("(width) => innerWidth === width", Width);
        // Who listens to media is told before a frame, and who observes sizes within it.
        await page.EvaluateAsync("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())))");
    }
}

/// <summary>Looks at a page in one language: what it shows is brought about once, and seen in every look.</summary>
/// <param name="page">The page.</param>
/// <param name="name">What the page is called in the names of the pictures.</param>
/// <param name="looks">The looks; the page was opened with the first.</param>
internal sealed class Looks(IPage page, string name, params Look[] looks)
{
    /// <summary>Sees that there is no accessibility violation and no sideways scrolling in any look.</summary>
    /// <param name="picture">What the pictures are called beside the page's name, its width and its colours; null: none are left.</param>
    /// <param name="whole">Whether the pictures show more than what is in the window.</param>
    public async Task SeeAsync(string? picture, bool whole = true)
    {
        foreach (Look look in looks)
        {
            await look.PutOnAsync(page);
            string seen = $"{name}-{look.Width}-{look.Scheme.ToString().ToLowerInvariant()}-{picture}".TrimEnd('-');
            if (picture is not null) await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Repository.Screenshots, $"{seen}.png"), FullPage = whole });
            Assert.Empty(await Accessibility.ViolationsAsync(page));
            Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), $"{seen} scrolls sideways.");
        }
    }
}
