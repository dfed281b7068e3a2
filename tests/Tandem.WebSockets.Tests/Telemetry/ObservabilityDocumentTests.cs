using System.Diagnostics.Metrics;

namespace Tandem.WebSockets.Tests.Telemetry;

/// <summary>The table of instruments in docs/observability.md is what the meter has, no more and no less.</summary>
public sealed class ObservabilityDocumentTests
{
    [Fact]
    public async Task The_table_of_instruments_is_true()
    {
        using var metrics = new Metrics();
        Assert.Same(WebSocketTelemetry.For(metrics), WebSocketTelemetry.For(metrics));
        string[] real = [.. metrics.Instruments.Values.Select(instrument => $"| `{instrument.Name}` | {Kind(instrument)} | {instrument.Unit} |").Order(StringComparer.Ordinal)];

        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Tandem.slnx"))) folder = Path.GetDirectoryName(folder);
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(folder!, "docs", "observability.md"));
        // Only what the meter has is in rows of this kind; a row for both roles stands for two.
        string[] written = [.. lines.Where(line => line.StartsWith("| `websocket.", StringComparison.Ordinal) && line.Split('|').Length == 7)
            .Select(line => string.Join('|', line.Split('|')[..4]) + "|")
            .SelectMany(row => row.Contains("{role}", StringComparison.Ordinal) ? (string[])[row.Replace("{role}", "client", StringComparison.Ordinal), row.Replace("{role}", "server", StringComparison.Ordinal)] : [row])
            .Order(StringComparer.Ordinal)];
        Assert.Equal(real, written);
    }

    private static string Kind(Instrument instrument) => instrument switch
    {
        Counter<long> or ObservableCounter<long> or ObservableCounter<double> => "counter",
        ObservableUpDownCounter<long> => "up-down counter",
        _ => instrument.GetType().Name,
    };
}
