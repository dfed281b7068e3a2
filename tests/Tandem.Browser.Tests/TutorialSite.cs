using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary><c>tandem serve</c> and a Chromium, for all tests of the page.</summary>
public sealed class TutorialSite : IAsyncLifetime
{
    private TandemProcess? _tandem;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Where the server is, without a slash at the end.</summary>
    public string Home { get; private set; } = "";

    /// <summary>The address of the page.</summary>
    public string Address => $"{Home}/tutorial";

    public async ValueTask InitializeAsync()
    {
        if (!Chromium.IsInstalled) return;
        (_tandem, string line) = await TandemProcess.StartAsync("serve --port 0", "http://");
        Home = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]).GetLeftPart(UriPartial.Authority);
        _playwright = await Playwright.CreateAsync();
        _browser = await Chromium.LaunchAsync(_playwright);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_tandem is not null) await _tandem.DisposeAsync();
    }

    /// <summary>Opens the page in a browser of its own.</summary>
    public async Task<TutorialPage> OpenAsync(string locale = "en-US", int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light)
    {
        IBrowserContext context = await NewContextAsync(locale, width, height, scheme);
        IPage page = await context.NewPageAsync();
        var tutorial = new TutorialPage(context, page);
        await tutorial.GoAsync(Address);
        return tutorial;
    }

    /// <summary>A browser of its own, for whatever page.</summary>
    public async Task<IBrowserContext> NewContextAsync(string locale = "en-US", int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light)
    {
        Assert.SkipUnless(_browser is not null, "Chromium is not installed.");
        return await _browser.NewContextAsync(locale, width, height, scheme);
    }
}
