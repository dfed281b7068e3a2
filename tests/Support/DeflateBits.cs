namespace Tandem.Tests.Support;

/// <summary>Writes DEFLATE (RFC 1951) bit by bit, in blocks with fixed codes: what no compressor would write, too.</summary>
internal sealed class DeflateBits
{
    internal static readonly int[] LengthBases = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    internal static readonly int[] LengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    internal static readonly int[] DistanceBases =
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];

    internal static readonly int[] DistanceBits = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    private readonly List<byte> _bytes = [];
    private int _bits;

    public DeflateBits() => Low(0b010, 3); // not the last block, fixed codes

    public DeflateBits Literals(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes) Symbol(b);
        return this;
    }

    public DeflateBits Match(int length, int distance)
    {
        int l = Array.FindLastIndex(LengthBases, value => value <= length);
        Symbol(257 + l);
        Low(length - LengthBases[l], LengthBits[l]);
        int d = Array.FindLastIndex(DistanceBases, value => value <= distance);
        High(d, 5);
        Low(distance - DistanceBases[d], DistanceBits[d]);
        return this;
    }

    public DeflateBits EndBlock()
    {
        Symbol(256);
        return this;
    }

    /// <summary>The payload of a message: with the header of an empty stored block, whose tail is left away.</summary>
    public byte[] Message()
    {
        Low(0, 3);
        return [.. _bytes];
    }

    private void Symbol(int symbol)
    {
        if (symbol < 144) High(0x30 + symbol, 8);
        else if (symbol < 256) High(0x190 + symbol - 144, 9);
        else if (symbol < 280) High(symbol - 256, 7);
        else High(0xC0 + symbol - 280, 8);
    }

    private void Low(int value, int count)
    {
        for (int i = 0; i < count; i++) Bit(value >> i);
    }

    private void High(int value, int count)
    {
        for (int i = count - 1; i >= 0; i--) Bit(value >> i);
    }

    private void Bit(int bit)
    {
        if (_bits++ % 8 == 0) _bytes.Add(0);
        _bytes[^1] |= (byte)((bit & 1) << ((_bits - 1) % 8));
    }
}
