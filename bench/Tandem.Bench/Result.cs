using System.Buffers;
using System.Text;
using System.Text.Json;
using Tandem.Cli.Bench;

namespace Tandem.Benchmarks;

/// <summary>One measurement, printed as one JSON object on one line.</summary>
/// <param name="mode">What was measured.</param>
internal sealed class Result(string mode)
{
    private readonly List<(string Name, double Value)> _figures = [];

    public void Add(string name, double value) => _figures.Add((name, value));

    /// <summary>How many a second, how many a second of the server's processor time, and how busy either side was.</summary>
    public void AddRates(double count, Spending spent)
    {
        Add("seconds", spent.Seconds);
        Add("per_s", count / spent.Seconds);
        if (spent.ServerCpu is { } cpu)
        {
            Add("per_cpu_s", cpu > 0 ? count / cpu : 0);
            Add("server_cpu_pct", cpu / spent.Seconds * 100);
        }

        Add("generator_cpu_pct", spent.GeneratorCpu / spent.Seconds * 100);
    }

    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("mode", mode);
            // Three digits behind the point are more than any of the figures is good for.
            foreach ((string name, double value) in _figures) writer.WriteNumber(name, (decimal)Math.Round(value, 3));
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
