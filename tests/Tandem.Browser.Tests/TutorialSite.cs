using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary><c>tandem serve</c>, for all tests of a class.</summary>
public sealed class TutorialSite : IAsyncLifetime
{
    private TandemProcess? _tandem;

    /// <summary>Where the server is, without a slash at the end.</summary>
    public string Home { get; private set; } = "";

    /// <summary>The address of the page.</summary>
    public string Address => $"{Home}/tutorial";

    public async ValueTask InitializeAsync()
    {
        if (!Chromium.IsInstalled) return;
        (_tandem, string line) = await TandemProcess.StartAsync("serve --port 0", "http://");
        Home = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]).GetLeftPart(UriPartial.Authority);
    }

    public async ValueTask DisposeAsync()
    {
        if (_tandem is not null) await _tandem.DisposeAsync();
    }

    /// <summary>Opens the page in a browser of its own.</summary>
    public async Task<TutorialPage> OpenAsync(string locale = "en-US", int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light)
    {
        IBrowserContext context = await Chromium.NewContextAsync(locale, width, height, scheme);
        IPage page = await context.NewPageAsync();
        var tutorial = new TutorialPage(context, page);
        await tutorial.GoAsync(Address);
        return tutorial;
    }
}
