using System.Text.Json;
using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary>What axe-core finds.</summary>
internal static class Accessibility
{
    /// <summary>Runs it over a page as it is now.</summary>
    public static async Task<string[]> ViolationsAsync(IPage page)
    {
        if (await page.EvaluateAsync<bool>("typeof axe === 'undefined'")) await page.EvaluateAsync(await File.ReadAllTextAsync(Repository.AxeScript));
        JsonElement result = await page.EvaluateAsync<JsonElement>("axe.run(document).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' ')))");
        return result.Deserialize<string[]>()!;
    }
}
