using System.Runtime.Intrinsics.X86;
using System.Text;
using System.Text.Unicode;
using Tandem.Protocol.Framing;
using static Tandem.Tests.Support.NaiveUtf8;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 3629 by vectors, for each of their widths alone: the naive twin's answer and the BCL's, wherever a sequence lies in a block and whatever is around it.</summary>
public sealed class Utf8BlocksTests
{
    private const int LongestOffset = 100; // over a whole block and its neighbour's end

    // RFC 3629 section 4, "Syntax of UTF-8 Byte Sequences": each row's first and last sequence, and what is just outside of it.
    private static readonly string[] Sequences =
    [
        "00", "7F", "80", "BF", "C0", "C1BF", "C280", "C27F", "C2C0", "DFBF", "DF7F", "DFC0", "E08080", "E09FBF", "E0A080", "E0BFBF", "E0A07F", "E0A0C0", "E0C080", "E18080",
        "E17F80", "E1C080", "E1807F", "E180C0", "ECBFBF", "ED8080", "ED9FBF", "EDA080", "EDBFBF", "ED7F80", "EE8080", "EFBFBF", "EFC0BF", "F0808080", "F08FBFBF", "F0908080",
        "F0BFBFBF", "F0C08080", "F090807F", "F09080C0", "F0907F80", "F090C080", "F1808080", "F17F8080", "F3BFBFBF", "F3C0BFBF", "F4808080", "F48FBFBF", "F4908080", "F4BFBFBF",
        "F47F8080", "F5808080", "F58FBFBF", "F5908080", "F7BFBFBF", "F888808080", "FC8480808080", "FE", "FF", "C2", "E0A0", "E180", "F090", "F09080", "F48F", "C28080", "E1808080",
        "F180808080", "418080", "EDA080EDB080",
    ];

    private static readonly string[] Alphabets = ["a", "é", "天", "😀"];

    public enum Way
    {
        Vectors,
        Blocks128,
        Blocks256,
    }

    public static TheoryData<Way> Ways => [Way.Vectors, Way.Blocks128, Way.Blocks256];

    [Theory]
    [MemberData(nameof(Ways))]
    public void Section_4_every_boundary_is_kept_at_every_place_of_a_block(Way way)
    {
        SkipWithoutVectors(way);
        foreach (string hex in Sequences)
        {
            byte[] sequence = Convert.FromHexString(hex);
            foreach (string letter in Alphabets)
            {
                for (int offset = 0; offset <= LongestOffset; offset++)
                {
                    byte[] before = Fill(letter, offset);
                    foreach (int after in (int[])[0, 1, 30, 130]) AssertJudged(way, [.. before, .. sequence, .. Fill(letter, after)]);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void All_pairs_of_bytes_are_judged_as_by_the_twin_wherever_they_stand_in_a_sequence(Way way)
    {
        SkipWithoutVectors(way);
        foreach ((string before, string after) in ((string, string)[])[("", ""), ("", "80"), ("", "8080"), ("E1", ""), ("F1", "80"), ("F180", "")])
        {
            byte[] head = Convert.FromHexString(before);
            byte[] tail = Convert.FromHexString(after);
            for (int pair = 0; pair < 65536; pair++)
            {
                // Places and neighbours in turn, so that each kind of pair meets them all.
                string letter = Alphabets[pair % Alphabets.Length];
                AssertJudged(way, [.. Fill(letter, pair % LongestOffset), .. head, (byte)(pair >> 8), (byte)pair, .. tail, .. Fill(letter, 80)]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void One_wrong_byte_is_found_at_every_place_of_a_text(Way way)
    {
        SkipWithoutVectors(way);
        foreach (string letter in (string[])[.. Alphabets, "aé天😀", "plain text for a while, then ü, and 天地玄黄"])
        {
            byte[] text = Fill(letter, letter == "a" ? 300 : 200); // four blocks of ASCII are passed in one step
            for (int place = 0; place < text.Length; place++)
            {
                byte was = text[place];
                for (int value = 0; value < 256; value++)
                {
                    text[place] = (byte)value;
                    AssertJudged(way, text);
                }

                text[place] = was;
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_text_is_valid_where_it_ends_between_two_code_points_and_nowhere_else(Way way)
    {
        SkipWithoutVectors(way);
        foreach (string letter in (string[])[.. Alphabets, "aé天😀", new string('a', 70) + "é", new string('a', 61) + "天", new string('a', 60) + "😀"])
        {
            byte[] text = Fill(letter, 700);
            for (int length = 0; length <= text.Length; length++) AssertJudged(way, text.AsSpan(0, length));
        }
    }

    [Fact]
    public void Long_messages_in_random_pieces_are_judged_as_by_the_twin_after_each()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            byte[] text = RandomText(random, 900);
            if (seed % 2 == 1) text[random.Next(text.Length)] = (byte)random.Next(256);
            var validator = default(Utf8Validator);
            bool ok = true;
            for (int done = 0; ok && done < text.Length;)
            {
                int length = Math.Min(random.Next(400), text.Length - done);
                ok = validator.Append(text.AsSpan(done, length));
                done += length;
                Verdict expected = Judge(text.AsSpan(0, done));
                bool agreed = ok == (expected != Verdict.Invalid) && (!ok || validator.IsComplete == (expected == Verdict.Complete));
                Assert.True(agreed, $"seed {seed}, byte {done}");
            }
        }
    }

    [Fact]
    public void A_piece_of_any_length_that_begins_and_ends_inside_of_code_points_is_judged_as_by_the_twin()
    {
        foreach (string letter in Alphabets)
        {
            byte[] text = Fill(letter, 240);
            for (int start = 0; start <= 4; start++)
            {
                for (int end = start; end <= text.Length; end++)
                {
                    var validator = default(Utf8Validator);
                    Assert.True(validator.Append(text.AsSpan(0, start)) && validator.Append(text.AsSpan(start, end - start)));
                    Assert.Equal(Judge(text.AsSpan(0, end)) == Verdict.Complete, validator.IsComplete);
                    Assert.True(validator.Append(text.AsSpan(end)) && validator.IsComplete);
                }
            }
        }
    }

    private static void SkipWithoutVectors(Way way) => Assert.SkipUnless(way != Way.Blocks256 || Avx2.IsSupported, "This processor has no AVX2.");

    private static void AssertJudged(Way way, ReadOnlySpan<byte> text)
    {
        // Bytes around it that are wrong everywhere: whoever looks at them gets another answer.
        Span<byte> memory = stackalloc byte[text.Length + 128];
        memory.Fill(0xFF);
        Span<byte> copy = memory.Slice(64, text.Length);
        text.CopyTo(copy);

        bool expected = Utf8.IsValid(text);
        bool agreed = expected == (Judge(text) == Verdict.Complete) && Utf8Blocks.IsValid(copy) == expected && IsValid(way, copy, expected) == expected;
        if (!agreed) Assert.Fail($"{Convert.ToHexString(text)} is {(expected ? "valid" : "invalid")}");
    }

    private static bool IsValid(Way way, ReadOnlySpan<byte> text, bool ifTooShort) => way switch
    {
        Way.Vectors => text.Length < Utf8Blocks.MinLength ? ifTooShort : Utf8Blocks.IsValidShort(text),
        _ when text.Length < Utf8Blocks.MinBlocksLength => ifTooShort,
        Way.Blocks128 => Utf8Blocks.IsValid<Utf8Blocks.Block128>(text),
        _ => Utf8Blocks.IsValid<Utf8Blocks.Block256>(text),
    };

    /// <summary>So many bytes of valid text: the letters again and again, behind as much ASCII as is missing.</summary>
    private static byte[] Fill(string letters, int length)
    {
        byte[] unit = Encoding.UTF8.GetBytes(letters);
        byte[] text = new byte[length];
        text.AsSpan(0, length % unit.Length).Fill((byte)'x');
        for (int i = length % unit.Length; i < length; i += unit.Length) unit.CopyTo(text, i);
        return text;
    }

    /// <summary>Runs of one alphabet after the other, so that ASCII and other blocks follow each other in every way.</summary>
    private static byte[] RandomText(Random random, int length)
    {
        var text = new List<byte>(length + 400);
        while (text.Count < length)
        {
            byte[] letter = Encoding.UTF8.GetBytes(Alphabets[random.Next(Alphabets.Length)]);
            for (int i = random.Next(1, random.Next(2, 200)); i > 0; i--) text.AddRange(letter);
        }

        return [.. text];
    }
}
