namespace Tandem.Tests.Support;

/// <summary>Bytes that are nearly right, for readers that must take nothing else.</summary>
internal static class Mutations
{
    // Fields that say how long others are stand at the beginning.
    private const int Reach = 24;

    /// <summary>A copy with up to three changes near its beginning: a bit, a byte, a byte less, a byte more.</summary>
    public static byte[] ChangeFew(Random random, ReadOnlySpan<byte> original)
    {
        byte[] bytes = original.ToArray();
        for (int change = random.Next(4); change > 0 && bytes.Length > 0; change--)
        {
            int at = random.Next(Math.Min(bytes.Length, Reach));
            switch (random.Next(4))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes = [.. bytes[..at], .. bytes[(at + 1)..]]; break;
                default: bytes = [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]]; break;
            }
        }

        return bytes;
    }
}
