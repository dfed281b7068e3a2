using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>The page as its tests see it: what a person would press and read.</summary>
public sealed class TutorialPage(IBrowserContext context, IPage page) : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentQueue<string> _errors = new();

    public IPage Page => page;

    /// <summary>Addresses of everything that was loaded.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Exceptions of the page's scripts and complaints of its content security policy.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    public ILocator this[string id] => page.GetByTestId(id);

    public ILocator Rows(string kind) => page.Locator($"[data-testid=log] [data-kind={kind}]");

    public async Task GoAsync(string address)
    {
        page.Request += (_, request) => _requests.Enqueue(request.Url);
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal)) _errors.Enqueue(message.Text);
        };
        // All states that the page shows, however short they last.
        await page.AddInitScriptAsync(
            """
            window.shownStates = [];
            addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
              const text = document.querySelector('[data-testid=ready-state]')?.textContent;
              if (text && text !== window.shownStates.at(-1)) window.shownStates.push(text);
            }).observe(document.body, { subtree: true, childList: true, characterData: true }));
            """);
        await page.GotoAsync(address);
        await this["connect"].WaitForAsync();
    }

    public Task<string[]> ShownStatesAsync() => page.EvaluateAsync<string[]>("window.shownStates");

    public async Task ConnectAsync()
    {
        await this["connect"].ClickAsync();
        await Assertions.Expect(this["ready-state"]).ToHaveTextAsync("OPEN (1)");
    }

    public async Task CloseAsync()
    {
        await this["close"].ClickAsync();
        await Assertions.Expect(this["ready-state"]).ToHaveTextAsync("CLOSED (3)");
    }

    /// <summary>From now on the page's script connects to another path than it thinks.</summary>
    public Task RedirectWebSocketAsync(string path) => page.EvaluateAsync(
        """
        (path) => {
          const Original = WebSocket;
          window.WebSocket = class extends Original {
            constructor(url, protocols) { super(String(url).includes('/chat') ? new URL(path, url).href : url, protocols); }
          };
        }
        """,
        path);

    public async Task GreetAsync(string expected)
    {
        await this["send-name"].ClickAsync();
        await Assertions.Expect(this["answer"]).ToHaveTextAsync(expected);
    }

    public async ValueTask DisposeAsync() => await context.DisposeAsync();
}
