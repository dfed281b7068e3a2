namespace Tandem.Fuzz.Tests.Compression;

/// <summary>
/// The twin of the decompressor: RFC 1951 bit by bit, with a window of 32 KiB, over everything that has come since the context was new, and RFC 7692
/// section 7.2.2 on where a message may end.
/// </summary>
internal sealed class NaiveInflater
{
    private static readonly int[] LengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    private static readonly int[] LengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    private static readonly int[] DistanceBase = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
    private static readonly int[] Order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    private static readonly Code FixedLengths = new([.. Enumerable.Range(0, 288).Select(i => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)]);
    private static readonly Code FixedDistances = new([.. Enumerable.Repeat(5, 32)]);

    private readonly List<byte> _input = [];
    private readonly List<byte> _output = [];
    private int _given; // output of earlier messages
    private int _at; // in bits
    private int _tail; // where in the input, in bits, what the receiver puts behind the message begins
    private int _began; // where in the output the current DEFLATE stream began: it refers to nothing before

    /// <summary>Whether a block marked as the last one has been seen since the context was new.</summary>
    public bool SawLastBlock { get; private set; }

    /// <summary>A whole message, with what section 7.2.2 of RFC 7692 puts behind it; null when it is no DEFLATE data or cut short.</summary>
    /// <param name="payload">The compressed payload.</param>
    /// <param name="before">What came out, up to the violation if there is one.</param>
    public byte[]? Message(byte[] payload, out int before)
    {
        _input.AddRange(payload);
        _tail = _input.Count * 8;
        _input.AddRange([0, 0, 0xFF, 0xFF]);
        _output.Clear();
        (_at, _began) = (0, 0);
        bool valid;
        try
        {
            while (_at < _input.Count * 8) Block();
            valid = true;
        }
        catch (EndOfStreamException)
        {
            valid = SawLastBlock; // its sender may leave away more than the four bytes
        }
        catch (InvalidDataException)
        {
            valid = false;
        }

        before = _output.Count - _given;
        if (!valid) return null;
        byte[] message = [.. _output.Skip(_given)];
        _given = _output.Count;
        return message;
    }

    private void Block()
    {
        bool last = Bits(1) == 1;
        int type = Bits(2);
        switch (type)
        {
            case 0:
                Stored();
                break;
            case 1:
                Compressed(FixedLengths, FixedDistances);
                break;
            case 2:
                Dynamic();
                break;
            default:
                throw new InvalidDataException();
        }

        // The four bytes are the end of an empty stored block. Whatever else ends in them was cut short.
        if (_at > _tail && type != 0 && !SawLastBlock) throw new InvalidDataException();
        if (!last) return;
        // What follows a last block begins afresh, at a byte.
        SawLastBlock = true;
        _at = (_at + 7) / 8 * 8;
        _began = _output.Count;
    }

    private void Stored()
    {
        _at = (_at + 7) / 8 * 8;
        int length = Bits(16);
        if (length != (Bits(16) ^ 0xFFFF)) throw new InvalidDataException();
        for (; length > 0; length--) Put((byte)Bits(8));
    }

    private void Compressed(Code lengths, Code distances)
    {
        while (true)
        {
            int symbol = lengths.Read(this);
            if (symbol == 256) return;
            if (symbol < 256)
            {
                Put((byte)symbol);
                continue;
            }

            if (symbol > 285) throw new InvalidDataException();
            int length = LengthBase[symbol - 257] + Bits(LengthExtra[symbol - 257]);
            int code = distances.Read(this);
            if (code > 29) throw new InvalidDataException();
            int distance = DistanceBase[code] + Bits(code < 4 ? 0 : (code / 2) - 1);
            if (distance > Math.Min(_output.Count - _began, 32_768)) throw new InvalidDataException();
            for (; length > 0; length--) Put(_output[^distance]);
        }
    }

    private void Dynamic()
    {
        (int literals, int distances, int codes) = (Bits(5) + 257, Bits(5) + 1, Bits(4) + 4);
        if (literals > 286 || distances > 30) throw new InvalidDataException();
        int[] lengths = new int[19];
        for (int i = 0; i < codes; i++) lengths[Order[i]] = Bits(3);
        var code = new Code(lengths);
        if (code.Left != 0 && code.Longest != 0) throw new InvalidDataException();
        var all = new List<int>();
        while (all.Count < literals + distances)
        {
            int symbol = code.Longest == 0 ? Bits(1) & 0 : code.Read(this);
            if (symbol < 16)
            {
                all.Add(symbol);
                continue;
            }

            int times = symbol switch { 16 => 3 + Bits(2), 17 => 3 + Bits(3), _ => 11 + Bits(7) };
            if ((symbol == 16 && all.Count == 0) || all.Count + times > literals + distances) throw new InvalidDataException();
            all.AddRange(Enumerable.Repeat(symbol == 16 ? all[^1] : 0, times));
        }

        if (all[256] == 0) throw new InvalidDataException(); // a block could never end
        var literalCode = new Code(all[..literals]);
        var distanceCode = new Code(all[literals..]);
        // Only a code of one symbol, or none, may be incomplete.
        foreach (Code one in (Code[])[literalCode, distanceCode])
        {
            if (one.Left < 0 || (one.Left > 0 && one.Longest > 1)) throw new InvalidDataException();
        }

        Compressed(literalCode, distanceCode);
    }

    private void Put(byte value)
    {
        if (_at > _tail) throw new InvalidDataException(); // said by the four bytes, so by nobody
        _output.Add(value);
    }

    private int Bits(int count)
    {
        if (_at + count > _input.Count * 8) throw new EndOfStreamException();
        int value = 0;
        for (int i = 0; i < count; i++, _at++) value |= ((_input[_at / 8] >> (_at % 8)) & 1) << i;
        return value;
    }

    /// <summary>A canonical Huffman code (section 3.2.2).</summary>
    private sealed class Code
    {
        private readonly Dictionary<(int Length, int Bits), int> _symbols = [];

        public Code(IReadOnlyList<int> lengths)
        {
            int next = 0;
            Left = 1;
            for (int length = 1; length <= 15; length++)
            {
                next <<= 1;
                Left <<= 1;
                for (int symbol = 0; symbol < lengths.Count; symbol++)
                {
                    if (lengths[symbol] != length) continue;
                    _symbols[(length, next++)] = symbol;
                    Longest = length;
                    Left--;
                }

                if (Left < 0) return; // more codes than there can be
            }
        }

        /// <summary>Codes of 15 bits that are not used; negative when there are more than fit.</summary>
        public int Left { get; }

        public int Longest { get; }

        public int Read(NaiveInflater input)
        {
            int bits = 0;
            for (int length = 1; length <= Math.Max(1, Longest); length++)
            {
                bits = (bits << 1) | input.Bits(1);
                if (_symbols.TryGetValue((length, bits), out int symbol)) return symbol;
            }

            throw new InvalidDataException();
        }
    }
}
