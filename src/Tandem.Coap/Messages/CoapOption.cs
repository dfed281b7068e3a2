using System.Buffers.Binary;
using System.Text;

namespace Tandem.Coap;

/// <summary>An option of a message: a number and its value (RFC 7252 section 3.1).</summary>
/// <param name="Number">Which option.</param>
/// <param name="Value">Its bytes, at most 65,804.</param>
public readonly record struct CoapOption(CoapOptionNumber Number, ReadOnlyMemory<byte> Value)
{
    /// <summary>The value as an unsigned integer: big-endian, of as few bytes as it needs (section 3.2).</summary>
    /// <returns>The number; of a value longer than four bytes, what its last four say.</returns>
    public uint ToUInt32()
    {
        uint value = 0;
        foreach (byte b in Value.Span) value = (value << 8) | b;
        return value;
    }

    /// <summary>The value as text.</summary>
    /// <returns>The text; bytes that are not UTF-8 are replaced by U+FFFD.</returns>
    public override string ToString() => Encoding.UTF8.GetString(Value.Span);

    internal static byte[] FromUInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes.TrimStart((byte)0).ToArray();
    }
}
