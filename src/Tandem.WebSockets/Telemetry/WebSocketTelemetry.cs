using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>
/// Metrics and traces of everything in this assembly: a <see cref="Meter"/> and an <see cref="ActivitySource"/>, both called <see cref="Name"/>.
/// docs/observability.md names every instrument and attribute. What nobody listens to costs an addition for each message.
/// </summary>
/// <remarks>Thread-safe.</remarks>
/// <example>
/// <code>
/// using MeterProvider metrics = Sdk.CreateMeterProviderBuilder().AddMeter(WebSocketTelemetry.Name).AddOtlpExporter().Build();
/// </code>
/// </example>
public sealed class WebSocketTelemetry
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Name = "Tandem.WebSockets";

    private static readonly string? Version = typeof(WebSocketTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
    private static readonly ConditionalWeakTable<IMeterFactory, WebSocketTelemetry> OfFactories = [];

    private readonly Counter<long> _errors;
    private readonly Counter<long> _dropped;

    private WebSocketTelemetry(Meter meter)
    {
        Server = new RoleTelemetry(meter, "server");
        Client = new RoleTelemetry(meter, "client");
        _errors = meter.CreateCounter<long>("websocket.server.errors", "{error}", "Exceptions of handlers, and errors of the server itself.");
        _dropped = meter.CreateCounter<long>("websocket.server.dropped_messages", "{message}", "Messages that were dropped because their peer does not read.");
        meter.CreateObservableCounter("websocket.server.loop.busy_time", Server.Traffic.BusySeconds, "s", "Time in which an event loop was not waiting.");
        meter.CreateObservableUpDownCounter(
            "websocket.compression.memory", static () => DeflateBudget.Reserved, "By", "What the compression contexts of the process may come to hold.");
    }

    /// <summary>The telemetry of whoever names no other: its meter belongs to the process.</summary>
    public static WebSocketTelemetry Shared { get; } = new(new Meter(Name, Version));

    internal static ActivitySource Source { get; } = new(Name, Version ?? "");

    internal RoleTelemetry Server { get; }

    internal RoleTelemetry Client { get; }

    /// <summary>The telemetry whose meter a factory makes, as dependency injection has one; the same for every call with the same factory.</summary>
    /// <param name="factory">Makes the meter; null for <see cref="Shared"/>.</param>
    /// <returns>The telemetry.</returns>
    public static WebSocketTelemetry For(IMeterFactory? factory)
    {
        if (factory is null) return Shared;
        // Under a lock, because a second set of instruments in the same meter would be reported beside the first.
        lock (OfFactories)
        {
            return OfFactories.GetValue(factory, static made => new WebSocketTelemetry(made.Create(new MeterOptions(Name) { Version = Version })));
        }
    }

    /// <summary>Counts a handshake that a server has accepted: for hosts that answer handshakes themselves and then make a <see cref="WebSocketConnection"/>.</summary>
    /// <param name="status">101, or 200 where RFC 8441 has it.</param>
    public void RecordAccepted(int status) => Server.Handshake(TelemetryTags.Accepted, status, null);

    /// <summary>Counts a handshake that breaks a rule.</summary>
    /// <param name="refusal">The rule.</param>
    public void RecordRefused(HandshakeRefusal refusal) => Server.Handshake(TelemetryTags.Refused, refusal.Status(), TelemetryTags.Of(refusal));

    /// <summary>Counts a handshake that the application has refused with a status of its own.</summary>
    /// <param name="status">The status, which is the reason too.</param>
    public void RecordRefused(int status) => Server.Handshake(TelemetryTags.Refused, status, status.ToString(CultureInfo.InvariantCulture));

    internal void Abandoned() => Server.Handshake(TelemetryTags.Abandoned, 0, TelemetryTags.Abandoned);

    internal void Error(Exception exception)
    {
        if (_errors.Enabled) _errors.Add(1, new KeyValuePair<string, object?>(TelemetryTags.ErrorType, TelemetryTags.Of(exception)));
    }

    internal void Dropped()
    {
        if (_dropped.Enabled) _dropped.Add(1);
    }
}
