using System.Buffers.Binary;
using System.Numerics;

namespace Tandem.Sessions.Protocol;

/// <summary>Writes the fields of one frame in order.</summary>
internal ref struct FieldWriter
{
    private readonly Span<byte> _destination;

    public FieldWriter(Span<byte> destination, FrameType type)
    {
        _destination = destination;
        destination[0] = (byte)type;
        Written = 1;
    }

    /// <summary>Writes what has no type byte.</summary>
    public FieldWriter(Span<byte> destination) => _destination = destination;

    public int Written { get; private set; }

    public static int IntegerLength(long value) => (BitOperations.Log2((ulong)value | 1) / 7) + 1;

    public static int TextLength(ReadOnlySpan<byte> text) => IntegerLength(text.Length) + text.Length;

    public void Integer(long value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)value, (ulong)ProtocolLimits.MaxInteger);
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

    public void Positions(PositionList positions) => Written += positions.WriteTo(_destination[Written..]);

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_destination[Written..]);
        Written += bytes.Length;
    }
}
