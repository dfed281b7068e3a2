using System.Buffers.Binary;
using System.Text.Unicode;

namespace Tandem.Sessions.Protocol;

/// <summary>Reads the fields of one frame in order. The first rule that is broken is kept, and everything after it reads as empty.</summary>
internal ref struct FieldReader
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;
    private SessionFault _fault;

    public FieldReader(ReadOnlySpan<byte> frame, FrameType type)
    {
        _bytes = frame;
        _position = 1;
        _fault = frame.IsEmpty ? SessionFault.EmptyFrame : frame[0] != (byte)type ? SessionFault.UnknownType : SessionFault.None;
    }

    /// <summary>Reads what has no type byte: a body, or a list of positions.</summary>
    public FieldReader(ReadOnlySpan<byte> bytes)
    {
        _bytes = bytes;
    }

    public readonly SessionFault Fault => _fault;

    public readonly int Position => _position;

    public long Integer(long min, long max)
    {
        if (_fault != SessionFault.None) return 0;
        long value = 0;
        for (int count = 0; ; count++)
        {
            // Eight bytes are 56 bits: a ninth can only belong to what is too large.
            if (count == ProtocolLimits.MaxIntegerBytes) return Fail(SessionFault.IntegerTooLarge);
            if (_position == _bytes.Length) return Fail(SessionFault.Truncated);
            byte next = _bytes[_position++];
            value |= (long)(next & 0x7F) << (7 * count);
            if (next >= 0x80) continue;
            if (next == 0 && count > 0) return Fail(SessionFault.IntegerNotShortest);
            break;
        }

        if (value > ProtocolLimits.MaxInteger) return Fail(SessionFault.IntegerTooLarge);
        return value >= min && value <= max ? value : Fail(SessionFault.NumberOutOfRange);
    }

    public int Flags(int allowed)
    {
        long flags = Integer(0, ProtocolLimits.MaxInteger);
        return (flags & ~(long)allowed) == 0 ? (int)flags : (int)Fail(SessionFault.ReservedFlag);
    }

    public SessionCode Code() => (SessionCode)Integer(0, byte.MaxValue);

    public uint Origin() => (uint)Integer(1, uint.MaxValue);

    public ulong Fixed64()
    {
        ReadOnlySpan<byte> bytes = Take(sizeof(ulong));
        return bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    public ReadOnlySpan<byte> Text(int min, int max)
    {
        long length = Integer(0, ProtocolLimits.MaxInteger);
        if (_fault != SessionFault.None) return default;
        // Judged before the bytes are there, so that the fault does not depend on where a frame was cut.
        if (length > max) Fail(SessionFault.StringTooLong);
        else if (length < min) Fail(SessionFault.StringTooShort);
        ReadOnlySpan<byte> text = Take((int)length);
        if (Utf8.IsValid(text)) return text;
        Fail(SessionFault.InvalidUtf8);
        return default;
    }

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

    public ReadOnlySpan<byte> Take(int length)
    {
        if (_fault != SessionFault.None) return default;
        if (length > _bytes.Length - _position)
        {
            Fail(SessionFault.Truncated);
            return default;
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_position, length);
        _position += length;
        return taken;
    }

    public ReadOnlySpan<byte> Rest() => Take(_bytes.Length - Math.Min(_position, _bytes.Length));

    public SessionFault End()
    {
        if (_fault == SessionFault.None && _position < _bytes.Length) Fail(SessionFault.TrailingBytes);
        return _fault;
    }

    private long Fail(SessionFault fault)
    {
        if (_fault == SessionFault.None) _fault = fault;
        return 0;
    }
}
