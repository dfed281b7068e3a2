namespace Tandem.Sessions.Protocol;

/// <summary>An offset of one origin: an event of a topic, or how far a subscriber has come.</summary>
/// <param name="Origin">Who counted, 1 to 2^32 - 1.</param>
/// <param name="Offset">The number there; 0: before the first.</param>
public readonly record struct TopicPosition(uint Origin, long Offset);

/// <summary>A position as it lies in a frame: checked bytes, or entries to be written.</summary>
public readonly ref struct PositionList
{
    private readonly ReadOnlySpan<byte> _encoded;
    private readonly ReadOnlySpan<TopicPosition> _entries;

    /// <summary>A position to be written.</summary>
    /// <param name="entries">At most 64, no origin twice.</param>
    public PositionList(ReadOnlySpan<TopicPosition> entries)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entries.Length, ProtocolLimits.MaxPositions);
        _entries = entries;
    }

    private PositionList(ReadOnlySpan<byte> encoded, int length) => _encoded = encoded[..length];

    /// <summary>How many origins it names.</summary>
    public int Count => _encoded.IsEmpty ? _entries.Length : _encoded[0];

    internal int Length
    {
        get
        {
            if (!_encoded.IsEmpty) return _encoded.Length;
            int length = 1;
            foreach (TopicPosition entry in _entries) length += FieldWriter.IntegerLength(entry.Origin) + FieldWriter.IntegerLength(entry.Offset);
            return length;
        }
    }

    /// <summary>A position that has been read and checked.</summary>
    internal static PositionList FromChecked(ReadOnlySpan<byte> encoded) => new(encoded, encoded.Length);

    /// <summary>Copies the entries out.</summary>
    /// <returns>A new array.</returns>
    public TopicPosition[] ToArray()
    {
        if (_encoded.IsEmpty) return _entries.ToArray();
        var reader = new FieldReader(_encoded);
        var entries = new TopicPosition[reader.Integer(0, ProtocolLimits.MaxPositions)];
        for (int i = 0; i < entries.Length; i++) entries[i] = new TopicPosition(reader.Origin(), reader.Integer(0, ProtocolLimits.MaxInteger));
        return entries;
    }

    internal int WriteTo(Span<byte> destination)
    {
        if (!_encoded.IsEmpty)
        {
            _encoded.CopyTo(destination);
            return _encoded.Length;
        }

        var writer = new FieldWriter(destination);
        writer.Integer(_entries.Length);
        foreach (TopicPosition entry in _entries)
        {
            writer.Integer(entry.Origin);
            writer.Integer(entry.Offset);
        }

        return writer.Written;
    }
}
