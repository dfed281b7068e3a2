using System.Diagnostics;
using System.Text.Json;

namespace Tandem.Browser.Tests.Sessions;

/// <summary>The client of sessions as a package, in Node, against the real program.</summary>
public sealed class SessionPackageTests
{
    [Fact]
    public async Task On_every_carrier_connections_that_are_cut_again_and_again_lose_and_double_nothing()
    {
        (TandemProcess tandem, string line) = await TandemProcess.StartAsync("serve --port 0", "http://");
        await using (tandem)
        {
            int port = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]).Port;
            JsonElement[] results = await RunAsync(port);
            Assert.Equal(4, results.Length);
            Assert.All(results, result =>
            {
                string told = result.ToString();
                Assert.True(result.GetProperty("isOk").GetBoolean() && result.GetProperty("isInOrder").GetBoolean(), told);
                // Neither a gap nor a lost session.
                Assert.Equal("opened", Assert.Single(result.GetProperty("others").EnumerateArray()).GetString());
                Assert.True(result.GetProperty("cuts").GetInt32() >= 3, told);
            });
        }
    }

    private static async Task<JsonElement[]> RunAsync(int port)
    {
        string script = Path.Combine(Repository.Root, "tests", "Tandem.Browser.Tests", "Sessions", "cuts.mjs");
        // Node 20 has its WebSocket behind a switch that later ones still know.
        var start = new ProcessStartInfo("node", ["--experimental-websocket", "--no-warnings", script, Repository.SessionScript, $"{port}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process node = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        Task<string> errors = node.StandardError.ReadToEndAsync(deadline.Token);
        string output = await node.StandardOutput.ReadToEndAsync(deadline.Token);
        await node.WaitForExitAsync(deadline.Token);
        Assert.True(node.ExitCode == 0, await errors);
        return JsonSerializer.Deserialize<JsonElement[]>(output)!;
    }
}
