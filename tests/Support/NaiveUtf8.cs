namespace Tandem.Tests.Support;

/// <summary>
/// The twin that <c>Utf8Validator</c> is compared with: RFC 3629 by arithmetic instead of tables. A code point is decoded bit by bit, and
/// judged by what values its remaining bits could still take.
/// </summary>
internal static class NaiveUtf8
{
    public enum Verdict
    {
        /// <summary>Valid, and ends between two code points.</summary>
        Complete,

        /// <summary>Ends inside a code point that can still become valid.</summary>
        Open,

        /// <summary>No continuation makes it valid.</summary>
        Invalid,
    }

    public static Verdict Judge(ReadOnlySpan<byte> bytes)
    {
        int i = 0;
        while (i < bytes.Length)
        {
            byte lead = bytes[i++];
            int more = lead < 0x80 ? 0 : lead >> 5 == 0b110 ? 1 : lead >> 4 == 0b1110 ? 2 : lead >> 3 == 0b11110 ? 3 : -1;
            if (more < 0) return Verdict.Invalid;
            uint value = more == 0 ? lead : (uint)(lead & (0x3F >> more));
            for (int missing = more; ; missing--)
            {
                // What the missing bytes could make of it, six bits each.
                uint least = value << (6 * missing);
                uint most = least | ((1u << (6 * missing)) - 1);
                if (!ContainsScalar(least, most, more)) return Verdict.Invalid;
                if (missing == 0) break;
                if (i == bytes.Length) return Verdict.Open;
                if (bytes[i] >> 6 != 0b10) return Verdict.Invalid;
                value = (value << 6) | (uint)(bytes[i++] & 0x3F);
            }
        }

        return Verdict.Complete;
    }

    /// <summary>Whether a range holds a code point that needs exactly so many continuation bytes and is no surrogate.</summary>
    private static bool ContainsScalar(uint least, uint most, int more)
    {
        (uint first, uint last) = more switch { 0 => (0u, 0x7Fu), 1 => (0x80u, 0x7FFu), 2 => (0x800u, 0xFFFFu), _ => (0x10000u, 0x10FFFFu) };
        least = Math.Max(least, first);
        most = Math.Min(most, last);
        return least <= most && !(least >= 0xD800 && most <= 0xDFFF);
    }
}
