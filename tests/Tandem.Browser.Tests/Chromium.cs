using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Tandem.Browser.Tests.ChromiumEnd))]

namespace Tandem.Browser.Tests;

/// <summary>The browser of all tests: Debian's, without a window and without traffic of its own. One for all, since its start takes more than most tests; each has contexts of its own.</summary>
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
        "--host-resolver-rules=MAP lan.test 127.0.0.1", // for pages from another machine
        $"--disable-features={string.Join(',', DisabledFeatures)}",
    ];

    private static readonly Lazy<Task<IPlaywright>> Driver = new(Playwright.CreateAsync);
    private static readonly Lazy<Task<IBrowser>> Shared = new(() => LaunchAsync());

    public static bool IsInstalled { get; } = File.Exists(Program);

    // For all tests, whichever comes first.
    static Chromium() => Assertions.SetDefaultExpectTimeout(Patience);

    /// <summary>Starts one for a test that adds to its command line.</summary>
    public static async Task<IBrowser> LaunchAsync(params string[] arguments)
    {
        IPlaywright playwright = await Driver.Value;
        return await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = [.. Arguments, .. arguments], Headless = true, Timeout = Patience });
    }

    /// <summary>A browser of its own within the one, for a reader with a language, a window and a liking for light or dark. Skips the test where there is none.</summary>
    public static Task<IBrowserContext> NewContextAsync(string locale = "en-US", int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light) =>
        NewContextAsync(new BrowserNewContextOptions
        {
            Locale = locale,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            ReducedMotion = ReducedMotion.Reduce,
        });

    /// <summary>The same, for a reader with other wishes.</summary>
    public static async Task<IBrowserContext> NewContextAsync(BrowserNewContextOptions options)
    {
        Assert.SkipUnless(IsInstalled, "Chromium is not installed.");
        IBrowser browser = await Shared.Value;
        IBrowserContext context = await browser.NewContextAsync(options);
        context.SetDefaultTimeout(Patience);
        return context;
    }

    /// <summary>Ends what was started.</summary>
    public static async ValueTask EndAsync()
    {
        if (Shared.IsValueCreated) await (await Shared.Value).DisposeAsync();
        if (Driver.IsValueCreated) (await Driver.Value).Dispose();
    }
}

/// <summary>Ends the browser behind all tests.</summary>
public sealed class ChromiumEnd : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Chromium.EndAsync();
}
