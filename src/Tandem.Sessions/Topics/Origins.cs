using System.Security.Cryptography;

namespace Tandem.Sessions;

/// <summary>
/// Numbers for those who count events. A new one for each topic, each time a node begins to have it: offsets of a topic that was forgotten in between
/// cannot be mistaken for those that it counts now.
/// </summary>
internal static class Origins
{
    public static uint Next()
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        while (true)
        {
            RandomNumberGenerator.Fill(bytes);
            uint origin = BitConverter.ToUInt32(bytes);
            if (origin != 0) return origin;
        }
    }
}
