using System.Text.RegularExpressions;
using Tandem.Browser.Tests;

namespace Tandem.Cli.Tests.Bench;

/// <summary>A <c>tandem echo</c> for all tests of a class.</summary>
public sealed partial class EchoProcess : IAsyncLifetime
{
    private TandemProcess? _process;

    /// <summary>Its address, without the slash at the end.</summary>
    public string Url { get; private set; } = "";

    public string Pid { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        (_process, string line) = await TandemProcess.StartAsync("echo --port 0 --threads 1", "echo at ");
        Match match = Line().Match(line);
        (Url, Pid) = (match.Groups[1].Value, match.Groups[2].Value);
    }

    public ValueTask DisposeAsync() => _process!.DisposeAsync();

    [GeneratedRegex("echo at (ws://.*?)/ .* process ([0-9]+)")]
    private static partial Regex Line();
}
