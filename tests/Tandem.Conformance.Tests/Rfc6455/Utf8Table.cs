namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Bytes that are no UTF-8.</summary>
/// <param name="Bytes">The bytes.</param>
/// <param name="WrongAt">The index of the first byte that nothing can repair; behind the last when only the end of the message shows it.</param>
public sealed record Utf8Sequence(byte[] Bytes, int WrongAt)
{
    public override string ToString() => Convert.ToHexString(Bytes);
}

/// <summary>The ways to be no UTF-8, by RFC 3629 sections 3 and 4: written down from its grammar, not taken from a validator.</summary>
internal static class Utf8Table
{
    public static IReadOnlyList<Utf8Sequence> Invalid { get; } = [.. All().DistinctBy(sequence => sequence.ToString())];

    private static IEnumerable<Utf8Sequence> All()
    {
        // A continuation byte that continues nothing, and bytes that are in no code point.
        for (int b = 0x80; b <= 0xC1; b++) yield return At(0, (byte)b);
        for (int b = 0xF5; b <= 0xFF; b++) yield return At(0, (byte)b);
        yield return At(0, 0x80, 0xBF, 0x80, 0xBF);

        // The second byte below and above its range, which is narrower behind E0, ED, F0 and F4 (overlong, surrogates, overlong, over U+10FFFF).
        for (int lead = 0xC2; lead <= 0xF4; lead++)
        {
            (int lower, int upper) = lead switch { 0xE0 => (0xA0, 0xBF), 0xED => (0x80, 0x9F), 0xF0 => (0x90, 0xBF), 0xF4 => (0x80, 0x8F), _ => (0x80, 0xBF) };
            int rest = lead < 0xE0 ? 0 : lead < 0xF0 ? 1 : 2;
            foreach (int second in (int[])[lower - 1, upper + 1, 0x20, 0xFF, lead]) yield return At(1, [(byte)lead, (byte)second, .. Continuations(rest)]);

            // The third and the fourth byte are no continuation.
            byte[] whole = [(byte)lead, (byte)lower, .. Continuations(rest)];
            for (int i = 2; i < whole.Length; i++)
            {
                foreach (byte wrong in (byte[])[0x00, 0x7F, 0xC0, 0xE2, 0xFF]) yield return At(i, [.. whole[..i], wrong, .. whole[(i + 1)..]]);
            }

            // The message ends within the code point, or another one begins there.
            for (int length = 1; length < whole.Length; length++)
            {
                yield return At(length, whole[..length]);
                yield return At(length, [.. whole[..length], 0x20]);
            }
        }

        // Forms of five and six bytes, of former times; the overlong forms of '/', NUL and the greatest of each length.
        yield return At(0, 0xF8, 0x88, 0x80, 0x80, 0x80);
        yield return At(0, 0xFC, 0x84, 0x80, 0x80, 0x80, 0x80);
        yield return At(0, 0xF7, 0xBF, 0xBF, 0xBF);
        foreach (byte last in (byte[])[0x80, 0xAF, 0xBF])
        {
            yield return At(0, 0xC0, last);
            yield return At(0, 0xC1, last);
            yield return At(1, 0xE0, 0x80, last);
            yield return At(1, 0xE0, 0x9F, last);
            yield return At(1, 0xF0, 0x80, 0x80, last);
            yield return At(1, 0xF0, 0x8F, 0xBF, last);
            yield return At(0, 0xF8, 0x80, 0x80, 0x80, last);
            yield return At(0, 0xFC, 0x80, 0x80, 0x80, 0x80, last);
        }

        // Surrogates, single and in pairs; over U+10FFFF.
        byte[][] surrogates = [[0xED, 0xA0, 0x80], [0xED, 0xAD, 0xBF], [0xED, 0xAE, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xB0, 0x80], [0xED, 0xBE, 0x80], [0xED, 0xBF, 0xBF]];
        foreach (byte[] first in surrogates)
        {
            yield return At(1, first);
            foreach (byte[] second in surrogates[4..]) yield return At(1, [.. first, .. second]);
        }

        yield return At(1, 0xF4, 0x90, 0x80, 0x80);
        yield return At(0, 0xF5, 0x80, 0x80, 0x80);
    }

    private static byte[] Continuations(int count) => [.. Enumerable.Repeat((byte)0x80, count)];

    private static Utf8Sequence At(int index, params byte[] bytes) => new(bytes, index);
}
