using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>The browser of all tests: Debian's, without a window and without traffic of its own.</summary>
internal static class Chromium
{
    private const string Program = "/usr/bin/chromium";

    private static readonly string[] Arguments =
    [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    public static bool IsInstalled { get; } = File.Exists(Program);

    /// <summary>Starts one, with what a test adds to its command line.</summary>
    public static Task<IBrowser> LaunchAsync(IPlaywright playwright, params string[] arguments) =>
        playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = [.. Arguments, .. arguments], Headless = true });
}
