namespace Tandem.Tests.Support;

/// <summary>A naive inflater (RFC 1951) with no window at all, that tells the largest distance it met.</summary>
internal sealed class DeflateDistances
{
    private static readonly int[] CodeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly List<byte> _output = [];
    private byte[] _input = [];
    private int _bit;

    public int Largest { get; private set; }

    public byte[] Inflated => [.. _output];

    /// <summary>Inflates blocks that end at the end of the input.</summary>
    public void Add(byte[] input)
    {
        _input = input;
        for (_bit = 0; _bit < input.Length * 8;)
        {
            Bits(1);
            switch (Bits(2))
            {
                case 0:
                    Stored();
                    break;
                case 1:
                    int[] lengths = [.. Enumerable.Repeat(8, 144), .. Enumerable.Repeat(9, 112), .. Enumerable.Repeat(7, 24), .. Enumerable.Repeat(8, 8)];
                    Codes(Tree(lengths), Tree([.. Enumerable.Repeat(5, 30)]));
                    break;
                case 2:
                    Dynamic();
                    break;
                default:
                    Assert.Fail("A reserved block type.");
                    break;
            }
        }
    }

    private void Stored()
    {
        _bit = (_bit + 7) / 8 * 8;
        int length = Bits(16);
        Assert.Equal(length, ~Bits(16) & 0xFFFF);
        for (; length > 0; length--) _output.Add((byte)Bits(8));
    }

    private void Dynamic()
    {
        int literals = Bits(5) + 257;
        int distances = Bits(5) + 1;
        int[] order = new int[19];
        for (int i = 0, count = Bits(4) + 4; i < count; i++) order[CodeOrder[i]] = Bits(3);
        Dictionary<int, int> tree = Tree(order);
        var lengths = new List<int>();
        while (lengths.Count < literals + distances)
        {
            int symbol = Symbol(tree);
            if (symbol < 16) lengths.Add(symbol);
            else lengths.AddRange(Enumerable.Repeat(symbol == 16 ? lengths[^1] : 0, symbol == 16 ? 3 + Bits(2) : symbol == 17 ? 3 + Bits(3) : 11 + Bits(7)));
        }

        Codes(Tree([.. lengths[..literals]]), Tree([.. lengths[literals..]]));
    }

    private void Codes(Dictionary<int, int> literals, Dictionary<int, int> distances)
    {
        for (int symbol; (symbol = Symbol(literals)) != 256;)
        {
            if (symbol < 256)
            {
                _output.Add((byte)symbol);
                continue;
            }

            int length = DeflateBits.LengthBases[symbol - 257] + Bits(DeflateBits.LengthBits[symbol - 257]);
            int code = Symbol(distances);
            int distance = DeflateBits.DistanceBases[code] + Bits(DeflateBits.DistanceBits[code]);
            Largest = Math.Max(Largest, distance);
            for (; length > 0; length--) _output.Add(_output[^distance]);
        }
    }

    // From a code with a one before it, so that its length counts, to its symbol (RFC 1951 section 3.2.2).
    private static Dictionary<int, int> Tree(int[] lengths)
    {
        var tree = new Dictionary<int, int>();
        int code = 0;
        for (int bits = 1; bits <= 15; bits++, code <<= 1)
        {
            for (int symbol = 0; symbol < lengths.Length; symbol++)
            {
                if (lengths[symbol] == bits) tree.Add((1 << bits) | code++, symbol);
            }
        }

        return tree;
    }

    private int Symbol(Dictionary<int, int> tree)
    {
        int code = 1;
        int symbol;
        while (!tree.TryGetValue(code, out symbol))
        {
            code = (code << 1) | Bits(1);
            Assert.InRange(code, 0, 0xFFFF);
        }

        return symbol;
    }

    private int Bits(int count)
    {
        int value = 0;
        for (int i = 0; i < count; i++, _bit++) value |= ((_input[_bit / 8] >> (_bit % 8)) & 1) << i;
        return value;
    }
}
