using System.Text.Unicode;

namespace Tandem.Link.Protocol;

/// <summary>Texts for people, as they are sent.</summary>
internal static class WireText
{
    /// <summary>UTF-8, cut between two characters where it is longer than the bound; half a surrogate pair becomes U+FFFD.</summary>
    public static byte[] Encode(string text, int max)
    {
        byte[] bytes = new byte[Math.Min(max, text.Length * 3)];
        Utf8.FromUtf16(text, bytes, out _, out int written, replaceInvalidSequences: true);
        return bytes[..written];
    }

    public static string Decode(ReadOnlySpan<byte> text) => System.Text.Encoding.UTF8.GetString(text);
}
