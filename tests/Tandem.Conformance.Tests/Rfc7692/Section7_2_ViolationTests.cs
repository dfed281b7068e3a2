using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;
using Tandem.Protocol.Compression;

namespace Tandem.Conformance.Tests.Rfc7692;

/// <summary>RFC 7692 sections 6 and 7.2.2: what is no compressed message fails: 1002 for frames, 1007 for data, 1009 for what grows over the limit.</summary>
public sealed class Section7_2_ViolationTests
{
    private const string Name = "permessage-deflate";
    private const int Limit = 100_000;

    private static readonly SubjectOptions Deflates = new() { Deflate = new DeflateOptions() };
    private static readonly SubjectOptions Limited = new() { Deflate = new DeflateOptions(), MaxMessageSize = Limit };
    private static readonly Frame Hello = C(0xC1, "F248CDC9C90700");

    // One block with codes of its own, as a compressor makes it of text with few letters.
    private static readonly byte[] Dynamic = Compressed("abacabadabacabaeabacabadabacabafbdbdbdacacacadadadbebebfcfcfcfddeedd"u8.ToArray());

    public static TheoryData<Subject, Delivery, WireCase> Violations => WireCase.Matrix(
        [
            Fails(1002, "RSV1 on the last fragment", C(0x41, "F248CD"), C(0xC0, "C9C90700")),
            Fails(1002, "RSV1 on a middle fragment", C(0x41, "F248CD"), C(0x40, "C9C9"), C(0x80, "0700")),
            Fails(1002, "RSV1 on a fragment of an uncompressed message", C(0x01, "48"), C(0xC0, "F248CDC9C90700")),
            Fails(1002, "RSV1 on a ping", C(0xC9, "")),
            Fails(1002, "RSV1 on a pong", C(0xCA, "")),
            Fails(1002, "RSV1 on a close", C(0xC8, "")),
            Fails(1002, "RSV1 on a ping between fragments", C(0x41, "F248CD"), C(0xC9, "")),
            Fails(1002, "RSV1 and RSV2", C(0xE1, "F248CDC9C90700")),
            Fails(1002, "RSV1 and RSV3", C(0xD1, "F248CDC9C90700")),
            Fails(1002, "RSV2 alone", C(0xA1, "F248CDC9C90700")),
            Fails(1002, "RSV1 on a reserved opcode", C(0xC3, "")),
            Fails(1002, "a new compressed message before the last fragment", C(0x41, "F248CD"), Hello),
            Fails(1002, "a new uncompressed message before the last fragment", C(0x41, "F248CD"), Frame.Text("a")),
            Fails(1002, "a compressed frame with a length that is not minimal", Hello with { Form = LengthForm.Bits16 }),
            Fails(1007, "a reserved block type", C(0xC2, "07")),
            Fails(1007, "a stored block whose length is not confirmed", C(0xC2, "0005000500")),
            Fails(1007, "a stored block that is cut short", C(0xC2, "000500FAFF4865")),
            Fails(1007, "nothing at all", C(0xC1, "")),
            Fails(1007, "nothing at all, in two fragments", C(0x42, ""), C(0x80, "")),
            .. from length in Enumerable.Range(1, 6) select Fails(1007, $"a fixed block cut after {length}", C(0xC2, "F248CDC9C90700"[..(2 * length)])),
            .. from length in Enumerable.Range(2, 9) select Fails(1007, $"a stored block cut after {length}", C(0xC2, "000500FAFF48656C6C6F00"[..(2 * length)])),
            .. from length in Enumerable.Range(1, Dynamic.Length - 1) select Fails(1007, $"a dynamic block cut after {length}", new Frame(0xC2, Dynamic[..length])),
            Fails(1007, "a whole block and the beginning of another", C(0xC2, "F24805000000FFFFCAC9")),
            Fails(1007, "codes that cannot be", C(0xC2, "FDFFFFFF")),
            Fails(1007, "a distance to before the first byte", new Frame(0xC2, new DeflateBits().Literals("ab"u8).Match(3, 3).EndBlock().Message())),
            Fails(1007, "random bytes", C(0xC2, "FFFFFFFFFFFF")),
            Fails(1007, "in the second fragment", C(0x42, "F248CD"), C(0x80, "FFFFFFFFFFFF")),
            Fails(1007, "in the second message", Hello, C(0xC2, "07")),
            Fails(1007, "text that is no UTF-8 once inflated", new Frame(0xC1, new DeflateBits().Literals([0x61, 0xFF]).EndBlock().Message())),
            Fails(1007, "text that ends inside a code point", new Frame(0xC1, new DeflateBits().Literals([0xE2, 0x82]).EndBlock().Message())),
            Fails(1007, "plain text under RSV1", Frame.Text("plain text, not compressed") with { First = 0xC1 }),
        ],
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    [Theory]
    [MemberData(nameof(Violations), DisableDiscoveryEnumeration = true)]
    public async Task A_violation_fails(Subject subject, Delivery delivery, WireCase row)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name, Deflates);
        await row.Run(tester.Wire, delivery);
    }

    [Theory]
    [EverySubject]
    public async Task RFC6455_8_1_text_fails_at_the_fragment_that_shows_it_once_inflated(Subject subject)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name, Deflates);
        byte[] text = [.. new DeflateBits().Literals([0x61, 0xED, 0xA0]).EndBlock().Message(), 0, 0, 0xFF, 0xFF];
        await tester.Wire.Send(Frame.Part(1, text) with { First = 0x41 });
        await tester.Wire.ExpectFailure(1007);
    }

    [Theory]
    [EverySubject]
    public async Task A_message_that_inflates_over_the_limit_is_refused_before_it_is_complete(Subject subject)
    {
        foreach (int opcode in (int[])[1, 2])
        {
            await using DeflateTester tester = await DeflateTester.Open(subject, Name, Limited);
            using var end = new DeflateEnd(15, true, 15, true);
            byte[] bomb = end.Compress(new byte[50_000_000]);
            Assert.InRange(bomb.Length, 1000, Limit);
            await tester.Wire.Send([new Frame((byte)(0xC0 | opcode), bomb[..1000]) { Announced = (ulong)bomb.Length }], Delivery.OneWrite, mayFail: true);
            await tester.Wire.ExpectFailure(1009);
        }
    }

    [Theory]
    [EverySubject]
    public async Task A_message_of_one_byte_over_the_limit_is_refused_and_one_of_the_limit_is_not(Subject subject)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name, Limited);
        await tester.Trip(2, new byte[Limit]);
        await tester.Trip(1, Wire.TextBytes(Limit), size: 100);
        await tester.Trip(2, Wire.Noise(Limit));
        await tester.Wire.Send(tester.Message(2, new byte[Limit + 1], size: 10), Delivery.OneWrite, mayFail: true);
        await tester.Wire.ExpectFailure(1009);
    }

    [Theory]
    [EverySubject]
    public async Task Bombs_in_many_messages_do_not_add_up(Subject subject)
    {
        await using DeflateTester tester = await DeflateTester.Open(subject, Name, Limited);
        for (int i = 0; i < 50; i++) await tester.Trip(2, new byte[Limit], compressed: true);
        await tester.Wire.Close(Frame.Close(1000));
    }

    private static WireCase Fails(int code, string name, params Frame[] send)
    {
        Frame before = Frame.Text("intact");
        Frame[] expect = send[0] == Hello && send.Length > 1 ? [before, Frame.Text("Hello")] : [before];
        return new WireCase(name, [before, .. send], expect, code);
    }

    private static byte[] Compressed(byte[] payload)
    {
        using var end = new DeflateEnd(15, true, 15, true);
        byte[] compressed = end.Compress(payload);
        Assert.Equal(0b100, compressed[0] & 0b111); // not the last block, codes of its own (RFC 1951 section 3.2.3)
        return compressed;
    }

    private static Frame C(byte first, string hex) => new(first, Convert.FromHexString(hex));
}
