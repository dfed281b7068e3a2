namespace Tandem.Link.Conversation;

/// <summary>Texts as they are typed: UTF-16, in which positions count.</summary>
internal static class LinkText
{
    /// <summary>Half a surrogate pair, which UTF-8 does not have, becomes U+FFFD: one code unit, so that positions stay what they are.</summary>
    public static string Clean(string text)
    {
        char[]? cleaned = null;
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
                continue;
            }

            cleaned ??= text.ToCharArray();
            cleaned[i] = '\uFFFD';
        }

        return cleaned == null ? text : new string(cleaned);
    }

    /// <summary>What has changed: what the two have in common in front and behind, without splitting a pair.</summary>
    public static (int Position, int Deleted, string Inserted) Difference(string before, string after)
    {
        int position = before.AsSpan().CommonPrefixLength(after);
        if (position > 0 && char.IsHighSurrogate(before[position - 1])) position--;
        int most = Math.Min(before.Length, after.Length) - position, common = 0;
        while (common < most && before[^(common + 1)] == after[^(common + 1)]) common++;
        if (common > 0 && char.IsLowSurrogate(before[^common])) common--;
        return (position, before.Length - position - common, after[position..^common]);
    }

    /// <summary>Whether a position is not between the halves of a pair.</summary>
    public static bool IsBoundary(string text, long position) =>
        position == 0 || position == text.Length || (position < text.Length && !char.IsSurrogatePair(text[(int)position - 1], text[(int)position]));
}
