using System.Diagnostics.Metrics;

namespace Tandem.Tests.Support;

/// <summary>
/// Makes the meters of a test, as dependency injection does, and listens to them alone: what other tests do at the same time is not seen. Names and
/// attributes are written <c>name{attribute=value,...}</c>, the attributes in the order of their names.
/// </summary>
internal sealed class Metrics : IMeterFactory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, double> _values = [];
    private readonly Dictionary<string, Instrument> _instruments = [];
    private readonly List<Meter> _meters = [];
    private readonly MeterListener _listener = new();

    public Metrics()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope != this) return;
            lock (_gate) _instruments[instrument.Name] = instrument;
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>All instruments by name.</summary>
    public IReadOnlyDictionary<string, Instrument> Instruments => _instruments;

    /// <summary>The value of a series at this moment; 0 when there is none.</summary>
    public double this[string series]
    {
        get
        {
            _listener.RecordObservableInstruments();
            lock (_gate) return _values.GetValueOrDefault(series);
        }
    }

    /// <summary>The series whose value is not 0, with their values: <c>name{...}: value</c>.</summary>
    public string[] Of(string name)
    {
        _listener.RecordObservableInstruments();
        lock (_gate)
        {
            return [.. _values.Where(pair => pair.Value != 0 && (pair.Key == name || pair.Key.StartsWith(name + "{", StringComparison.Ordinal)))
                .Select(pair => FormattableString.Invariant($"{pair.Key}: {pair.Value}")).Order(StringComparer.Ordinal)];
        }
    }

    public Task Becomes(string series, double expected) => Eventually.Equal(expected, () => this[series], series);

    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        var meter = new Meter(options);
        _meters.Add(meter);
        return meter;
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (Meter meter in _meters) meter.Dispose();
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string series = instrument.Name;
        if (!tags.IsEmpty) series += "{" + string.Join(',', tags.ToArray().OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => FormattableString.Invariant($"{tag.Key}={tag.Value}"))) + "}";
        lock (_gate) _values[series] = instrument.IsObservable ? value : _values.GetValueOrDefault(series) + value;
    }
}
