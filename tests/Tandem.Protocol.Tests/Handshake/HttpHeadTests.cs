using Tandem.Protocol.Handshake;
using static Tandem.Protocol.Tests.Handshake.HandshakeText;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>RFC 9112 sections 2 to 5: lines end in CRLF and nothing else, names are tokens, and what two parsers could read differently is refused.</summary>
public sealed class HttpHeadTests
{
    private const string Start = "GET / HTTP/1.1\r\n";

    [Theory]
    [InlineData(Start + "A: b\rc\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData(Start + "A: b\nC: d\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData("GET / HTTP/1.1\nA: b\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData("GET /\r HTTP/1.1\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData("GET /\u0000 HTTP/1.1\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData("GET /\u007F HTTP/1.1\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData(Start + "A: b\u0000\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData(Start + "A: \u000Bb\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData(Start + "A: b\u001F\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData(Start + "A: b\u007F\r\n\r\n", HttpHeadStatus.InvalidCharacter)]
    [InlineData(Start + "A: b\r\n c\r\n\r\n", HttpHeadStatus.ObsoleteFolding)]
    [InlineData(Start + "A: b\r\n\tc\r\n\r\n", HttpHeadStatus.ObsoleteFolding)]
    [InlineData(Start + " A: b\r\n\r\n", HttpHeadStatus.ObsoleteFolding)]
    [InlineData(Start + "A : b\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    [InlineData(Start + "A\t: b\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    [InlineData(Start + ": b\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    [InlineData(Start + "A\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    [InlineData(Start + "A b: c\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    [InlineData(Start + "A\u0001: c\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    [InlineData(Start + "(A): c\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    [InlineData(Start + "\u00C4: c\r\n\r\n", HttpHeadStatus.InvalidFieldName)]
    public void A_malformed_head_is_refused_for_its_reason(string head, HttpHeadStatus expected) => Assert.Equal(expected, Parse(head));

    [Fact]
    public void Section_5_5_every_control_character_but_the_tab_is_refused_in_a_value()
    {
        for (int c = 0; c < 256; c++)
        {
            bool legal = c is '\t' or (>= 0x20 and not 0x7F);
            if (c is '\r' or '\n') continue;
            Assert.Equal(legal ? HttpHeadStatus.Complete : HttpHeadStatus.InvalidCharacter, Parse($"{Start}A: b{(char)c}c\r\n\r\n"));
        }
    }

    [Fact]
    public void Section_5_6_2_a_name_is_a_token_character_by_character()
    {
        const string token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for (int c = 0; c < 256; c++)
        {
            if (c is '\r' or '\n' or ':') continue;
            bool legal = token.Contains((char)c, StringComparison.Ordinal);
            Assert.Equal(legal ? HttpHeadStatus.Complete : HttpHeadStatus.InvalidFieldName, Parse($"{Start}A{(char)c}: b\r\n\r\n"));
            Assert.Equal(legal, HttpHead.IsToken([(byte)'A', (byte)c]));
        }

        Assert.False(HttpHead.IsToken([]));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\n")]
    [InlineData("\n")]
    [InlineData(Start + "A: b\n")]
    [InlineData(Start + "A: b\n\n")]
    [InlineData(Start + "A: b\rc")]
    [InlineData("GET /\r\r")]
    [InlineData(Start + "\rA")]
    public void Section_2_2_a_bare_CR_or_LF_is_refused_while_the_head_is_incomplete(string head) =>
        Assert.Equal(HttpHeadStatus.InvalidCharacter, Parse(head));

    [Theory]
    [InlineData("")]
    [InlineData("\r")]
    [InlineData("\r\n")]
    [InlineData("GET / HTTP/1.1\r")]
    [InlineData(Start)]
    [InlineData(Start + "\r")]
    [InlineData(Start + "A: b\r")]
    public void Half_a_CRLF_at_the_end_waits_for_the_other_half(string head) => Assert.Equal(HttpHeadStatus.NeedMoreData, Parse(head));

    [Fact]
    public void Truncated_at_every_byte_a_head_needs_more()
    {
        byte[] bytes = Bytes(Example);
        for (int i = 0; i < bytes.Length; i++) Assert.Equal(HttpHeadStatus.NeedMoreData, HttpHead.Parse(bytes.AsSpan(0, i), out _));
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(bytes, out _));
    }

    [Fact]
    public void The_bytes_behind_the_head_are_not_part_of_it()
    {
        byte[] bytes = [.. Bytes(Example), 0x81, 0x00, (byte)'\n', 0x00, .. new byte[10_000]];
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(bytes, out HttpHead head));
        Assert.Equal(Example.Length, head.Length);
        Assert.Equal(Example, Text(head.Bytes));
    }

    [Fact]
    public void A_head_gives_its_start_line_and_its_fields_in_order()
    {
        byte[] bytes = Bytes(Start + "A:b\r\nLonger-Name: \t two words \t \r\nempty:\r\nblank: \r\na: again: x\r\n\r\n");
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(bytes, out HttpHead head));
        Assert.Equal("GET / HTTP/1.1", Text(head.StartLine));
        var fields = new List<string>();
        for (int i = 0; i < head.FieldCount; i++) fields.Add($"{Text(head.Name(i))}={Text(head.Value(i))}");
        Assert.Equal(["A=b", "Longer-Name=two words", "empty=", "blank=", "a=again: x"], fields);
        Assert.Equal((0, 4, -1), (head.Find("a"u8), head.Find("A"u8, 1), head.Find("A"u8, 5)));
        Assert.Equal(-1, head.Find("absent"u8));
    }

    [Fact]
    public void A_head_without_fields_is_whole()
    {
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(Bytes(Start + "\r\n"), out HttpHead head));
        Assert.Equal(0, head.FieldCount);
    }

    [Fact]
    public void Section_5_5_obs_text_is_let_through_in_a_value()
    {
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse([.. Bytes(Start), .. "A: "u8, 0x80, 0xC3, 0xA9, 0xFF, .. "\r\n\r\n"u8], out HttpHead head));
        Assert.True(head.Value(0).SequenceEqual<byte>([0x80, 0xC3, 0xA9, 0xFF]));
    }

    [Fact]
    public void A_single_field_is_told_from_none_and_from_several()
    {
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(Bytes(Start + "One: 1\r\nTwo: 2\r\ntwo: 3\r\n\r\n"), out HttpHead head));
        Assert.Equal(1, head.TryGetSingle("ONE"u8, out ReadOnlySpan<byte> value));
        Assert.Equal("1", Text(value));
        Assert.Equal(2, head.TryGetSingle("Two"u8, out value));
        Assert.True(value.IsEmpty);
        Assert.Equal(0, head.TryGetSingle("Three"u8, out value));
        Assert.True(value.IsEmpty);
    }

    [Theory]
    [InlineData("L: upgrade\r\n", true)]
    [InlineData("L: keep-alive, UPGRADE\r\n", true)]
    [InlineData("L: keep-alive,,upgrade ,\r\n", true)]
    [InlineData("l: keep-alive\r\nL: x,\tUpgrade\t\r\n", true)]
    [InlineData("L: upgrades, up, grade, x upgrade\r\n", false)]
    [InlineData("L:\r\n", false)]
    [InlineData("M: upgrade\r\n", false)]
    public void RFC_9110_section_5_6_1_a_token_is_found_in_any_case_and_in_any_line_of_a_list(string lines, bool expected)
    {
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(Bytes($"{Start}{lines}\r\n"), out HttpHead head));
        Assert.Equal(expected, head.ListContains("L"u8, "Upgrade"u8));
    }

    [Fact]
    public void Exactly_64_fields_are_accepted_and_65_are_not()
    {
        static string Fields(int count) => Start + string.Concat(Enumerable.Range(0, count).Select(i => $"F{i}: {i}\r\n")) + "\r\n";
        Assert.Equal(HttpHeadStatus.Complete, HttpHead.Parse(Bytes(Fields(64)), out HttpHead head));
        Assert.Equal((64, "63"), (head.FieldCount, Text(head.Value(63))));
        Assert.Equal(HttpHeadStatus.TooManyFields, Parse(Fields(65)));
    }

    [Fact]
    public void Exactly_8192_bytes_are_accepted_and_8193_are_not()
    {
        static string Head(int length) => $"{Start}A: {new string('x', length - Start.Length - 7)}\r\n\r\n";
        Assert.Equal(8192, Head(8192).Length);
        Assert.Equal(HttpHeadStatus.Complete, Parse(Head(8192)));
        Assert.Equal(HttpHeadStatus.Complete, Parse(Head(8192) + "behind"));
        Assert.Equal(HttpHeadStatus.TooLong, Parse(Head(8193)));
        // Known as soon as 8192 bytes are there without the end, and not before.
        Assert.Equal(HttpHeadStatus.TooLong, Parse(Head(8193)[..8192]));
        Assert.Equal(HttpHeadStatus.NeedMoreData, Parse(Head(8193)[..8191]));
    }

    [Fact]
    public void A_start_line_that_fills_the_limit_is_told_from_a_long_head()
    {
        string line = "GET /" + new string('x', 9000);
        Assert.Equal(HttpHeadStatus.NeedMoreData, Parse(line[..8191]));
        Assert.Equal(HttpHeadStatus.StartLineTooLong, Parse(line[..8192]));
        Assert.Equal(HttpHeadStatus.StartLineTooLong, Parse(line));
        Assert.Equal(HttpHeadStatus.TooLong, Parse(line[..8190] + "\r\n"));
    }
}
