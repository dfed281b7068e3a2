namespace Tandem.Fuzz.Tests;

/// <summary>What all targets do to bytes: cut them, spoil them, make them fewer.</summary>
internal static class Bytes
{
    /// <summary>Spoils bytes in up to so many places, or leaves them as they are.</summary>
    public static byte[] Mutate(this Random random, byte[] bytes, int most, params ReadOnlySpan<byte> favourites)
    {
        var mutated = new List<byte>(bytes);
        for (int i = random.Next(most + 1); i > 0 && mutated.Count > 0; i--)
        {
            int at = random.Next(mutated.Count);
            int count = Math.Min(random.Next(1, 12), mutated.Count - at);
            switch (random.Next(8))
            {
                case 0:
                    mutated[at] = (byte)random.Next(256);
                    break;
                case 1:
                    mutated.RemoveRange(at, count);
                    break;
                case 2:
                    mutated.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    mutated.InsertRange(random.Next(mutated.Count), mutated.GetRange(at, count)); // a splice
                    break;
                case 4:
                    mutated.RemoveRange(at, mutated.Count - at); // a truncation
                    break;
                case 5 when !favourites.IsEmpty:
                    mutated[at] = favourites[random.Next(favourites.Length)];
                    break;
                default:
                    mutated[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return [.. mutated];
    }

    /// <summary>Sizes of pieces that bytes come in: all at once, byte by byte, or anything between.</summary>
    public static int[] Cut(this Random random, int length)
    {
        int most = random.Next(5) switch { 0 => int.MaxValue, 1 => 1, 2 => 8, 3 => 100, _ => 5000 };
        if (length / most > 300) most = 1 + (length / 300);
        var sizes = new List<int>();
        while (length > 0)
        {
            int size = most == int.MaxValue ? length : Math.Min(length, random.Next(1, most + 1));
            sizes.Add(size);
            length -= size;
        }

        return [.. sizes];
    }

    /// <summary>The same bytes with some of them left out, the most first.</summary>
    public static IEnumerable<byte[]> Smaller(byte[] bytes)
    {
        for (int size = bytes.Length; size > 0; size /= 2)
        {
            for (int at = 0; at < bytes.Length; at += size) yield return [.. bytes[..at], .. bytes[Math.Min(at + size, bytes.Length)..]];
        }
    }

    /// <summary>The same list with some of it left out, the most first.</summary>
    public static IEnumerable<T[]> Smaller<T>(T[] items)
    {
        for (int size = items.Length; size > 0; size /= 2)
        {
            for (int at = 0; at < items.Length; at += size) yield return [.. items[..at], .. items[Math.Min(at + size, items.Length)..]];
        }
    }
}
