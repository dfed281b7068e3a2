using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Tandem.Browser.Tests.Link;

/// <summary>The ends of a link in TypeScript, in Node, against the real program: what apps/web/link-server.test.mjs says, which nothing else gives a server.</summary>
public sealed partial class LinkServerTests
{
    [Fact]
    public async Task Two_ends_in_Node_link_through_the_program_on_every_carrier()
    {
        (TandemProcess tandem, string line) = await TandemProcess.StartAsync("serve --port 0", "http://");
        await using (tandem)
        {
            (int exitCode, string report) = await RunAsync($"http://127.0.0.1:{new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]).Port}/link");
            Dictionary<string, int> counts = Summary().Matches(report).ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture));
            // One for each carrier, and one of what goes beyond; what is skipped was not seen to work.
            Assert.True(exitCode == 0 && counts["tests"] >= 5 && counts["pass"] == counts["tests"], report);
        }
    }

    private static async Task<(int ExitCode, string Report)> RunAsync(string link)
    {
        // Node 20 has its WebSocket behind a switch that later ones still know.
        var start = new ProcessStartInfo("node", ["--experimental-websocket", "--no-warnings", "--test-reporter=tap", Repository.LinkServerScript])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["TANDEM_LINK"] = link;
        using Process node = Process.Start(start)!;
        // On a busy machine they take some seconds each; each has a deadline of its own, of 60 s.
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(6));
        Task<string> errors = node.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            string output = await node.StandardOutput.ReadToEndAsync(deadline.Token);
            await node.WaitForExitAsync(deadline.Token);
            return (node.ExitCode, output + await errors);
        }
        finally
        {
            if (!node.HasExited) node.Kill();
        }
    }

    // The last lines of the report, such as "# pass 5".
    [GeneratedRegex("^# (tests|pass) ([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex Summary();
}
