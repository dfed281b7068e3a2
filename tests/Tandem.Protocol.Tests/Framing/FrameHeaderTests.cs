using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>RFC 6455 section 5.2: the layout of a header. Reading and writing are inverses, and the written form is the minimal one.</summary>
public sealed class FrameHeaderTests
{
    public static TheoryData<long> Lengths =>
    [
        0, 1, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537, int.MaxValue, uint.MaxValue, 1L << 32, long.MaxValue - 1, long.MaxValue,
    ];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void What_is_written_is_what_is_read(long length)
    {
        Span<byte> buffer = stackalloc byte[FrameHeader.MaxLength];
        foreach (bool masked in (bool[])[false, true])
        {
            for (int first = 0; first < 256; first++)
            {
                int written = FrameHeader.Write(buffer, (byte)first, length, masked, 0xDDCCBBAA);
                Assert.Equal(FrameHeader.LengthFor(length, masked), written);
                Assert.True(FrameHeader.TryRead(buffer[..written], out FrameHeader header));
                Assert.Equal(new FrameHeader((byte)first, masked, length, masked ? 0xDDCCBBAA : 0, (byte)written), header);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void What_is_read_is_what_is_written(long length)
    {
        foreach (WebSocketRole reader in (WebSocketRole[])[WebSocketRole.Server, WebSocketRole.Client])
        {
            byte[] wire = Wire.Header(reader, 0x82, length);
            Assert.True(FrameHeader.TryRead(wire, out FrameHeader header));
            byte[] again = new byte[FrameHeader.MaxLength];
            int written = FrameHeader.Write(again, header.FirstByte, header.PayloadLength, header.Masked, header.MaskingKey);
            Assert.Equal(wire, again[..written]);
            Assert.Equal(wire.Length, header.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_header_that_is_not_all_there_is_not_read(long length)
    {
        foreach (WebSocketRole reader in (WebSocketRole[])[WebSocketRole.Server, WebSocketRole.Client])
        {
            byte[] wire = Wire.Header(reader, 0x82, length);
            for (int i = 0; i < wire.Length; i++)
            {
                Assert.False(FrameHeader.TryRead(wire.AsSpan(0, i), out FrameHeader header));
                Assert.Equal(default, header);
            }
        }
    }

    [Fact]
    public void A_header_is_read_from_the_start_of_more_bytes()
    {
        Assert.True(FrameHeader.TryRead([0x81, 0x05, 1, 2, 3], out FrameHeader header));
        Assert.Equal((5L, 2), (header.PayloadLength, header.Length));
    }

    [Fact]
    public void The_bits_of_the_first_byte_have_their_names()
    {
        FrameHeader Header(byte first) => FrameHeader.TryRead([first, 0], out FrameHeader header) ? header : throw new InvalidOperationException();
        Assert.Equal((true, false, false, false), Bits(Header(0x80)));
        Assert.Equal((false, true, false, false), Bits(Header(0x40)));
        Assert.Equal((false, false, true, false), Bits(Header(0x20)));
        Assert.Equal((false, false, false, true), Bits(Header(0x10)));
        foreach (Opcode opcode in Enum.GetValues<Opcode>()) Assert.Equal(opcode, Header((byte)(0xF0 | (byte)opcode)).Opcode);
        Assert.Equal([0, 1, 2, 8, 9, 10], Enum.GetValues<Opcode>().Select(opcode => (int)opcode));

        static (bool Fin, bool Rsv1, bool Rsv2, bool Rsv3) Bits(FrameHeader header) => (header.Fin, header.Rsv1, header.Rsv2, header.Rsv3);
    }

    [Fact]
    public void A_64_bit_length_with_its_top_bit_set_reads_as_negative()
    {
        Assert.True(FrameHeader.TryRead([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], out FrameHeader header));
        Assert.Equal(long.MinValue, header.PayloadLength);
    }

    [Fact]
    public void A_negative_length_is_not_written() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameHeader.Write(new byte[14], 0x82, -1, false, 0));

    [Theory]
    [InlineData(0, false, 2)]
    [InlineData(125, false, 2)]
    [InlineData(126, false, 4)]
    [InlineData(65535, false, 4)]
    [InlineData(65536, false, 10)]
    [InlineData(125, true, 6)]
    [InlineData(126, true, 8)]
    [InlineData(65536, true, 14)]
    public void Section_5_2_the_minimal_number_of_bytes_is_used(long length, bool masked, int expected) =>
        Assert.Equal(expected, FrameHeader.Write(new byte[14], 0x82, length, masked, 1));
}
