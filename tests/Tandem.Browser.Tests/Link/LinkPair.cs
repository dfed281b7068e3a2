using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Link;

/// <summary>A computer and a phone, each with a browser of its own, on one server.</summary>
internal sealed class LinkPair(LinkPage computer, LinkPage phone, string secret = "") : IAsyncDisposable
{
    public LinkPage Computer => computer;

    public LinkPage Phone => phone;

    /// <summary>The code that the phone was opened with.</summary>
    public string Secret => secret;

    /// <summary>Opens the computer's page, and the phone's with the code that it shows.</summary>
    /// <param name="site">The server.</param>
    /// <param name="phoneHome">By what way the phone reaches it; null: straight.</param>
    /// <param name="locale">The language of both.</param>
    /// <param name="scheme">The colours of both.</param>
    public static async Task<LinkPair> OpenAsync(TutorialSite site, string? phoneHome = null, string locale = "en-US", ColorScheme scheme = ColorScheme.Light)
    {
        LinkPage computer = await LinkPage.OpenAsync(await Chromium.NewContextAsync(locale, scheme: scheme), site.Home);
        string secret = await computer.SecretAsync();
        LinkPage phone = await LinkPage.OpenAsync(await Chromium.NewContextAsync(locale, 390, 844, scheme), $"{phoneHome ?? site.Home}/phone#{secret}");
        return new LinkPair(computer, phone, secret);
    }

    /// <summary>The same, linked.</summary>
    public static async Task<LinkPair> LinkAsync(TutorialSite site, string? phoneHome = null, string locale = "en-US", ColorScheme scheme = ColorScheme.Light)
    {
        LinkPair pair = await OpenAsync(site, phoneHome, locale, scheme);
        await pair.MatchAsync();
        return pair;
    }

    /// <summary>Picks the number on the phone that the computer shows.</summary>
    public async Task MatchAsync()
    {
        string number = await computer.TextAsync("number");
        await phone["choice"].Filter(new LocatorFilterOptions { HasText = number }).ClickAsync();
        await computer.LinkedAsync();
        await phone.LinkedAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Assert.Empty(computer.Errors);
        Assert.Empty(phone.Errors);
        await phone.DisposeAsync();
        await computer.DisposeAsync();
    }
}
