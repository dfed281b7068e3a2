using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Tandem.Cli.Bench;

/// <summary>A result for people, as a table, and for programs, as one JSON object on one line: docs/bench.md is the list of its fields.</summary>
internal static class BenchReport
{
    private static readonly (string Name, string Key, double Part)[] Quantiles =
        [("50 %", "p50", 0.5), ("90 %", "p90", 0.9), ("99 %", "p99", 0.99), ("99.9 %", "p99_9", 0.999), ("most", "max", 1)];

    public static void WriteTable(TextWriter output, BenchResult result)
    {
        BenchOptions options = result.Options;
        output.WriteLine($"{Name(options)} at {options.Url}: {Conditions(result)}");
        foreach ((string name, string value) in Rows(result)) output.WriteLine($"  {name,-30} {value}");
        if (result.Latency.Count != 0)
        {
            string quantiles = string.Join(", ", Quantiles.Select(quantile => $"{quantile.Name} {Time(result.Latency.Quantile(quantile.Part))}"));
            output.WriteLine($"  {LatencyName(options.Mode),-30} {quantiles}");
        }

        string verified = result.IsVerified ? "type, length and content of every message compared" : "every answer judged";
        output.WriteLine($"  {"checked",-30} {verified}{(options is { IsSampled: true } && result.IsVerified ? "; of the content both ends and a piece between" : "")}");
        if (result.Errors.Length == 0) output.WriteLine($"  {"errors",-30} none");
        foreach ((string cause, long count) in result.Errors) output.WriteLine($"  {"errors",-30} {Number(count)} x {cause}");
        if (options.Deflate && !result.Compressed) output.WriteLine("  note: the server did not compress: it declined permessage-deflate, or the messages are too short.");
        if (result.Interrupted) output.WriteLine("  interrupted: the figures are those until then.");
        if (result.Failure is not null) output.WriteLine($"  ended early: {result.Failure}.");
    }

    public static byte[] ToJson(BenchResult result)
    {
        BenchOptions options = result.Options;
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("mode", Name(options));
            json.WriteString("url", options.Url.ToString());
            if (options.Mode != BenchMode.Connect) json.WriteNumber("connections", options.Connections);
            json.WriteNumber("in_flight", options.InFlight);
            json.WriteNumber("size", options.Size);
            json.WriteString("type", options.Text ? "text" : "binary");
            json.WriteString("deflate", result.DeflateState);
            json.WriteNumber("threads", options.Threads);
            if (options.Mode == BenchMode.Rate) json.WriteNumber("rate", options.Rate);
            if (options.Mode == BenchMode.Broadcast) json.WriteNumber("publishers", options.Publishers);
            if (options.Mode == BenchMode.Connect) json.WriteBoolean("close", options.Close);
            Write(json, "warm_up_s", options.WarmUp.TotalSeconds);
            WriteFigures(json, result);
            WriteLatency(json, result.Latency);
            json.WriteBoolean("verified", result.IsVerified);
            json.WriteNumber("bad", result.Bad);
            json.WriteStartObject("errors");
            foreach ((string cause, long count) in result.Errors) json.WriteNumber(cause, count);
            json.WriteEndObject();
            json.WriteBoolean("interrupted", result.Interrupted);
            json.WriteString("failure", result.Failure);
            WriteMachine(json, result);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteFigures(Utf8JsonWriter json, BenchResult result)
    {
        if (result.Options.Mode != BenchMode.Connect)
        {
            json.WriteNumber("opened", result.Opened);
            Write(json, "open_s", result.OpenSeconds);
        }

        Write(json, "seconds", result.Spent.Seconds);
        json.WriteNumber("count", result.Count);
        if (result.Options.Mode != BenchMode.Idle) Write(json, "per_s", result.PerSecond);
        Write(json, "per_cpu_s", result.Options.Mode == BenchMode.Idle ? null : result.PerServerCpuSecond);
        if (result.Publishes is { } publishes && result.Spent.Seconds > 0) Write(json, "publishes_per_s", publishes / result.Spent.Seconds);
        if (result.Options.Mode is BenchMode.Echo or BenchMode.Rate or BenchMode.Broadcast) Write(json, "mb_per_s", result.PerSecond * result.Options.Size / 1e6);
        Write(json, "server_cpu_pct", result.ServerCpuPercent);
        Write(json, "generator_cpu_pct", result.GeneratorCpuPercent);
        Write(json, "rss_bytes", result.ResidentBytes);
        Write(json, "rss_base_bytes", result.BaseBytes);
        Write(json, "rss_per_connection", result.BytesPerConnection);
    }

    private static void WriteLatency(Utf8JsonWriter json, LatencyHistogram latency)
    {
        json.WriteStartObject("latency_us");
        json.WriteNumber("samples", latency.Count);
        foreach ((_, string key, double part) in Quantiles)
        {
            if (latency.Count != 0) Write(json, key, latency.Quantile(part) / 1e3);
        }

        json.WriteEndObject();
    }

    private static void WriteMachine(Utf8JsonWriter json, BenchResult result)
    {
        json.WriteStartObject("conditions");
        json.WriteString("started", result.Started.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        json.WriteString("os", RuntimeInformation.OSDescription);
        json.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        json.WriteString("architecture", RuntimeInformation.ProcessArchitecture.ToString());
        json.WriteNumber("processors", Environment.ProcessorCount);
        json.WriteEndObject();
    }

    private static IEnumerable<(string Name, string Value)> Rows(BenchResult result)
    {
        BenchMode mode = result.Options.Mode;
        if (mode != BenchMode.Connect) yield return ("opened", $"{Number(result.Opened)} connections in {Number(result.OpenSeconds, 2)} s");
        if (result.Spent.Seconds > 0)
        {
            if (mode != BenchMode.Idle) yield return ($"{Unit(mode)} a second", $"{Number(result.PerSecond)} ({Number(result.Count)} in {Number(result.Spent.Seconds, 2)} s)");
            if (result.Publishes is { } publishes) yield return ("publishes a second", Number(publishes / result.Spent.Seconds));
            if (mode != BenchMode.Idle && result.PerServerCpuSecond is { } perCpu) yield return ($"{Unit(mode)} a CPU-second", $"{Number(perCpu)} of the server");
            string server = result.ServerCpuPercent is { } percent ? $"server {Number(percent, 1)} %, " : "";
            yield return ("processor", $"{server}generator {Number(result.GeneratorCpuPercent, 1)} %");
        }

        if (result.BytesPerConnection is { } bytes) yield return ("memory of the server", $"{Number(bytes)} bytes a connection");
        else if (result.ResidentBytes is { } resident) yield return ("memory of the server", $"{Number(resident / 1048576.0, 1)} MiB");
    }

    private static string Conditions(BenchResult result)
    {
        BenchOptions options = result.Options;
        var parts = new List<string>();
        if (options.Mode == BenchMode.Connect) parts.Add($"{options.InFlight} at a time, each ended by {(options.Close ? "a closing handshake" : "a reset")}");
        else parts.Add($"{Number(options.Connections)} connections");
        if (options.Mode == BenchMode.Echo) parts.Add($"{options.InFlight} in flight on each");
        if (options.Mode == BenchMode.Rate) parts.Add($"{Number(options.Rate)} messages a second in all");
        if (options.Mode == BenchMode.Broadcast) parts.Add($"{options.Publishers} of which publish, {options.InFlight} at a time");
        if (options.Mode != BenchMode.Connect) parts.Add($"{Number(options.Size)} bytes of {(options.Text ? "text" : "binary")}");
        if (options.Deflate) parts.Add($"permessage-deflate {result.DeflateState}");
        parts.Add($"{options.Threads} thread{(options.Threads == 1 ? "" : "s")}");
        parts.Add($"{Number(options.WarmUp.TotalSeconds, 1)} s of warm-up");
        return string.Join(", ", parts);
    }

    private static string Unit(BenchMode mode) => mode switch { BenchMode.Broadcast => "deliveries", BenchMode.Connect => "handshakes", _ => "messages" };

    private static string LatencyName(BenchMode mode) => mode switch
    {
        BenchMode.Rate => "from when it was due",
        BenchMode.Broadcast => "from publish to delivery",
        BenchMode.Connect => "from connect to open",
        _ => "there and back",
    };

#pragma warning disable CA1308 // names as the command line has them
    private static string Name(BenchOptions options) => options.Mode.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    private static string Time(long nanoseconds) => nanoseconds switch
    {
        < 1_000_000 => $"{Number(nanoseconds / 1e3, 1)} us",
        < 1_000_000_000 => $"{Number(nanoseconds / 1e6, 1)} ms",
        _ => $"{Number(nanoseconds / 1e9, 2)} s",
    };

    private static string Number(double value, int digits = 0) => value.ToString($"N{digits}", CultureInfo.InvariantCulture);

    // Three digits behind the point are more than any of the figures is good for.
    private static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number)) json.WriteNumber(name, (decimal)Math.Round(number, 3));
    }
}
