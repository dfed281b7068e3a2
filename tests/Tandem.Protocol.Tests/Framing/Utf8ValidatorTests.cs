using System.Text;
using Tandem.Protocol.Framing;
using static Tandem.Tests.Support.NaiveUtf8;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 section 8.1 and RFC 3629: the validator against a naive twin, for every short sequence and every way of cutting it.</summary>
public sealed class Utf8ValidatorTests
{
    private static readonly byte[] Boundaries =
    [
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
        0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF,
    ];

    [Fact]
    public void The_twin_itself_agrees_with_a_strict_decoder()
    {
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        var random = new Random(3629);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = RandomText(random, 6);
            if (i % 2 == 0) Mutate(bytes, random);
            bool valid = true;
            try
            {
                strict.GetCharCount(bytes);
            }
            catch (DecoderFallbackException)
            {
                valid = false;
            }

            Assert.True(valid == (Judge(bytes) == Verdict.Complete), Convert.ToHexString(bytes));
        }
    }

    [Fact]
    public void All_sequences_of_one_and_two_bytes_are_judged_as_by_the_twin()
    {
        for (int first = 0; first < 256; first++)
        {
            AssertAllCuts([(byte)first]);
            for (int second = 0; second < 256; second++) AssertAllCuts([(byte)first, (byte)second]);
        }
    }

    [Fact]
    public void All_sequences_of_three_bytes_that_begin_with_E0_to_EF_are_judged_as_by_the_twin()
    {
        byte[] bytes = new byte[3];
        for (int lead = 0xE0; lead <= 0xEF; lead++)
        {
            for (int rest = 0; rest < 65536; rest++)
            {
                (bytes[0], bytes[1], bytes[2]) = ((byte)lead, (byte)(rest >> 8), (byte)rest);
                Verdict expected = Judge(bytes);
                var whole = default(Utf8Validator);
                Check(expected, whole.Append(bytes), whole, bytes);
                var cut = default(Utf8Validator);
                bool ok = cut.Append(bytes.AsSpan(0, 1)) && cut.Append(bytes.AsSpan(1, 1)) && cut.Append(bytes.AsSpan(2, 1));
                Check(expected, ok, cut, bytes);
            }
        }
    }

    [Fact]
    public void All_sequences_of_four_boundary_bytes_are_judged_as_by_the_twin()
    {
        byte[] bytes = new byte[4];
        foreach (byte a in (byte[])[0x41, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8])
        {
            foreach (byte b in Boundaries)
            {
                foreach (byte c in Boundaries)
                {
                    foreach (byte d in Boundaries)
                    {
                        (bytes[0], bytes[1], bytes[2], bytes[3]) = (a, b, c, d);
                        AssertAllCuts(bytes);
                    }
                }
            }
        }
    }

    [Fact]
    public void Random_splits_of_random_text_are_judged_as_by_the_twin()
    {
        for (int seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            byte[] bytes = RandomText(random, 60);
            if (seed % 2 == 1) Mutate(bytes, random);
            var validator = default(Utf8Validator);
            bool ok = true;
            int done = 0;
            while (ok && done < bytes.Length)
            {
                int length = Math.Min(random.Next(random.Next(2, 40)), bytes.Length - done);
                ok = validator.Append(bytes.AsSpan(done, length));
                done += length;
                // Fail-fast: after every piece, not only after the last.
                Verdict expected = Judge(bytes.AsSpan(0, done));
                bool agreed = ok == (expected != Verdict.Invalid) && (!ok || validator.IsComplete == (expected == Verdict.Complete));
                Assert.True(agreed, $"seed {seed}, byte {done}");
            }
        }
    }

    [Theory]
    [InlineData("C0")]
    [InlineData("C1")]
    [InlineData("F5")]
    [InlineData("F8")]
    [InlineData("FF")]
    [InlineData("80")]
    [InlineData("C2 41")]
    [InlineData("E0 80")]
    [InlineData("E0 9F")]
    [InlineData("ED A0")]
    [InlineData("ED BF")]
    [InlineData("F0 80")]
    [InlineData("F0 8F")]
    [InlineData("F4 90")]
    [InlineData("E2 82 41")]
    [InlineData("F1 80 80 C0")]
    public void Section_8_1_what_no_continuation_repairs_is_refused_at_that_byte(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var validator = default(Utf8Validator);
        for (int i = 0; i < bytes.Length - 1; i++) Assert.True(validator.Append(bytes.AsSpan(i, 1)));
        Assert.False(validator.Append(bytes.AsSpan(^1..)));
        // The same behind text that a vectorised scan takes in one go, and at any place of it.
        for (int before = 0; before < 70; before++)
        {
            var scan = default(Utf8Validator);
            Assert.False(scan.Append([.. Enumerable.Repeat((byte)'x', before), .. bytes]));
        }
    }

    [Fact]
    public void An_empty_piece_changes_nothing()
    {
        var validator = default(Utf8Validator);
        Assert.True(validator.Append(default) && validator.IsComplete);
        Assert.True(validator.Append([0xE2]) && !validator.IsComplete);
        Assert.True(validator.Append(default) && !validator.IsComplete);
        Assert.True(validator.Append([0x82]) && !validator.IsComplete);
        Assert.True(validator.Append([0xAC]) && validator.IsComplete);
    }

    /// <summary>All ways of cutting a short sequence into pieces.</summary>
    private static void AssertAllCuts(ReadOnlySpan<byte> bytes)
    {
        Verdict expected = Judge(bytes);
        for (int cuts = 0; cuts < 1 << (bytes.Length - 1); cuts++)
        {
            var validator = default(Utf8Validator);
            bool ok = true;
            int start = 0;
            for (int i = 1; i <= bytes.Length && ok; i++)
            {
                if (i < bytes.Length && (cuts >> (i - 1) & 1) == 0) continue;
                ok = validator.Append(bytes[start..i]);
                Check(Judge(bytes[..i]), ok, validator, bytes);
                start = i;
            }

            Check(expected, ok, validator, bytes);
        }
    }

    private static void Check(Verdict expected, bool ok, in Utf8Validator validator, ReadOnlySpan<byte> bytes)
    {
        if (ok == (expected != Verdict.Invalid) && (!ok || validator.IsComplete == (expected == Verdict.Complete))) return;
        Assert.Fail($"{Convert.ToHexString(bytes)} is {expected}");
    }

    private static byte[] RandomText(Random random, int codePoints)
    {
        var text = new StringBuilder();
        for (int i = 0; i < codePoints; i++)
        {
            int limit = random.Next(5) switch { 0 => 0x80, 1 => 0x800, 2 => 0x10000, 3 => 0x110000, _ => 0x60 };
            int value = random.Next(limit);
            text.Append(Rune.IsValid(value) ? new Rune(value) : Rune.ReplacementChar);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Mutate(byte[] bytes, Random random)
    {
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            byte b = random.Next(2) == 0 ? (byte)random.Next(256) : Boundaries[random.Next(Boundaries.Length)];
            bytes[random.Next(bytes.Length)] = b;
        }
    }
}
