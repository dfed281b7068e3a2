using System.Diagnostics;
using System.Diagnostics.Metrics;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Telemetry;

/// <summary>The instruments of one role, <c>websocket.server.*</c> or <c>websocket.client.*</c>. docs/observability.md is their table.</summary>
internal sealed class RoleTelemetry
{
    private readonly Counter<long> _handshakes;
    private readonly Counter<long> _closes;
    private readonly Counter<long> _faults;

    public RoleTelemetry(Meter meter, string role)
    {
        string prefix = $"websocket.{role}.";
        TrafficLedger traffic = Traffic;
        _handshakes = meter.CreateCounter<long>(prefix + "handshakes", "{handshake}", "Opening handshakes, by what became of them.");
        _closes = meter.CreateCounter<long>(prefix + "closes", "{connection}", "Connections that have ended, by close code and who ended them.");
        _faults = meter.CreateCounter<long>(prefix + "faults", "{fault}", "Violations of the protocol by peers, by the rule that was broken.");
        meter.CreateObservableUpDownCounter(
            prefix + "connections", () => traffic.Sum(static block => Volatile.Read(ref block.Connections)), "{connection}", "Open connections.");
        meter.CreateObservableCounter(
            prefix + "messages",
            () => Directions(static block => Volatile.Read(ref block.MessagesReceived), static block => Volatile.Read(ref block.MessagesSent)),
            "{message}",
            "Text and binary messages.");
        meter.CreateObservableCounter(
            prefix + "io",
            () => Directions(static block => Volatile.Read(ref block.BytesReceived), static block => Volatile.Read(ref block.BytesSent)),
            "By",
            "Bytes of frames that came from, and were taken by, the transport.");
        meter.CreateObservableUpDownCounter(
            prefix + "buffered", () => traffic.Sum(static block => Volatile.Read(ref block.Buffered)), "By", "Bytes that wait for peers to take them.");
        meter.CreateObservableCounter(prefix + "compression.io", Compression, "By", "Payload of compressed messages, before and after.");
    }

    public TrafficLedger Traffic { get; } = new();

    /// <summary>Counts a handshake.</summary>
    /// <param name="outcome">Accepted, refused, abandoned or failed.</param>
    /// <param name="status">The HTTP status; 0 when there was none.</param>
    /// <param name="error">Why it was not accepted; null when it was.</param>
    public void Handshake(string outcome, int status, string? error)
    {
        if (!_handshakes.Enabled) return;
        var tags = new TagList { { TelemetryTags.Outcome, outcome } };
        if (status != 0) tags.Add(TelemetryTags.StatusCode, TelemetryTags.OfStatus(status));
        if (error is not null) tags.Add(TelemetryTags.ErrorType, error);
        _handshakes.Add(1, tags);
    }

    public void Closed(in CloseCause cause)
    {
        if (!_closes.Enabled) return;
        _closes.Add(
            1,
            new KeyValuePair<string, object?>(TelemetryTags.CloseCode, TelemetryTags.Of(cause.Status)),
            new KeyValuePair<string, object?>(TelemetryTags.CloseInitiator, TelemetryTags.Of(cause.Initiator)));
    }

    public void Fault(ProtocolFault fault)
    {
        if (_faults.Enabled) _faults.Add(1, new KeyValuePair<string, object?>(TelemetryTags.ErrorType, TelemetryTags.Of(fault)));
    }

    private IEnumerable<Measurement<long>> Directions(Func<TrafficCounters, long> received, Func<TrafficCounters, long> sent) =>
    [
        new Measurement<long>(Traffic.Sum(received), TelemetryTags.Received),
        new Measurement<long>(Traffic.Sum(sent), TelemetryTags.Sent),
    ];

    private IEnumerable<Measurement<long>> Compression() =>
    [
        new Measurement<long>(Traffic.Sum(static block => Volatile.Read(ref block.CompressedReceived)), TelemetryTags.Received, TelemetryTags.Compressed),
        new Measurement<long>(Traffic.Sum(static block => Volatile.Read(ref block.PlainReceived)), TelemetryTags.Received, TelemetryTags.Plain),
        new Measurement<long>(Traffic.Sum(static block => Volatile.Read(ref block.CompressedSent)), TelemetryTags.Sent, TelemetryTags.Compressed),
        new Measurement<long>(Traffic.Sum(static block => Volatile.Read(ref block.PlainSent)), TelemetryTags.Sent, TelemetryTags.Plain),
    ];
}
