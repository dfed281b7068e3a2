using System.Globalization;
using System.Text.Json;

namespace Tandem.Benchmarks;

/// <summary>A row of the table: a workload.</summary>
/// <param name="Key">Its name in the raw results.</param>
/// <param name="Title">What it says in the table.</param>
/// <param name="Floor">How many times the baseline's figure Tandem asks of itself, or for memory the most bytes; null for none.</param>
/// <param name="Figure">Which field of a result counts.</param>
internal sealed record ReportRow(string Key, string Title, double? Floor, string Figure)
{
    /// <summary>Of two figures the lower is the better one.</summary>
    public bool IsCost => Figure is "rss_per_connection" or "latency" or "startup";

    /// <summary>Reads a line: KEY|TITLE|FLOOR|FIGURE.</summary>
    public static ReportRow Parse(string line)
    {
        string[] parts = line.Split('|');
        double? floor = double.TryParse(parts[2], CultureInfo.InvariantCulture, out double value) ? value : null;
        return new ReportRow(parts[0], parts[1], floor, parts[3]);
    }

    /// <summary>The figure of one result.</summary>
    public double Of(JsonElement result) => Figure switch
    {
        "latency" => result.GetProperty("latency_us").GetProperty("p99").GetDouble(),
        "startup" => result.GetProperty("start_ms").GetDouble(),
        _ => result.TryGetProperty(Figure, out JsonElement value) ? value.GetDouble() : 0,
    };
}

/// <summary>Mode report: medians of raw results, as a table and as a chart.</summary>
internal sealed class Report
{
    public const string Own = "tandem";
    public const string Kestrel = "kestrel";

    /// <summary>Another build of Tandem.</summary>
    public const string Other = "other";

    private readonly ReportRow[] _rows;
    private readonly List<(string Workload, string Server, JsonElement Result)> _results = [];

    /// <param name="rows">The file of the rows.</param>
    /// <param name="raw">The file of the results: a JSON object on each line, with workload and server.</param>
    public Report(string rows, string raw)
    {
        foreach (string line in File.ReadLines(raw))
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement result = json.RootElement.Clone();
            _results.Add((result.GetProperty("workload").GetString()!, result.GetProperty("server").GetString()!, result));
        }

        _rows = [.. File.ReadLines(rows).Select(ReportRow.Parse).Where(row => _results.Exists(result => result.Workload == row.Key))];
        Servers = [.. _results.Select(result => result.Server).Distinct().OrderBy(server => server switch { Own => 0, Kestrel or Other => 1, _ => 2 })];
    }

    public IReadOnlyList<ReportRow> Rows => _rows;

    public IReadOnlyList<string> Servers { get; }

    /// <summary>The median of a server's figures; null when it has none.</summary>
    public double? Median(ReportRow row, string server) => Median(Of(row, server).Select(row.Of));

    /// <summary>A figure as people read it.</summary>
    public string Text(ReportRow row, string server)
    {
        if (Median(row, server) is not { } figure) return "-";
        JsonElement[] results = Of(row, server);
        return row.Figure switch
        {
            "rss_per_connection" => figure >= 1e4 ? string.Create(CultureInfo.InvariantCulture, $"{figure / 1e3:0.0} kB") : Short(figure) + " B",
            "latency" => $"{Time(Median(results.Select(result => result.GetProperty("latency_us").GetProperty("p50").GetDouble()))!.Value)} / {Time(figure)}, "
                + $"{Short(Median(results.Select(result => result.TryGetProperty("server_cpu_pct", out JsonElement cpu) ? cpu.GetDouble() : 0))!.Value)} %",
            "startup" => $"{Short(figure)} ms, {Short(Median(results.Select(result => result.GetProperty("rss_bytes").GetDouble()))!.Value / 1048576)} MiB",
            _ => Short(figure),
        };
    }

    /// <summary>How many times better than the baseline; null when there is one figure only.</summary>
    public double? Ratio(ReportRow row)
    {
        double? own = Median(row, Own), baseline = Median(row, Kestrel) ?? Median(row, Other);
        if (own is not > 0 || baseline is not > 0) return null;
        return row.IsCost ? baseline / own : own / baseline;
    }

    public void WriteTable(TextWriter output)
    {
        int title = Math.Max(24, _rows.Max(row => row.Title.Length));
        string[] heads = ["per second of server CPU".PadRight(title), .. Servers.Select(Name), "ratio", "floor"];
        var lines = new List<string[]> { heads };
        foreach (ReportRow row in _rows)
        {
            string ratio = Ratio(row) is { } value ? value.ToString("0.00", CultureInfo.InvariantCulture) + "x" : "";
            lines.Add([row.Title.PadRight(title), .. Servers.Select(server => Text(row, server)), ratio, Verdict(row)]);
        }

        int[] widths = [.. Enumerable.Range(0, heads.Length).Select(column => lines.Max(line => line[column].Length))];
        foreach (string[] line in lines) output.WriteLine(string.Join("  ", line.Select((cell, i) => i == 0 ? cell : cell.PadLeft(widths[i]))).TrimEnd());
    }

    public static string Name(string server) => server switch { Own => "Tandem", Kestrel => "Kestrel", Other => "the other", _ => server };

    public static string Short(double value) => value switch
    {
        >= 1e6 => (value / 1e6).ToString("0.00 M", CultureInfo.InvariantCulture),
        >= 1e4 => (value / 1e3).ToString("0.0 k", CultureInfo.InvariantCulture),
        _ => value.ToString("0", CultureInfo.InvariantCulture),
    };

    private static string Time(double microseconds) => microseconds >= 1e4
        ? string.Create(CultureInfo.InvariantCulture, $"{microseconds / 1e3:0.0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{microseconds:0} us");

    private JsonElement[] Of(ReportRow row, string server) =>
        [.. _results.Where(result => result.Workload == row.Key && result.Server == server).Select(result => result.Result)];

    private string Verdict(ReportRow row)
    {
        if (row.Floor is not { } floor) return "";
        string text = floor.ToString(CultureInfo.InvariantCulture);
        if (row.Figure == "rss_per_connection") return $"<= {text} B {(Median(row, Own) <= floor ? "met" : "BELOW")}";
        return Ratio(row) is { } ratio ? $"{text}x {(ratio >= floor ? "met" : "BELOW")}" : "";
    }

    private static double? Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0) return null;
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
