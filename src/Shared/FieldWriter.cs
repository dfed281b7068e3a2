using System.Buffers.Binary;
using System.Numerics;

namespace Tandem.Fields;

/// <summary>Writes the fields of one frame or message in order.</summary>
internal ref partial struct FieldWriter
{
    private readonly Span<byte> _destination;

    public FieldWriter(Span<byte> destination, byte type)
    {
        _destination = destination;
        destination[0] = type;
        Written = 1;
    }

    /// <summary>Writes what has no type byte.</summary>
    public FieldWriter(Span<byte> destination) => _destination = destination;

    public int Written { get; private set; }

    public static int IntegerLength(long value) => (BitOperations.Log2((ulong)value | 1) / 7) + 1;

    public static int TextLength(ReadOnlySpan<byte> text) => IntegerLength(text.Length) + text.Length;

    public void Integer(long value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)value, (ulong)FieldLimits.MaxInteger);
        for (; value >= 0x80; value >>= 7) _destination[Written++] = (byte)(value | 0x80);
        _destination[Written++] = (byte)value;
    }

    public void Fixed64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_destination[Written..], value);
        Written += sizeof(ulong);
    }

    public void Text(ReadOnlySpan<byte> text)
    {
        Integer(text.Length);
        Bytes(text);
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_destination[Written..]);
        Written += bytes.Length;
    }

    /// <summary>Bytes of which the reader knows how many there are.</summary>
    /// <exception cref="ArgumentException">There are not so many.</exception>
    public void Bytes(ReadOnlySpan<byte> bytes, int length)
    {
        if (bytes.Length != length) throw new ArgumentException($"The field has {length} bytes, not {bytes.Length}.", nameof(bytes));
        Bytes(bytes);
    }
}
