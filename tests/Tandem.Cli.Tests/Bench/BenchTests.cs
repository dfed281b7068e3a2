using System.Text.Json;
using Tandem.Browser.Tests;

namespace Tandem.Cli.Tests.Bench;

/// <summary>
/// <c>tandem bench</c> against a real <c>tandem echo</c>: each mode until it has counted a few, which is a fraction of a second. No figure is judged by its size, only by what
/// must be true of it.
/// </summary>
public sealed class BenchTests(EchoProcess echo) : IClassFixture<EchoProcess>
{
    private const string Short = "--duration 60 --warm-up 0.1 --json -";

    [Theory]
    [InlineData("--connections 5", "off")]
    [InlineData("--connections 5 --in-flight 64 --threads 2 --count 2000", "off")] // more than are under way when the measurement begins, which have no latency
    [InlineData("--connections 3 --size 100000 --text --in-flight 3", "off")]
    [InlineData("--connections 3 --size 0", "off")]
    [InlineData("--connections 3 --size 1024 --deflate", "on")]
    [InlineData("--connections 3 --size 1024 --deflate --no-context-takeover --text", "no-context-takeover")]
    public async Task Echo_counts_what_comes_back_and_how_long_it_took(string arguments, string deflate)
    {
        JsonElement result = await Measure($"{echo.Url}/ {arguments} --pid {echo.Pid}");
        Assert.Equal("echo", result.GetProperty("mode").GetString());
        Assert.Equal(deflate, result.GetProperty("deflate").GetString());
        Assert.Equal(result.GetProperty("connections").GetInt32(), result.GetProperty("opened").GetInt32());
        Assert.True(result.GetProperty("count").GetInt64() > 0);
        Assert.Equal(result.GetProperty("seconds").GetDouble(), result.GetProperty("count").GetInt64() / result.GetProperty("per_s").GetDouble(), tolerance: 0.001);
        Assert.InRange(result.GetProperty("count").GetInt64(), 200, 100_000_000);
        Assert.True(result.GetProperty("rss_bytes").GetInt64() > 1 << 20);
        AssertLatencies(result);
    }

    [Fact]
    public async Task Rate_sends_at_its_rate_whatever_comes_back()
    {
        JsonElement result = await Measure($"{echo.Url}/ --mode rate --rate 500 --connections 7 --duration 1");
        // As many as were due, and those of the warm-up that came late.
        Assert.InRange(result.GetProperty("latency_us").GetProperty("samples").GetInt64() / result.GetProperty("seconds").GetDouble(), 495, 505);
        Assert.Equal((500, 100), (result.GetProperty("rate").GetInt32(), result.GetProperty("size").GetInt32()));
        AssertLatencies(result);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 10, 2)]
    public async Task Broadcast_delivers_every_message_to_all(int publishers, int burst, int threads)
    {
        JsonElement result = await Measure($"{echo.Url}/broadcast --mode broadcast --connections 40 --publishers {publishers} --in-flight {burst} --threads {threads} --count 5000");
        double publishes = result.GetProperty("publishes_per_s").GetDouble();
        Assert.True(publishes > 0);
        // But for a part of the burst that was under way at either edge of the measurement; what is printed is rounded.
        double edges = ((40 * burst) + 1) / result.GetProperty("seconds").GetDouble();
        Assert.InRange(result.GetProperty("per_s").GetDouble(), (publishes * 40) - edges, (publishes * 40) + edges);
        AssertLatencies(result);
    }

    [Fact]
    public async Task Idle_opens_and_holds_and_tells_the_servers_memory_of_a_connection()
    {
        JsonElement result = await Measure($"{echo.Url}/ --mode idle --connections 1000 --duration 0.2 --pid {echo.Pid}");
        Assert.Equal((1000, 1000), (result.GetProperty("opened").GetInt32(), result.GetProperty("count").GetInt32()));
        Assert.True(result.GetProperty("open_s").GetDouble() > 0);
        Assert.InRange(result.GetProperty("rss_per_connection").GetDouble(), -100_000, 100_000); // with what else has become of its memory
    }

    [Theory]
    [InlineData("")]
    [InlineData("--close")]
    public async Task Connect_counts_handshakes(string arguments)
    {
        JsonElement result = await Measure($"{echo.Url}/ --mode connect --in-flight 4 {arguments}");
        Assert.True(result.GetProperty("count").GetInt64() > 0);
        Assert.Equal(arguments != "", result.GetProperty("close").GetBoolean());
        AssertLatencies(result);
    }

    [Fact]
    public async Task The_table_says_the_same_to_people_and_the_file_has_the_conditions()
    {
        using var directory = new TemporaryDirectory();
        string file = directory.File("result.json");
        (int exitCode, string output, string error) = await TandemProcess.RunAsync($"bench {echo.Url}/ --connections 3 --count 10 --duration 60 --warm-up 0 --json {file}");
        Assert.Equal((0, ""), (exitCode, error)); // no progress where nobody watches
        Assert.Contains("messages a second", output, StringComparison.Ordinal);
        Assert.Contains("type, length and content of every message compared", output, StringComparison.Ordinal);
        Assert.Matches("errors +none", output);
        using JsonDocument json = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        Assert.Contains(".NET", json.RootElement.GetProperty("conditions").GetProperty("runtime").GetString(), StringComparison.Ordinal);
        Assert.Equal(Environment.ProcessorCount, json.RootElement.GetProperty("conditions").GetProperty("processors").GetInt32());
    }

    [Theory]
    [InlineData("wss://127.0.0.1:1/", "bench speaks ws:// only")]
    [InlineData("ws://127.0.0.1:1/ --connections 2 --threads 3", "more --threads than --connections")]
    [InlineData("ws://127.0.0.1:1/ --in-flight 4000 --size 1000000", "more than 128 MiB")]
    [InlineData("ws://127.0.0.1:1/ --pid 2147483647", "there is no process 2147483647")]
    [InlineData("ws://127.0.0.1:1/ --duration 0", "is not a number of seconds")]
    [InlineData("ws://127.0.0.1:1/ --mode echos", "echos")]
    [InlineData("ws://127.0.0.1:1/ --json /nowhere/file", "cannot write /nowhere/file")]
    public async Task What_cannot_be_measured_is_one_line(string arguments, string why)
    {
        (int exitCode, _, string error) = await TandemProcess.RunAsync($"bench {arguments}");
        Assert.Equal(1, exitCode);
        Assert.Contains(why, error, StringComparison.Ordinal);
    }

    private static async Task<JsonElement> Measure(string arguments)
    {
        string shortened = arguments.Contains("--duration", StringComparison.Ordinal) ? "--warm-up 0.1 --json -" : Short;
        if (shortened == Short && !arguments.Contains("--count", StringComparison.Ordinal)) shortened = $"--count 200 {Short}";
        (int exitCode, string output, string error) = await TandemProcess.RunAsync($"bench {arguments} {shortened}");
        Assert.True(exitCode == 0, $"{exitCode}: {error}");
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement result = json.RootElement.Clone();
        Assert.Empty(result.GetProperty("errors").EnumerateObject());
        Assert.Equal(0, result.GetProperty("bad").GetInt64());
        return result;
    }

    private static void AssertLatencies(JsonElement result)
    {
        JsonElement latency = result.GetProperty("latency_us");
        Assert.True(latency.GetProperty("samples").GetInt64() > 0);
        double[] ascending = [.. new[] { "p50", "p90", "p99", "p99_9", "max" }.Select(name => latency.GetProperty(name).GetDouble())];
        Assert.Equal(ascending.Order(), ascending);
        Assert.True(ascending[0] > 0);
    }
}
