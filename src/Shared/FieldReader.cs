using System.Buffers.Binary;
using System.Text.Unicode;

namespace Tandem.Fields;

/// <summary>Reads the fields of one frame or message in order. The first rule that is broken is kept, and everything after it reads as empty.</summary>
/// <remarks>
/// Sessions and links have the same primitives, and neither project may depend on the other. So this source is compiled into both: not a project of its own,
/// which would make public what nobody else is to use. FieldFault and FieldLimits are aliases, in the project files, of what the tables of each say.
/// </remarks>
internal ref partial struct FieldReader
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;
    private FieldFault _fault;

    /// <summary>Reads what has no type byte.</summary>
    public FieldReader(ReadOnlySpan<byte> bytes)
    {
        _bytes = bytes;
    }

    public readonly FieldFault Fault => _fault;

    public readonly int Position => _position;

    public long Integer(long min, long max)
    {
        if (_fault != FieldFault.None) return 0;
        long value = 0;
        for (int count = 0; ; count++)
        {
            // Eight bytes are 56 bits: a ninth can only belong to what is too large.
            if (count == FieldLimits.MaxIntegerBytes) return Fail(FieldFault.IntegerTooLarge);
            if (_position == _bytes.Length) return Fail(FieldFault.Truncated);
            byte next = _bytes[_position++];
            value |= (long)(next & 0x7F) << (7 * count);
            if (next >= 0x80) continue;
            if (next == 0 && count > 0) return Fail(FieldFault.IntegerNotShortest);
            break;
        }

        if (value > FieldLimits.MaxInteger) return Fail(FieldFault.IntegerTooLarge);
        return value >= min && value <= max ? value : Fail(FieldFault.NumberOutOfRange);
    }

    public int Flags(int allowed)
    {
        long flags = Integer(0, FieldLimits.MaxInteger);
        return (flags & ~(long)allowed) == 0 ? (int)flags : (int)Fail(FieldFault.ReservedFlag);
    }

    public int Code() => (int)Integer(0, byte.MaxValue);

    public ulong Fixed64()
    {
        ReadOnlySpan<byte> bytes = Take(sizeof(ulong));
        return bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    public ReadOnlySpan<byte> Text(int min, int max)
    {
        long length = Integer(0, FieldLimits.MaxInteger);
        if (_fault != FieldFault.None) return default;
        // Judged before the bytes are there, so that the fault does not depend on where a frame was cut.
        if (length > max) Fail(FieldFault.StringTooLong);
        else if (length < min) Fail(FieldFault.StringTooShort);
        ReadOnlySpan<byte> text = Take((int)length);
        if (Utf8.IsValid(text)) return text;
        Fail(FieldFault.InvalidUtf8);
        return default;
    }

    public ReadOnlySpan<byte> Take(int length)
    {
        if (_fault != FieldFault.None) return default;
        if (length > _bytes.Length - _position)
        {
            Fail(FieldFault.Truncated);
            return default;
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_position, length);
        _position += length;
        return taken;
    }

    public ReadOnlySpan<byte> Rest() => Take(_bytes.Length - Math.Min(_position, _bytes.Length));

    public FieldFault End()
    {
        if (_fault == FieldFault.None && _position < _bytes.Length) Fail(FieldFault.TrailingBytes);
        return _fault;
    }

    private long Fail(FieldFault fault)
    {
        if (_fault == FieldFault.None) _fault = fault;
        return 0;
    }
}
