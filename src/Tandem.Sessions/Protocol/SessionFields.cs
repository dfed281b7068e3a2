using Tandem.Sessions.Protocol;

namespace Tandem.Fields;

/// <summary>The fields that only frames of sessions have.</summary>
internal ref partial struct FieldReader
{
    public FieldReader(ReadOnlySpan<byte> frame, FrameType type)
    {
        _bytes = frame;
        _position = 1;
        _fault = frame.IsEmpty ? SessionFault.EmptyFrame : frame[0] != (byte)type ? SessionFault.UnknownType : SessionFault.None;
    }

    public uint Origin() => (uint)Integer(1, uint.MaxValue);

    public ReadOnlySpan<byte> Name()
    {
        ReadOnlySpan<byte> name = Text(1, ProtocolLimits.MaxNameBytes);
        if (!Names.HasControl(name)) return name;
        Fail(SessionFault.ControlCharacterInName);
        return default;
    }

    public PositionList Positions()
    {
        if (_fault != SessionFault.None) return default;
        int start = _position;
        long count = Integer(0, ProtocolLimits.MaxInteger);
        if (count > ProtocolLimits.MaxPositions) Fail(SessionFault.TooManyPositions);
        Span<uint> seen = stackalloc uint[ProtocolLimits.MaxPositions];
        for (int i = 0; i < count && _fault == SessionFault.None; i++)
        {
            seen[i] = Origin();
            if (_fault == SessionFault.None && seen[..i].Contains(seen[i])) Fail(SessionFault.RepeatedOrigin);
            Integer(0, ProtocolLimits.MaxInteger);
        }

        return _fault == SessionFault.None ? PositionList.FromChecked(_bytes[start.._position]) : default;
    }
}

/// <inheritdoc cref="FieldReader"/>
internal ref partial struct FieldWriter
{
    public FieldWriter(Span<byte> destination, FrameType type)
        : this(destination, (byte)type)
    {
    }

    public void Positions(PositionList positions) => Written += positions.WriteTo(_destination[Written..]);
}
