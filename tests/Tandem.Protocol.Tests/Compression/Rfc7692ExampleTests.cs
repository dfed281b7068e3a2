using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>The examples printed in RFC 7692 section 7.2.3, byte for byte, and however they are cut.</summary>
public sealed class Rfc7692ExampleTests
{
    private static readonly Dictionary<string, (string[] Frames, string[] Events)> Examples = new()
    {
        // Hexadecimal: the first byte of each frame, a blank, its payload.
        ["7.2.3.1 one block"] = (["C1 F248CDC9C90700"], ["text 'Hello'"]),
        ["7.2.3.1 fragmented"] = (["41 F248CD", "80 C9C90700"], ["text 'Hello'"]),
        ["7.2.3.2 sharing the window"] = (["C1 F248CDC9C90700", "C1 F200110000"], ["text 'Hello'", "text 'Hello'"]),
        ["7.2.3.3 a block without compression"] = (["C1 000500FAFF48656C6C6F00"], ["text 'Hello'"]),
        ["7.2.3.4 a block with BFINAL"] = (["C1 F348CDC9C9070000"], ["text 'Hello'"]),
        ["7.2.3.5 two blocks in one message"] = (["C1 F248 05 00 0000FFFF CAC9C90700"], ["text 'Hello'"]),
        ["7.2.3.6 an empty message"] = (["C1 00"], ["text ''"]),
        ["after BFINAL the next message starts afresh"] = (["C1 F348CDC9C9070000", "C1 F248CDC9C90700", "C1 F200110000"], ["text 'Hello'", "text 'Hello'", "text 'Hello'"]),
        ["blocks behind one with BFINAL"] = (["C1 F348CDC9C90700F248CDC9C90700"], ["text 'HelloHello'"]),
        ["a ping between fragments"] = (["41 F248CD", "89 70", "00 C9", "8A 71", "80 C90700"], ["ping 'p'", "pong 'q'", "text 'Hello'"]),
        ["empty fragments"] = (["41", "00 F2", "00", "00 48CDC9C90700", "80"], ["text 'Hello'"]),
        ["section 6: messages without RSV1 between compressed ones"] =
            (["C1 F248CDC9C90700", "81 506C61696E", "02 78", "80 79", "C2 F200110000"], ["text 'Hello'", "text 'Plain'", "binary 'xy'", "binary 'Hello'"]),
    };

    public static TheoryData<string, WebSocketRole> Cases
    {
        get
        {
            var data = new TheoryData<string, WebSocketRole>();
            foreach (string name in Examples.Keys)
            {
                data.Add(name, WebSocketRole.Server);
                data.Add(name, WebSocketRole.Client);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Section_7_2_3_is_read_whole_split_at_every_byte_and_byte_by_byte(string name, WebSocketRole role)
    {
        (string[] frames, string[] expected) = Examples[name];
        byte[] bytes = [.. frames.SelectMany(frame => Frame(role, frame))];
        foreach (int outputSize in (int[])[64 * 1024, 1, 2, 3])
        {
            var setup = new Deflated.Setup(OutputSize: outputSize) { Options = Wire.Options(role) };
            for (int cut = 0; cut <= bytes.Length; cut++) Assert.Equal(expected, Deflated.Read(setup, bytes, cut));
            Assert.Equal(expected, Deflated.ReadInPieces(setup, bytes, 1));
        }
    }

    [Fact]
    public void Section_6_of_a_short_message_without_RSV1_behind_a_compressed_one_the_reader_tells_its_own_header()
    {
        using var pool = new InflaterPool(1024);
        using var deflate = new InboundDeflate(pool, 15, keepsContext: true);
        var reader = new WebSocketReader(Wire.Server, deflate);
        byte[] bytes = [.. Frame(WebSocketRole.Server, "C1 F248CDC9C90700"), .. Frame(WebSocketRole.Server, "82 78797A")];

        Assert.Equal(WebSocketEvent.EndOfMessage, reader.Read(bytes, out int first, out _));
        Assert.True(reader.IsCompressed);
        Assert.Equal(WebSocketEvent.EndOfMessage, reader.Read(bytes.AsSpan(first), out int second, out Span<byte> payload));
        Assert.False(reader.IsCompressed);
        Assert.True(payload.SequenceEqual("xyz"u8));
        Assert.True(FrameHeader.TryRead(bytes.AsSpan(first), out FrameHeader header));
        Assert.Equal(header, reader.Frame);
        Assert.Equal(bytes.Length, first + second);
    }

    [Fact]
    public void Section_7_2_3_1_a_compressor_writes_the_printed_bytes()
    {
        using var deflater = new MessageDeflater(9, 15, 8);
        Assert.Equal(Deflated.Hello, Deflated.Compress(deflater, "Hello"u8));
        Assert.Equal([0xF2, 0x00, 0x11, 0x00, 0x00], Deflated.Compress(deflater, "Hello"u8)); // 7.2.3.2
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(9)]
    public void Section_7_2_3_6_a_compressor_writes_an_empty_message_as_one_byte_whatever_came_before(int level)
    {
        using var deflater = new MessageDeflater(level, 15, 8);
        foreach (bool keepContext in (bool[])[true, false, true])
        {
            Assert.Equal([0], Deflated.Compress(deflater, [], keepContext: keepContext));
            Assert.Equal([0], Deflated.Compress(deflater, [], keepContext: keepContext));
            byte[] message = Deflated.Compress(deflater, "a message"u8, keepContext: keepContext);
            Assert.Equal("a message", Encoding.ASCII.GetString(Deflated.InflateByLibrary([message])));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void Section_7_2_1_a_message_does_not_end_with_the_tail_of_its_flush(int level)
    {
        using var deflater = new MessageDeflater(level, 15, 8);
        foreach (string kind in Deflated.Kinds)
        {
            byte[] message = Deflated.Compress(deflater, Deflated.Payload(kind, 1000));
            Assert.False(message.AsSpan().EndsWith(Deflated.Tail));
            Assert.Equal(0, message[^1] & 0x80); // what is left of the flush's empty block: its header and padding
        }
    }

    private static byte[] Frame(WebSocketRole role, string hex) =>
        Wire.Frame(role, Convert.FromHexString(hex[..2])[0], Convert.FromHexString(hex[2..].Replace(" ", "", StringComparison.Ordinal)));
}
