namespace Tandem.Coap;

/// <summary>The value of Block1 and Block2 (RFC 7959 section 2.2): 20 bits of number, one of more, three of the size's exponent.</summary>
internal readonly record struct BlockOption(uint Value)
{
    /// <summary>The largest exponent: blocks of 1024 bytes.</summary>
    public const int MaxExponent = 6;

    /// <summary>The number has 20 bits.</summary>
    public const int MaxNumber = (1 << 20) - 1;

    public BlockOption(int number, bool more, int exponent)
        : this(((uint)number << 4) | (more ? 8u : 0) | (uint)exponent)
    {
    }

    public int Number => (int)(Value >> 4);

    public bool More => (Value & 8) != 0;

    public int Exponent => (int)(Value & 7);

    /// <summary>Section 2.2: 7 is reserved, and a request with it is answered by 4.00.</summary>
    public bool IsValid => Exponent <= MaxExponent;

    public int Size => 16 << Exponent;

    /// <summary>Where the block begins in the body.</summary>
    public long Offset => (long)Number << (Exponent + 4);

    public static BlockOption? From(uint? value) => value is { } some ? new BlockOption(some) : null;

    /// <summary>The exponent of the largest block that is not larger than so many bytes.</summary>
    public static int ExponentOf(int size)
    {
        int exponent = 0;
        while (exponent < MaxExponent && 32 << exponent <= size) exponent++;
        return exponent;
    }

    /// <summary>The block of a body that begins at an offset.</summary>
    public static BlockOption At(long offset, int length, int exponent) => new((int)(offset >> (exponent + 4)), offset + (16 << exponent) < length, exponent);
}
