using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>
/// RFC 6455 sections 4.1 and 4.2.2 in a real browser: an answer that names a subprotocol which was not offered makes the connection fail,
/// the same answer to a client that offered it does not.
/// </summary>
public sealed class SubprotocolRiddleTests(TutorialSite site) : IClassFixture<TutorialSite>
{
    [Fact]
    public async Task Unoffered_the_connection_fails_offered_it_opens()
    {
        await using TutorialPage page = await site.OpenAsync();
        await page["riddle-fail"].ClickAsync();
        await Assertions.Expect(page["riddle-result"]).ToHaveAttributeAsync("data-outcome", "failed");
        await Assertions.Expect(page["riddle-result"]).ToContainTextAsync("1006");
        await Assertions.Expect(page["riddle-result"]).ToContainTextAsync("error");
        // What the browser's script is not told: the server did answer, and wrongly.
        await Assertions.Expect(page["riddle-offered"]).ToHaveTextAsync("(none)");
        await Assertions.Expect(page["riddle-named"]).ToHaveTextAsync("chat");

        await page["riddle-retry"].ClickAsync();
        await Assertions.Expect(page["riddle-result"]).ToHaveAttributeAsync("data-outcome", "opened");
        await Assertions.Expect(page["riddle-offered"]).ToHaveTextAsync("chat");
        await Assertions.Expect(page["riddle-named"]).ToHaveTextAsync("chat");
    }
}
