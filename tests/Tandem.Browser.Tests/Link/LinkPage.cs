using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Link;

/// <summary>One of the two pages of Tandem Link as its tests see it, in a browser of its own.</summary>
internal sealed class LinkPage : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private LinkPage(IPage page)
    {
        Page = page;
        page.Request += (_, request) => _requests.Enqueue(request.Url);
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal)) _errors.Enqueue(message.Text);
        };
    }

    public IPage Page { get; }

    /// <summary>Addresses of everything that was loaded.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Exceptions of the page's scripts and complaints of its content security policy.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    public ILocator this[string id] => Page.GetByTestId(id);

    /// <summary>A part of the page that is in a state, such as <c>("file", "state", "done")</c>.</summary>
    public ILocator In(string id, string attribute, string value) => Page.Locator($"[data-testid={id}][data-{attribute}='{value}']");

    public static async Task<LinkPage> OpenAsync(IBrowserContext context, string address)
    {
        var page = new LinkPage(await context.NewPageAsync());
        await page.Page.GotoAsync(address);
        return page;
    }

    /// <summary>The secret that the computer's page shows.</summary>
    public async Task<string> SecretAsync()
    {
        await Page.Locator("[data-testid=showing][data-secret]").WaitForAsync();
        return (await this["showing"].GetAttributeAsync("data-secret"))!;
    }

    /// <summary>Waits until both are linked and awake.</summary>
    public Task LinkedAsync() => In("status", "condition", "open").WaitForAsync();

    public Task<string> TextAsync(string id) => this[id].InnerTextAsync();

    /// <summary>Types into the text field as people do, key by key.</summary>
    public async Task TypeAsync(string text)
    {
        await this["mine"].FocusAsync();
        await Page.Keyboard.TypeAsync(text);
    }

    /// <summary>What axe-core finds in the page as it is.</summary>
    public Task<string[]> AccessibilityViolationsAsync() => Accessibility.ViolationsAsync(Page);

    public Task ScreenshotAsync(string name) =>
        Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Repository.Screenshots, $"{name}.png"), FullPage = true });

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();
}
