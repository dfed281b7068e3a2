using System.Globalization;
using System.Text;

namespace Tandem.Cli.Connect;

/// <summary>
/// Text of a stranger, made harmless for a terminal: no control characters, which could move the cursor, set the title or answer for the user, and
/// no bidirectional overrides, which could make a line look like another.
/// </summary>
internal static class HarmlessText
{
    /// <summary>Escapes what is not harmless as \x1B or \u202E.</summary>
    /// <param name="text">The text.</param>
    /// <param name="keepsLines">Whether line feeds and tabs stay.</param>
    public static string Of(ReadOnlySpan<char> text, bool keepsLines)
    {
        var harmless = new StringBuilder(text.Length);
        foreach (char character in text)
        {
            if (IsHarmless(character) || (keepsLines && character is '\n' or '\t')) harmless.Append(character);
            else if (character <= 0xFF) harmless.Append(CultureInfo.InvariantCulture, $"\\x{(int)character:X2}");
            else harmless.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}");
        }

        return harmless.ToString();
    }

    private static bool IsHarmless(char character) =>
        !char.IsControl(character) && character is not ((>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u2028' or '\u2029');
}
