using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>What a peer can do wrong with permessage-deflate: each named, however the bytes are cut, and nothing is read after it.</summary>
public sealed class DeflateFaultTests
{
    private static readonly Dictionary<string, (ProtocolFault Fault, byte[] Bytes)> Violations = new()
    {
        ["a reserved block type"] = (ProtocolFault.InvalidDeflateData, F(0xC2, 0x07)),
        ["a stored block whose length is not confirmed"] = (ProtocolFault.InvalidDeflateData, F(0xC2, 0x00, 0x05, 0x00, 0x05, 0x00)),
        ["too many literal codes"] = (ProtocolFault.InvalidDeflateData, F(0xC2, 0xFD, 0xFF, 0xFF, 0xFF)),
        ["a distance to before the first byte"] = (ProtocolFault.InvalidDeflateData, F(0xC2, new DeflateBits().Literals("ab"u8).Match(3, 3).EndBlock().Message())),
        ["in the second fragment"] = (ProtocolFault.InvalidDeflateData, [.. F(0x42, Deflated.Hello[..3]), .. F(0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)]),
        ["in the second message"] = (ProtocolFault.InvalidDeflateData, [.. F(0xC2, Deflated.Hello), .. F(0xC2, 0x07)]),
        ["a message that is cut within a block"] = (ProtocolFault.InvalidDeflateData, F(0xC2, Deflated.Hello[..4])),
        ["a message that is cut within its last code"] = (ProtocolFault.InvalidDeflateData, F(0xC2, Deflated.Hello[..^1])),
        ["a message that is cut within a stored block"] = (ProtocolFault.InvalidDeflateData, F(0xC2, 0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48)),
        ["a message of no data, behind one whose last four bytes were of a last block"] = (ProtocolFault.InvalidDeflateData, [.. F(0xC2, 0x01), .. F(0xC2)]),
        ["a message of no data at all"] = (ProtocolFault.InvalidDeflateData, F(0xC2)),
        ["6.1 RSV1 on a continuation of a compressed message"] = (ProtocolFault.ReservedBitSet, [.. F(0x41, Deflated.Hello[..3]), .. F(0xC0, Deflated.Hello[3..])]),
        ["6.1 RSV1 on a continuation of another message"] = (ProtocolFault.ReservedBitSet, [.. F(0x01, (byte)'a'), .. F(0xC0)]),
        ["6.1 RSV1 on a ping"] = (ProtocolFault.ReservedBitSet, F(0xC9)),
        ["6.1 RSV1 on a pong"] = (ProtocolFault.ReservedBitSet, F(0xCA)),
        ["6.1 RSV1 on a close"] = (ProtocolFault.ReservedBitSet, F(0xC8)),
        ["RSV2 beside RSV1"] = (ProtocolFault.ReservedBitSet, F(0xE1, Deflated.Hello)),
        ["RSV3 beside RSV1"] = (ProtocolFault.ReservedBitSet, F(0xD1, Deflated.Hello)),
        ["RSV2 alone"] = (ProtocolFault.ReservedBitSet, F(0xA1)),
        ["RSV1 on a reserved opcode"] = (ProtocolFault.ReservedBitSet, F(0xC3)),
        ["a new compressed message before the last fragment"] = (ProtocolFault.ExpectedContinuation, [.. F(0x41, Deflated.Hello[..3]), .. F(0xC1, Deflated.Hello)]),
        ["text that is not UTF-8 once inflated"] = (ProtocolFault.InvalidUtf8, F(0xC1, Deflated.Compress([0x61, 0xFF]))),
        ["text that ends inside a code point"] = (ProtocolFault.InvalidUtf8, F(0xC1, Deflated.Compress([0x61, 0xE2, 0x82]))),
        ["text that ends inside a code point, in fragments"] = (ProtocolFault.InvalidUtf8, Split(Deflated.Compress([0x61, 0xE2, 0x82]))),
        ["text of many outputs that is not UTF-8 at its beginning"] = (ProtocolFault.InvalidUtf8, F(0xC1, Deflated.Compress([0xFF, .. new byte[300_000]]))),
        ["text of many outputs that is not UTF-8 at its end"] = (ProtocolFault.InvalidUtf8, F(0xC1, Deflated.Compress([.. new byte[300_000], 0xC0]))),
    };

    public static TheoryData<string> Names => [.. Violations.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_violation_is_named_the_same_however_the_bytes_are_cut_and_nothing_is_read_after_it(string name)
    {
        (ProtocolFault fault, byte[] violation) = Violations[name];
        byte[] bytes = [.. F(0xC1, [0x00]), .. violation, .. F(0xC1, Deflated.Hello), .. F(0x89, 1), .. F(0x88)];
        foreach (int outputSize in (int[])[64 * 1024, 1000, 1])
        {
            var setup = new Deflated.Setup(OutputSize: outputSize);
            List<string> expected = Deflated.ReadInPieces(setup, bytes, 1);
            Assert.Equal(ReaderDriver.FaultLine(fault), expected[^1]);
            Assert.Equal("text ''", expected[0]);
            for (int cut = 0; cut <= Math.Min(bytes.Length, 100); cut++) Assert.Equal(expected, Deflated.Read(setup, bytes, cut));
        }
    }

    [Fact]
    public void Section_7_2_2_a_message_ends_where_the_four_bytes_that_were_left_away_end_a_block()
    {
        // Stored, fixed and dynamic codes: none of these is whole before its last byte, but for the one whose first byte is an empty message.
        foreach (string kind in (string[])["random", "repetitive", "JSON"])
        {
            byte[] compressed = Deflated.Compress(Deflated.Payload(kind, 300));
            int[] whole = [.. Enumerable.Range(0, compressed.Length + 1).Where(length => FaultOf(compressed[..length]) == ProtocolFault.None)];
            Assert.Equal(compressed[0] == 0 ? [1, compressed.Length] : [compressed.Length], whole);
        }
    }

    [Fact]
    public void Data_that_is_no_DEFLATE_closes_with_1007()
    {
        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, ProtocolFault.InvalidDeflateData.CloseStatus());
        Assert.Equal("7692:7.2.2", ProtocolFault.InvalidDeflateData.Section());
    }

    [Fact]
    public void Section_6_RSV1_without_negotiation_is_a_reserved_bit()
    {
        List<string> events = ReaderDriver.Run(Wire.Server, F(0xC1, Deflated.Hello));
        Assert.Equal(["fault ReservedBitSet"], events);
    }

    [Fact]
    public void RFC6455_8_1_text_is_judged_on_what_has_come_out_so_far_not_when_the_message_ends()
    {
        using var pool = new InflaterPool();
        using var deflate = new InboundDeflate(pool, 15, true);
        using var deflater = new MessageDeflater(1, 15, 8);
        var driver = new ReaderDriver(Wire.Server, deflate);
        driver.Feed(F(0x41, Deflated.Compress(deflater, "fine so far"u8, endOfMessage: false)));
        Assert.Equal((11, ProtocolFault.None), (driver.Pending, driver.Fault));
        driver.Feed(F(0x00, Deflated.Compress(deflater, [0xE2], endOfMessage: false)));
        Assert.Equal(ProtocolFault.None, driver.Fault);
        driver.Feed(F(0x00, Deflated.Compress(deflater, [0x41], endOfMessage: false)));
        Assert.Equal(ProtocolFault.InvalidUtf8, driver.Fault);
    }

    [Fact]
    public void RFC6455_8_1_binary_messages_and_code_points_across_outputs_and_fragments_are_fine()
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("aé€𝄞", 500)));
        byte[] bytes = [.. Split(Deflated.Compress(text)), .. F(0xC2, Deflated.Compress([0xFF, 0xC0]))];
        foreach (int outputSize in (int[])[1, 2, 3, 5, 64 * 1024])
        {
            Assert.Equal([ReaderDriver.MessageLine(WebSocketMessageType.Text, text), "binary FFC0"], Deflated.Read(new(OutputSize: outputSize), bytes));
        }
    }

    [Fact]
    public void A_decompressor_that_has_seen_invalid_data_serves_the_next_connection()
    {
        using var pool = new InflaterPool();
        foreach (byte[] bad in (byte[][])[[0x07], [0x00, 5, 0, 5, 0], [0xFD, 0xFF, 0xFF], Deflated.Hello[..4]])
        {
            using (var first = new InboundDeflate(pool, 15, true)) new ReaderDriver(Wire.Server, first).Feed(F(0x42, bad));
            using var second = new InboundDeflate(pool, 15, true);
            var driver = new ReaderDriver(Wire.Server, second);
            driver.Feed(F(0xC1, Deflated.Hello));
            Assert.Equal(["text 'Hello'"], driver.Events);
        }
    }

    private static ProtocolFault FaultOf(byte[] compressed)
    {
        using var pool = new InflaterPool();
        using var deflate = new InboundDeflate(pool, 15, true);
        var driver = new ReaderDriver(Wire.Server, deflate);
        driver.Feed(F(0xC2, compressed));
        return driver.Fault;
    }

    private static byte[] F(int first, params byte[] payload) => Wire.Frame(WebSocketRole.Server, first, payload);

    private static byte[] Split(byte[] message)
    {
        int half = message.Length / 2;
        return [.. F(0x41, message[..half]), .. F(0x00), .. F(0x80, message[half..])];
    }
}
