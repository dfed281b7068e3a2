using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>The browser of all tests: Debian's, without a window and without traffic of its own.</summary>
internal static class Chromium
{
    private const string Program = "/usr/bin/chromium";

    // Of every wait for a page, in milliseconds: only a hang takes it in full.
    private const float Patience = 60_000;

    private static readonly string[] DisabledFeatures =
    [
        // With each window, which is each context, Chromium loads pages for the pop-ups of an address bar that nobody sees. They took half of the processor time of a test.
        "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
        // Nor is a process made ready for the next page: most tests have no next one.
        "SpareRendererForSitePerProcess",
        // Only the last such argument counts, so these are Playwright's own.
        "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "DialMediaRouteProvider", "GlobalMediaControls", "HttpsUpgrades", "LensOverlay",
        "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "BlockOriginHeaderModificationOnRedirect", "AvoidCorsURLLoaderRestartOnRedirect",
        "Translate", "AutoDeElevate", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled",
    ];

    private static readonly string[] Arguments =
    [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        $"--disable-features={string.Join(',', DisabledFeatures)}",
    ];

    public static bool IsInstalled { get; } = File.Exists(Program);

    // For all tests, whichever comes first.
    static Chromium() => Assertions.SetDefaultExpectTimeout(Patience);

    /// <summary>Starts one, with what a test adds to its command line.</summary>
    public static Task<IBrowser> LaunchAsync(IPlaywright playwright, params string[] arguments) =>
        playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = [.. Arguments, .. arguments], Headless = true, Timeout = Patience });

    /// <summary>A browser of its own within one, for a reader with a language, a window and a liking for light or dark.</summary>
    public static async Task<IBrowserContext> NewContextAsync(this IBrowser browser, string locale, int width, int height, ColorScheme scheme)
    {
        IBrowserContext context = await browser.NewContextAsync(new BrowserNewContextOptions
        {
            Locale = locale,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(Patience);
        return context;
    }
}
