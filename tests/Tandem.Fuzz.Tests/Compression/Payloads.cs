using System.IO.Compression;

namespace Tandem.Fuzz.Tests.Compression;

/// <summary>What is worth compressing, and the base class library's opinion about it.</summary>
internal static class Payloads
{
    public static byte[] Create(Random random, int most)
    {
        byte[] bytes = new byte[random.Next(most)];
        int kind = random.Next(5);
        int letters = random.Next(2, 20);
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = kind switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)('a' + random.Next(letters)),
                2 => (byte)('a' + (i % 23)),
                3 when i > 30 && random.Next(10) != 0 => bytes[i - random.Next(1, Math.Min(i, 1 << random.Next(2, 12)) + 1)],
                _ => (byte)(i / 50),
            };
        }

        return bytes;
    }

    /// <summary>Compressed messages in a row, each with the tail that section 7.2.2 of RFC 7692 puts behind it.</summary>
    public static byte[] InflateByLibrary(params byte[][] messages)
    {
        using var source = new MemoryStream([.. messages.SelectMany(message => (byte[])[.. message, 0, 0, 0xFF, 0xFF])]);
        using var inflate = new DeflateStream(source, CompressionMode.Decompress);
        using var result = new MemoryStream();
        inflate.CopyTo(result);
        return result.ToArray();
    }
}
