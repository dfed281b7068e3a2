using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Tandem.WebSockets;

namespace Tandem.Server.Inspector;

/// <summary>
/// The figures of the application's WebSockets, from the instruments that everybody else has them from: docs/observability.md is their table. What counts events is
/// listened to from the start; what is observed is read when somebody looks.
/// </summary>
internal sealed class InspectorFigures : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _collecting = new();
    private readonly ConcurrentDictionary<(string Code, string Initiator), long> _closes = new();
    private readonly ConcurrentDictionary<string, long> _handshakes = new();
    private readonly SortedDictionary<int, double> _busySeconds = [];
    private long _dropped;
    private Observed _observed;

    /// <param name="factory">Who made the meter of this application; null: the process's own meter.</param>
    public InspectorFigures(IMeterFactory? factory)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            // There may be several hosts in a process, each with a meter of the name.
            if (instrument.Meter.Name == WebSocketTelemetry.Name && ReferenceEquals(instrument.Meter.Scope, factory)) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument.Name, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument.Name, value, tags));
        _listener.Start();
    }

    /// <summary>What is observed at one moment.</summary>
    public record struct Observed(
        long Connections, long MessagesReceived, long MessagesSent, long BytesReceived, long BytesSent, long Buffered, long CompressionMemory);

    /// <summary>Reads everything.</summary>
    public Snapshot Collect()
    {
        lock (_collecting)
        {
            _observed = default;
            _busySeconds.Clear();
            _listener.RecordObservableInstruments();
            return new Snapshot(
                _observed,
                [.. _busySeconds.Values],
                Interlocked.Read(ref _dropped),
                [.. _handshakes.OrderBy(entry => entry.Key, StringComparer.Ordinal)],
                [.. _closes.OrderBy(entry => entry.Key)]);
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Take(string name, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        switch (name)
        {
            case "websocket.server.closes":
                _closes.AddOrUpdate((Tag(tags, "websocket.close.code"), Tag(tags, "websocket.close.initiator")), value, (_, sum) => sum + value);
                break;
            case "websocket.server.handshakes":
                _handshakes.AddOrUpdate(Tag(tags, "websocket.handshake.outcome"), value, (_, sum) => sum + value);
                break;
            case "websocket.server.dropped_messages":
                Interlocked.Add(ref _dropped, value);
                break;
            case "websocket.server.connections":
                _observed.Connections = value;
                break;
            case "websocket.server.messages" when IsReceived(tags):
                _observed.MessagesReceived = value;
                break;
            case "websocket.server.messages":
                _observed.MessagesSent = value;
                break;
            case "websocket.server.io" when IsReceived(tags):
                _observed.BytesReceived = value;
                break;
            case "websocket.server.io":
                _observed.BytesSent = value;
                break;
            case "websocket.server.buffered":
                _observed.Buffered = value;
                break;
            case "websocket.compression.memory":
                _observed.CompressionMemory = value;
                break;
        }
    }

    private void Take(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (name != "websocket.server.loop.busy_time") return;
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            if (tag is { Key: "websocket.loop.id", Value: int loop }) _busySeconds[loop] = value;
        }
    }

    private static bool IsReceived(ReadOnlySpan<KeyValuePair<string, object?>> tags) => Tag(tags, "network.io.direction") == "receive";

    private static string Tag(ReadOnlySpan<KeyValuePair<string, object?>> tags, string name)
    {
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            if (tag.Key == name) return tag.Value?.ToString() ?? "";
        }

        return "";
    }

    /// <summary>All figures of one moment. Counts are since the application was built.</summary>
    public sealed record Snapshot(
        Observed Observed,
        IReadOnlyList<double> BusySeconds,
        long DroppedMessages,
        IReadOnlyList<KeyValuePair<string, long>> Handshakes,
        IReadOnlyList<KeyValuePair<(string Code, string Initiator), long>> Closes);
}
