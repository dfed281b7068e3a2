using System.CommandLine;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Tandem.Server.Link;
using Tandem.WebSockets;

namespace Tandem.Cli;

/// <summary>
/// Metrics and traces to a collector, by OTLP over HTTP. What else there is to say about it (interval, headers, resource attributes) stands in
/// OpenTelemetry's own variables of the environment, OTEL_METRIC_EXPORT_INTERVAL and so on.
/// </summary>
internal sealed class Otlp : IDisposable
{
    // A collector that does not answer must not hold up the end of the program; OpenTelemetry's own 10 s would.
    private const int TimeoutMilliseconds = 3000;

    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;

    private Otlp(Uri collector)
    {
        ResourceBuilder resource = ResourceBuilder.CreateEmpty().AddService("tandem").AddTelemetrySdk().AddEnvironmentVariableDetector();
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter(WebSocketTelemetry.Name, LinkTelemetry.Name, "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
            .AddOtlpExporter(options => Configure(options, collector, "v1/metrics"))
            .Build();
        _traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(WebSocketTelemetry.Name, "Microsoft.AspNetCore")
            .AddOtlpExporter(options => Configure(options, collector, "v1/traces"))
            .Build();
    }

    public static Option<Uri?> Option() => new("--otlp")
    {
        Description = "Send metrics and traces to an OpenTelemetry collector, by OTLP over HTTP: its base URL, such as http://127.0.0.1:4318.",
        HelpName = "URL",
        CustomParser = result => CommonOptions.ReadUrl(result, url => url.Scheme is "http" or "https", text => $"--otlp: '{text}' is not an http:// or https:// URL."),
    };

    /// <summary>Begins to export; disposing it sends the rest.</summary>
    /// <returns>Null when there is no collector.</returns>
    public static Otlp? Start(Uri? collector) => collector is null ? null : new Otlp(collector);

    public void Dispose()
    {
        _metrics.Shutdown(TimeoutMilliseconds);
        _metrics.Dispose();
        _traces.Shutdown(TimeoutMilliseconds);
        _traces.Dispose();
    }

    // Given in code an endpoint is taken as it is, without the path of the signal.
    private static void Configure(OtlpExporterOptions options, Uri collector, string path)
    {
        options.Protocol = OtlpExportProtocol.HttpProtobuf;
        options.Endpoint = new Uri(collector.AbsoluteUri.EndsWith('/') ? collector : new Uri(collector.AbsoluteUri + "/"), path);
        options.TimeoutMilliseconds = TimeoutMilliseconds;
    }
}
