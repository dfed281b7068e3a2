using Microsoft.Playwright;

namespace Tandem.Browser.Tests.Sessions;

/// <summary>A page that has a session, and what it was told.</summary>
internal sealed class SessionPage : IAsyncDisposable
{
    // Impatient, so that a test need not be patient; what a busy machine may take for a carrier that works, it has.
    private const string Open =
        """
        async (options) => {
          const module = await import('/session.js');
          const { ticket, ...rest } = options;
          window.told = [];
          window.carriers = [];
          window.session = new module.Session('/session', {
            openTimeout: 30000, proofTimeout: 4000, firstDelay: 20, maxDelay: 100, probeDelay: 500, maxProbeDelay: 1000, pollInterval: 50,
            onCarrier: (carrier) => carriers.push(carrier),
            ...(ticket ? { getTicket: (signal) => module.fetchTicket('/session', { signal }) } : {}),
            ...rest,
          });
          try {
            await session.connect();
          } catch (error) {
            return error.message;
          }
          return session.carrier ?? 'none';
        }
        """;

    private SessionPage(IPage page) => Page = page;

    public IPage Page { get; }

    /// <summary>Opens the site's page in a browser of its own.</summary>
    public static async Task<SessionPage> OpenAsync(SessionWeb site)
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        page.SetDefaultTimeout(90_000);
        await page.GotoAsync(site.Address);
        return new SessionPage(page);
    }

    /// <summary>Connects a session, and says what carries it, or why nothing does.</summary>
    public Task<string> ConnectAsync(object? options = null) => Page.EvaluateAsync<string>(Open, options ?? new { });

    /// <summary>Subscribes, and reads from now on.</summary>
    public Task<int> SubscribeAndReadAsync(string topic) => Page.EvaluateAsync<int>(
        """
        async (topic) => {
          (async () => { for await (const notice of session) told.push(notice); })();
          return session.subscribe(topic);
        }
        """,
        topic);

    public Task UntilCarriedByAsync(string carrier) => UntilAsync($"session.carrier === '{carrier}'");

    public async Task UntilAsync(string condition)
    {
        try
        {
            await Page.WaitForFunctionAsync($"() => {condition}");
        }
        catch (TimeoutException)
        {
            string seen = await Page.EvaluateAsync<string>("`${carriers.join(' ')}; told: ${told.length}, the last: ${JSON.stringify(told.slice(-3))}`");
            Assert.Fail($"Not in time: {condition}. Carriers: {seen}");
        }
    }

    /// <summary>The events that came, in the order in which they came.</summary>
    public Task<string[]> EventsAsync() => Page.EvaluateAsync<string[]>("told.filter(({ type }) => type === 'event').map(({ data }) => data)");

    /// <summary>What else came.</summary>
    public Task<string[]> OthersAsync() => Page.EvaluateAsync<string[]>("told.map(({ type }) => type).filter((type) => type !== 'event')");

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();
}
