using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Section 5.2: reserved bits without an extension that defines them, and reserved opcodes, fail; what came before is answered.</summary>
public sealed class Section5_2_ReservedTests
{
    private static readonly Frame Text = Frame.Text("intact");
    private static readonly Frame Ping = Frame.Ping("no pong for this");

    public static TheoryData<Subject, Delivery, WireCase> Bits => WireCase.Matrix(
        from rsv in Enumerable.Range(1, 7)
        from row in Positions((Frame frame) => frame with { First = (byte)(frame.First | (rsv << 4)) })
        select row with { Name = $"RSV={rsv} on {row.Name}" },
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    public static TheoryData<Subject, Delivery, WireCase> Opcodes => WireCase.Matrix(
        from opcode in (int[])[3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
        from row in (WireCase[])
        [
            Fails("alone, empty", [], Reserved(opcode, 0)),
            Fails("alone", [], Reserved(opcode, 9)),
            Fails("alone, with FIN clear", [], Reserved(opcode, 9) with { First = (byte)opcode }),
            Fails("alone, 126 bytes", [], Reserved(opcode, 126)),
            Fails("behind a message, before a ping", [Text], Text, Reserved(opcode, 0), Ping),
            Fails("behind a message, with payload, before a ping", [Text], Text, Reserved(opcode, 9), Ping),
            Fails("behind a ping", [Frame.Pong("p")], Frame.Ping("p"), Reserved(opcode, 1)),
            Fails("between two fragments", [], Frame.Part(1, "a"), Reserved(opcode, 1), Frame.Last("b")),
        ]
        select row with { Name = $"opcode {opcode} {row.Name}" },
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    [Theory]
    [MemberData(nameof(Bits), DisableDiscoveryEnumeration = true)]
    public Task A_reserved_bit_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Opcodes), DisableDiscoveryEnumeration = true)]
    public Task A_reserved_opcode_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [EverySubject]
    public async Task The_first_byte_alone_is_enough_to_fail(Subject subject)
    {
        foreach (byte first in (byte[])[0xC1, 0xA2, 0x91, 0xF1, 0x83, 0x87, 0x8B, 0x8F, 0x09, 0xC9, 0x80, 0x00])
        {
            await using WireTester tester = await WireTester.Open(subject);
            await tester.SendBytes(new byte[] { first });
            await tester.ExpectFailure(1002);
        }
    }

    private static IEnumerable<WireCase> Positions(Func<Frame, Frame> spoil)
    {
        yield return Fails("text, alone", [], spoil(Text));
        yield return Fails("binary, alone", [], spoil(Frame.Binary(1, 2, 3)));
        yield return Fails("empty text", [], spoil(Frame.Text()));
        yield return Fails("text behind text, before a ping", [Text], Text, spoil(Text), Ping);
        yield return Fails("binary behind binary", [Frame.Binary(7)], Frame.Binary(7), spoil(Frame.Binary(8)));
        yield return Fails("a ping", [], spoil(Ping));
        yield return Fails("a ping behind text", [Text], Text, spoil(Ping), Text);
        yield return Fails("a pong", [], spoil(Frame.Pong()));
        yield return Fails("a close", [], spoil(Frame.Close(1000)));
        yield return Fails("a first fragment", [], spoil(Frame.Part(1, "a")), Frame.Last("b"));
        yield return Fails("a middle fragment", [], Frame.Part(1, "a"), spoil(Frame.Part(0, "b")), Frame.Last("c"));
        yield return Fails("a last fragment", [], Frame.Part(1, "a"), spoil(Frame.Last("b")));
        yield return Fails("a ping between fragments", [], Frame.Part(1, "a"), spoil(Ping), Frame.Last("b"));
    }

    private static Frame Reserved(int opcode, int length) => new((byte)(0x80 | opcode), new byte[length]);

    private static WireCase Fails(string name, Frame[] expect, params Frame[] send) => new(name, send, expect, 1002);
}
