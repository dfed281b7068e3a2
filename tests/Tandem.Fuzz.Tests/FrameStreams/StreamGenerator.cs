using System.Buffers.Binary;
using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>
/// Streams of frames by the grammar of RFC 6455 section 5.2, put together byte by byte without code of the engine, and spoiled: in a frame's own
/// terms (a bit, a length's form, a code, a byte of UTF-8) or as bytes.
/// </summary>
internal sealed class StreamGenerator(Random random, WebSocketRole reader, int mostPayload = 70_000)
{
    private static readonly byte[][] BadText =
    [
        [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
        [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0xBF], [0xFE], [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC3, 0x28], [0xE2, 0x28, 0xA1],
    ];

    private static readonly int[] Lengths = [0, 0, 1, 1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 33, 64, 100, 124, 125, 126, 127, 128, 255, 256, 1000];
    private static readonly int[] LargeLengths = [4095, 4096, 4097, 5000, 16_383, 16_384, 16_385, 20_000, 65_535, 65_536, 66_000];
    private static readonly int[] Codes = [1000, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    private static readonly int[] BadCodes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

    private readonly List<byte> _bytes = [];
    private bool _spoils;

    public byte[] Create()
    {
        _spoils = random.Next(3) == 0;
        for (int i = random.Next(1, 8); i > 0; i--) Element();
        if (random.Next(3) != 0) Close();
        if (random.Next(8) == 0) Element(); // behind the close frame
        byte[] bytes = [.. _bytes];
        if (random.Next(12) == 0) return bytes[..^random.Next(1, Math.Min(130, bytes.Length))]; // breaks off in the last frame or two
        return random.Next(3) == 0 ? random.Mutate(bytes, 3, 0x00, 0x7D, 0x7E, 0x7F, 0x80, 0x88, 0xFE, 0xFF) : bytes;
    }

    private bool Spoils(int one) => _spoils && random.Next(one) == 0;

    private void Element()
    {
        switch (random.Next(8))
        {
            case 0:
                Frame(random.Next(2) == 0 ? 0x89 : 0x8A, RandomBytes(Spoils(6) ? 126 : random.Next(2) == 0 ? random.Next(6) : random.Next(126)));
                break;
            case 1 or 2:
                Message(2, RandomBytes(Length()));
                break;
            default:
                Message(1, Text(Length()));
                break;
        }
    }

    private void Message(int opcode, byte[] payload)
    {
        int fragments = random.Next(3) == 0 ? random.Next(2, 6) : 1;
        for (int i = 0, at = 0; i < fragments; i++)
        {
            bool last = i == fragments - 1;
            int end = last ? payload.Length : random.Next(at, payload.Length + 1);
            Frame((last ? 0x80 : 0) | (i == 0 ? opcode : 0), payload[at..end]);
            at = end;
            if (!last && random.Next(3) == 0) Frame(random.Next(2) == 0 ? 0x89 : 0x8A, RandomBytes(random.Next(10)));
        }
    }

    private void Close()
    {
        if (random.Next(6) == 0)
        {
            Frame(0x88, RandomBytes(Spoils(2) ? 1 : 0));
            return;
        }

        byte[] payload = [0, 0, .. random.Next(2) == 0 ? Text(random.Next(124)) : []];
        int code = Spoils(2) ? BadCodes[random.Next(BadCodes.Length)] : Codes[random.Next(Codes.Length)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        Frame(0x88, payload);
    }

    private void Frame(int first, byte[] payload)
    {
        if (Spoils(10)) first ^= 1 << random.Next(8);
        bool masks = reader == WebSocketRole.Server != Spoils(20);
        int form = payload.Length <= 125 ? 0 : payload.Length <= 65_535 ? 2 : 8;
        if (Spoils(15)) form = random.Next(2) == 0 ? 8 : 2;
        ulong length = (ulong)payload.Length;
        if (Spoils(25)) length = (ulong)random.NextInt64();
        if (Spoils(60)) length |= 1ul << 63;
        if (length > 65_535) form = 8;
        int mask = masks ? 0x80 : 0;
        _bytes.Add((byte)first);
        _bytes.Add((byte)(mask | (form == 0 ? (int)(length & 127) : form == 2 ? 126 : 127)));
        for (int i = form - 1; i >= 0; i--) _bytes.Add((byte)(length >> (8 * i)));
        byte[] key = RandomBytes(masks ? 4 : 0);
        _bytes.AddRange(key);
        for (int i = 0; i < payload.Length; i++) _bytes.Add((byte)(payload[i] ^ (masks ? key[i % 4] : 0)));
    }

    private int Length()
    {
        int length = random.Next(25) == 0 ? LargeLengths[random.Next(LargeLengths.Length)] : random.Next(4) == 0 ? random.Next(300) : Lengths[random.Next(Lengths.Length)];
        return Math.Min(length, mostPayload);
    }

    private byte[] Text(int length)
    {
        var text = new List<byte>(length);
        Span<byte> encoded = stackalloc byte[4];
        bool ascii = random.Next(3) == 0;
        while (text.Count < length)
        {
            int value = ascii ? random.Next(32, 127) : random.Next(4) switch { 0 => random.Next(128), 1 => random.Next(0x80, 0x800), 2 => random.Next(0x800, 0xD800), _ => random.Next(0x10000, 0x110000) };
            int count = new Rune(value).EncodeToUtf8(encoded);
            if (text.Count + count > length) encoded[0] = (byte)'.';
            text.AddRange(encoded[..(text.Count + count > length ? 1 : count)]);
        }

        if (!Spoils(6)) return [.. text];
        byte[] bad = BadText[random.Next(BadText.Length)];
        text.InsertRange(random.Next(2) == 0 ? text.Count : random.Next(text.Count + 1), bad);
        return [.. text];
    }

    private byte[] RandomBytes(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
