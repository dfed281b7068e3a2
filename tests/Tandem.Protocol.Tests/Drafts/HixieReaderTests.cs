using Tandem.Protocol.Drafts;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Drafts;

/// <summary>
/// What clients of hixie-75 and hixie-76 send (section 5.3 of hixie-76): hex, and what a reader of RFC 6455 makes of the translation. Each is read whole, split at every byte, byte by
/// byte, and truncated at every byte.
/// </summary>
public sealed class HixieReaderTests
{
    private static readonly WebSocketReaderOptions Server = new() { MaxMessageSize = 1000 };

    public static TheoryData<WebSocketDrafts, string, string> Streams => new()
    {
        { WebSocketDrafts.Hixie, "00 48656C6C6F FF", "text 'Hello'" },
        { WebSocketDrafts.Hixie, "00 FF", "text ''" },
        { WebSocketDrafts.Hixie, "00 FF 00 61 FF 00 FF 00 C3A9 FF", "text '', text 'a', text '', text C3A9" },
        { WebSocketDrafts.Hixie, "00 00 FF 00 0061 FF", "text 00, text 0061" }, // within a text 00 is a character
        { WebSocketDrafts.Hixie, "00 61", "" },
        { WebSocketDrafts.Hixie, "", "" },

        // Text of another type is skipped.
        { WebSocketDrafts.Hixie, "01 6162 FF 7F FF 00 63 FF", "text 'c'" },

        // So are frames with a length, whose digits are of base 128.
        { WebSocketDrafts.Hixie, "80 00 00 63 FF", "text 'c'" },
        { WebSocketDrafts.Hixie, "80 05 00FF00FF00 00 63 FF", "text 'c'" },
        { WebSocketDrafts.Hixie, "FE 8003 FFFFFF 00 63 FF", "text 'c'" },
        { WebSocketDrafts.Hixie, "FF 03 FF00FF 00 63 FF", "text 'c'" },

        // Section 5.3: FF 00 closes in hixie-76; leading zeros do not change a length. In hixie-75 it is skipped like any other.
        { WebSocketDrafts.Hixie76, "00 61 FF FF 00", "text 'a', close 1005 ''" },
        { WebSocketDrafts.Hixie76, "FF 8000", "close 1005 ''" },
        { WebSocketDrafts.Hixie76, "FF 00 00 61 FF", "close 1005 ''" },
        { WebSocketDrafts.Hixie75, "FF 00 00 61 FF", "text 'a'" },

        // RFC 6455 section 8.1 holds: no character is made up for what is none.
        { WebSocketDrafts.Hixie, "00 61 C3 FF", "fault InvalidUtf8" },
        { WebSocketDrafts.Hixie, "00 C0AF FF", "fault InvalidUtf8" },

        // Lengths that are not waited for: 64 Ki and one; zeros without end.
        { WebSocketDrafts.Hixie, "80 848001 00", "fault ReservedOpcode" },
        { WebSocketDrafts.Hixie, "80 8FFFFFFFFFFFFFFF7F", "fault ReservedOpcode" },
        { WebSocketDrafts.Hixie, "80 80808080808080808000 00 63 FF", "text 'c'" }, // ten digits
        { WebSocketDrafts.Hixie, "80 8080808080808080808000 00 63 FF", "fault ReservedOpcode" },
        { WebSocketDrafts.Hixie, "FF 8080808080808080808080808080", "fault ReservedOpcode" },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public void A_stream_comes_out_as_messages(WebSocketDrafts drafts, string hex, string expected)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        foreach (WebSocketDrafts draft in (WebSocketDrafts[])[WebSocketDrafts.Hixie75, WebSocketDrafts.Hixie76])
        {
            if ((drafts & draft) == 0) continue;
            Assert.Equal(expected, Read(draft, bytes, bytes.Length));
            Assert.Equal(expected, Read(draft, bytes, 1));
            for (int split = 1; split < bytes.Length; split++) Assert.Equal(expected, Read(draft, bytes, split, bytes.Length - split));
            for (int length = 0; length < bytes.Length; length++) Assert.StartsWith(Read(draft, bytes.AsSpan(0, length), length), expected, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1000, "text")]
    [InlineData(1001, "fault MessageTooBig")]
    [InlineData(100_000, "fault MessageTooBig")]
    public void A_text_is_refused_when_it_outgrows_the_bound_and_not_at_its_end(int length, string expected)
    {
        byte[] bytes = [0x00, .. Enumerable.Repeat((byte)'x', length), 0xFF];
        foreach (int size in (int[])[1, 7, 1000, int.MaxValue]) Assert.StartsWith(expected, Read(WebSocketDrafts.Hixie76, bytes, size), StringComparison.Ordinal);
        if (length > 1000) Assert.Equal(expected, Read(WebSocketDrafts.Hixie76, bytes.AsSpan(0, 1002), 100));
    }

    [Theory]
    [InlineData(HixieReader.MaxSkippedLength, "text 'c'")]
    [InlineData(HixieReader.MaxSkippedLength + 1, "fault ReservedOpcode")]
    public void What_is_skipped_is_bounded_with_and_without_a_length(int length, string expected)
    {
        byte[] payload = new byte[length];
        byte[] end = [0x00, (byte)'c', 0xFF];
        byte[] announced = [0x80, (byte)(0x80 | (length >> 14)), (byte)(0x80 | (length >> 7)), (byte)(length & 0x7F), .. payload, .. end];
        byte[] searched = [0x01, .. payload, 0xFF, .. end];
        foreach (int size in (int[])[1000, int.MaxValue])
        {
            Assert.Equal(expected, Read(WebSocketDrafts.Hixie75, announced, size));
            Assert.Equal(expected, Read(WebSocketDrafts.Hixie75, searched, size));
        }

        // Without its end, and without what is announced: the bound is what decides.
        if (length <= HixieReader.MaxSkippedLength) return;
        Assert.Equal(expected, Read(WebSocketDrafts.Hixie75, announced.AsSpan(0, 4), 1));
        Assert.Equal(expected, Read(WebSocketDrafts.Hixie75, searched.AsSpan(0, length + 1), 1000));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(2000)]
    public void Empty_texts_which_grow_most_fit_the_room_that_is_promised(int size)
    {
        byte[] bytes = [.. Enumerable.Range(0, 2000).Select(i => (byte)(i % 2 == 0 ? 0x00 : 0xFF))];
        Assert.Equal(string.Join(", ", Enumerable.Repeat("text ''", 1000)), Read(WebSocketDrafts.Hixie76, bytes, size));
    }

    [Fact]
    public void Whether_a_frame_is_open_is_known()
    {
        var reader = new HixieReader(WebSocketDrafts.Hixie75);
        byte[] output = new byte[64];
        Assert.True(reader.IsBetweenFrames);
        foreach ((byte b, bool between) in new[] { ((byte)0x00, false), ((byte)'a', false), ((byte)0xFF, true), ((byte)0x80, false), ((byte)0x01, false), ((byte)0x00, true) })
        {
            reader.Translate([b], output);
            Assert.Equal(between, reader.IsBetweenFrames);
        }

        Assert.Equal(6, reader.WriteClose(output));
        Assert.Equal([CloseLine], ReaderDriver.Run(Server, output.AsSpan(0, 6)));
        Assert.Equal(0, reader.Translate([0x00, 0x61, 0xFF], output));
    }

    [Fact]
    public void Nothing_is_allocated() =>
        Assert.Equal(0, Allocation.InSteadyState(
            times =>
            {
                var reader = new HixieReader(WebSocketDrafts.Hixie76);
                Span<byte> output = stackalloc byte[64];
                for (int i = 0; i < times; i++) reader.Translate("\0Hello, world"u8, output);
            },
            100));

    private static string CloseLine => ReaderDriver.CloseLine(1005, "");

    // In pieces of the given sizes; the last is used again.
    private static string Read(WebSocketDrafts draft, ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> sizes)
    {
        var reader = new HixieReader(draft);
        var frames = new ReaderDriver(Server);
        for (int i = 0; !bytes.IsEmpty; i++)
        {
            int size = Math.Min(sizes[Math.Min(i, sizes.Length - 1)], bytes.Length);
            // As the stream does it: the input stands behind the output, in the same memory, with just the room that is promised.
            byte[] buffer = new byte[HixieReader.MaxLength(size) + size];
            bytes[..size].CopyTo(buffer.AsSpan(HixieReader.MaxLength(size)));
            int length = reader.Translate(buffer.AsSpan(HixieReader.MaxLength(size)), buffer.AsSpan(0, HixieReader.MaxLength(size)));
            frames.Feed(buffer.AsSpan(0, length));
            bytes = bytes[size..];
        }

        return string.Join(", ", frames.Events);
    }
}
