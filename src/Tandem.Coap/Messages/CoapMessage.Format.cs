using System.Buffers.Binary;

namespace Tandem.Coap;

/// <content>Writing.</content>
public sealed partial class CoapMessage
{
    /// <summary>How many bytes the message has on the wire.</summary>
    /// <returns>Bytes, 4 or more.</returns>
    public int GetLength()
    {
        int length = HeaderLength + Token.Length + (Payload.IsEmpty ? 0 : 1 + Payload.Length);
        int number = 0;
        foreach (CoapOption option in Options)
        {
            length += 1 + ExtendedLength((int)option.Number - number) + ExtendedLength(option.Value.Length) + option.Value.Length;
            number = (int)option.Number;
        }

        return length;
    }

    /// <summary>Writes the message.</summary>
    /// <param name="destination">At least <see cref="GetLength"/> bytes.</param>
    /// <returns>How many were written.</returns>
    public int Format(Span<byte> destination) => Format(destination, Type, MessageId);

    /// <summary>The message as a datagram.</summary>
    /// <returns>Its bytes.</returns>
    public byte[] ToArray() => ToArray(Type, MessageId);

    /// <summary>The same content under another type and message ID: what those are is decided when it is sent.</summary>
    internal byte[] ToArray(CoapType type, ushort messageId)
    {
        byte[] datagram = new byte[GetLength()];
        Format(datagram, type, messageId);
        return datagram;
    }

    private int Format(Span<byte> destination, CoapType type, ushort messageId)
    {
        destination[0] = (byte)(0x40 | ((int)type << 4) | Token.Length);
        destination[1] = Code.Value;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], messageId);
        Token.CopyTo(destination[HeaderLength..]);
        int at = HeaderLength + Token.Length;
        int number = 0;
        foreach (CoapOption option in Options)
        {
            int head = at++;
            int delta = WriteExtended(destination, ref at, (int)option.Number - number);
            int length = WriteExtended(destination, ref at, option.Value.Length);
            destination[head] = (byte)((delta << 4) | length);
            option.Value.Span.CopyTo(destination[at..]);
            at += option.Value.Length;
            number = (int)option.Number;
        }

        if (Payload.IsEmpty) return at;
        destination[at++] = PayloadMarker;
        Payload.Span.CopyTo(destination[at..]);
        return at + Payload.Length;
    }

    private static int ExtendedLength(int value) => value < 13 ? 0 : value < 269 ? 1 : 2;

    private static int WriteExtended(Span<byte> destination, ref int at, int value)
    {
        if (value < 13) return value;
        if (value < 269)
        {
            destination[at++] = (byte)(value - 13);
            return 13;
        }

        BinaryPrimitives.WriteUInt16BigEndian(destination[at..], (ushort)(value - 269));
        at += 2;
        return 14;
    }
}
