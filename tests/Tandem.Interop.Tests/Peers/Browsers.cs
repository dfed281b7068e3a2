using System.Text.Json;
using Microsoft.Playwright;
using Tandem.Interop.Tests.Matrix;

namespace Tandem.Interop.Tests.Peers;

/// <summary>The interface of the WHATWG, which Chromium, Firefox and Node share, and what it lacks.</summary>
internal static class BrowserApi
{
    public static PeerCard Card(string name, string install, bool compresses = true) => new(name, install, PeerCard.ClientOnly)
    {
        CanBePlain = false,
        Compresses = compresses,
        Lacks =
        [
            new("The WebSocket API of browsers sends neither fragments nor pings.", [Scenario.FragmentsFromPeer, Scenario.PingFromPeer]),
            new("In the WebSocket API of browsers, close() takes 1000 and 3000 to 4999 only.", [Scenario.CloseFromPeer1001]),
            new("The WebSocket API of browsers has no options for permessage-deflate.", [Scenario.NoContextAskedByPeer, Scenario.WindowsAskedByPeer]),
        ],
    };
}

/// <summary>Chromium, driven by Playwright.</summary>
public sealed class Chromium : Peer
{
    private const string Program = "/usr/bin/chromium";

    private static readonly string[] Arguments =
    [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private IPage? _page;

    public override PeerCard Card { get; } = BrowserApi.Card("Chromium", "Debian: chromium");

    public override async ValueTask InitializeAsync()
    {
        if (!File.Exists(Program))
        {
            Missing = Program;
            return;
        }

        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = Arguments, Headless = true });
        Version = _browser.Version;
        _page = await _browser.NewPageAsync();
        await _page.AddScriptTagAsync(new PageAddScriptTagOptions { Path = Path.Combine(Tools.Root, "tests/Tandem.Interop.Tests/peers/browser.js") });
    }

    public override async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    public override Task ConnectAsync(string id, Uri uri, string[] subprotocols, Profile profile)
    {
        _ = ReportAsync(id, uri, subprotocols);
        return Task.CompletedTask;
    }

    private async Task ReportAsync(string id, Uri uri, string[] subprotocols)
    {
        try
        {
            JsonElement report = await _page!.EvaluateAsync<JsonElement>("argument => interop(argument)", new { id, url = uri.AbsoluteUri, protocols = subprotocols });
            Told(report.Deserialize<PeerReport>(JsonSerializerOptions.Web)!);
        }
        catch (PlaywrightException exception)
        {
            Told(new PeerReport(id, null, 0, null, exception.Message));
        }
    }
}

/// <summary>Firefox, driven by a Node program over WebDriver BiDi.</summary>
public sealed class Firefox : NodePeer
{
    private const string Program = "/usr/bin/firefox-esr";

    public override PeerCard Card { get; } = BrowserApi.Card("Firefox", "Debian: firefox-esr, and " + Install);

    protected override string[] Command => [Node, Folder + "firefox.mjs", Program];

    protected override string[] Needs => [.. base.Needs, Program];
}

public sealed class ChromiumTests(Chromium peer) : PeerTests<Chromium>(peer);

public sealed class FirefoxTests(Firefox peer) : PeerTests<Firefox>(peer);
