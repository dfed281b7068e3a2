using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tandem.Protocol.Framing;

/// <summary>
/// The header of one frame (RFC 6455 section 5.2), as a value: <see cref="TryRead"/> and <see cref="Write"/> are exact inverses.
/// It knows the layout only; which headers are legal at a given moment is the business of <see cref="WebSocketReader"/>.
/// </summary>
/// <param name="FirstByte">FIN, RSV1-3 and the opcode, as on the wire.</param>
/// <param name="Masked">The MASK bit: a masking key follows the length.</param>
/// <param name="PayloadLength">Bytes of payload, 0 to 2^63-1 when legal; negative when the peer set the top bit of a 64-bit length.</param>
/// <param name="MaskingKey">The four key bytes in the order of the wire, as they lie in memory; 0 when not masked.</param>
/// <param name="Length">Bytes that the header itself takes, 2 to 14.</param>
[StructLayout(LayoutKind.Auto)] // 16 bytes instead of 24: every connection holds one
public readonly record struct FrameHeader(byte FirstByte, bool Masked, long PayloadLength, uint MaskingKey, byte Length)
{
    /// <summary>Bytes of the longest header: 2, a 64-bit length and a masking key.</summary>
    public const int MaxLength = 14;

    /// <summary>Largest payload of a control frame, in bytes (section 5.5).</summary>
    public const int MaxControlPayload = 125;

    /// <summary>Largest payload that the 7-bit length form can announce, in bytes.</summary>
    internal const int Max7BitLength = 125;

    internal const byte FinBit = 0x80;
    internal const byte Rsv1Bit = 0x40;
    internal const byte Rsv2Bit = 0x20;
    internal const byte Rsv3Bit = 0x10;
    internal const byte OpcodeBits = 0x0F;
    internal const byte MaskBit = 0x80;
    internal const byte LengthBits = 0x7F;
    internal const byte Length16 = 126;
    internal const byte Length64 = 127;

    /// <summary>Whether this is the last fragment of its message.</summary>
    public bool Fin => (FirstByte & FinBit) != 0;

    /// <summary>Reserved bit 1: a compressed message when permessage-deflate is in use (RFC 7692 section 6).</summary>
    public bool Rsv1 => (FirstByte & Rsv1Bit) != 0;

    /// <summary>Reserved bit 2; no extension known here uses it.</summary>
    public bool Rsv2 => (FirstByte & Rsv2Bit) != 0;

    /// <summary>Reserved bit 3; no extension known here uses it.</summary>
    public bool Rsv3 => (FirstByte & Rsv3Bit) != 0;

    /// <summary>What the frame carries; may be a reserved value.</summary>
    public Opcode Opcode => (Opcode)(FirstByte & OpcodeBits);

    /// <summary>Bytes of a header from its second byte alone, which holds MASK and the length form.</summary>
    /// <param name="secondByte">The second byte of a frame.</param>
    /// <returns>2 to 14.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int LengthFrom(byte secondByte)
    {
        int length7 = secondByte & LengthBits;
        int extended = length7 < Length16 ? 0 : length7 == Length16 ? 2 : 8;
        return 2 + extended + ((secondByte & MaskBit) != 0 ? 4 : 0);
    }

    /// <summary>Reads the header at the start of <paramref name="source"/>.</summary>
    /// <param name="source">Bytes of a frame, from its first.</param>
    /// <param name="header">The header, when it is all there. Any bytes make a header: nothing is judged here.</param>
    /// <returns>False while the header is not all there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(ReadOnlySpan<byte> source, out FrameHeader header)
    {
        if (source.Length < 2)
        {
            header = default;
            return false;
        }

        byte second = source[1];
        int length = LengthFrom(second);
        if (source.Length < length)
        {
            header = default;
            return false;
        }

        bool masked = (second & MaskBit) != 0;
        uint key = masked ? MemoryMarshal.Read<uint>(source.Slice(length - 4, 4)) : 0;
        header = new FrameHeader(source[0], masked, PayloadLengthAt(source), key, (byte)length);
        return true;
    }

    /// <summary>The announced payload length; the caller has seen to it that the length's own bytes are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static long PayloadLengthAt(ReadOnlySpan<byte> source)
    {
        int length7 = source[1] & LengthBits;
        return length7 switch
        {
            < Length16 => length7,
            Length16 => BinaryPrimitives.ReadUInt16BigEndian(source.Slice(2, 2)),
            _ => BinaryPrimitives.ReadInt64BigEndian(source.Slice(2, 8)),
        };
    }

    /// <summary>Bytes that <see cref="Write"/> needs for a payload of this length.</summary>
    /// <param name="payloadLength">Bytes of payload, 0 to 2^63-1.</param>
    /// <param name="masked">Whether a masking key is part of the header.</param>
    /// <returns>2 to 14.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LengthFor(long payloadLength, bool masked) =>
        (payloadLength <= Max7BitLength ? 2 : payloadLength <= ushort.MaxValue ? 4 : 10) + (masked ? 4 : 0);

    /// <summary>Writes a header in the minimal form (section 5.2: "the minimal number of bytes MUST be used").</summary>
    /// <param name="destination">At least <see cref="LengthFor"/> bytes.</param>
    /// <param name="firstByte">FIN, RSV1-3 and the opcode.</param>
    /// <param name="payloadLength">Bytes of payload, 0 to 2^63-1.</param>
    /// <param name="masked">Whether the masking key is written.</param>
    /// <param name="maskingKey">The key, its bytes in the order of the wire as they lie in memory.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="payloadLength"/> is negative.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Write(Span<byte> destination, byte firstByte, long payloadLength, bool masked, uint maskingKey)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        byte mask = masked ? MaskBit : (byte)0;
        int written;
        destination[0] = firstByte;
        if (payloadLength <= Max7BitLength)
        {
            destination[1] = (byte)(mask | (byte)payloadLength);
            written = 2;
        }
        else if (payloadLength <= ushort.MaxValue)
        {
            destination[1] = (byte)(mask | Length16);
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)payloadLength);
            written = 4;
        }
        else
        {
            destination[1] = (byte)(mask | Length64);
            BinaryPrimitives.WriteInt64BigEndian(destination[2..], payloadLength);
            written = 10;
        }

        if (!masked) return written;
        MemoryMarshal.Write(destination[written..], in maskingKey);
        return written + 4;
    }
}
