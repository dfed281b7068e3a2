using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Section 5.4: fragments of any number and size make one message, with control frames between them and nothing else.</summary>
public sealed class Section5_4_FragmentationTests
{
    private static readonly byte[] Payload = Wire.TextBytes(300);

    public static TheoryData<Subject, Delivery, WireCase> Whole => WireCase.Matrix(
        [
            Joined("two", Frame.Part(1, "frag"), Frame.Last("ments")),
            Joined("two, binary", Frame.Part(2, 0xFF, 0), Frame.Last(0xFE)),
            Joined("three, the first empty", Frame.Part(1), Frame.Part(0, "a"), Frame.Last("b")),
            Joined("three, the middle one empty", Frame.Part(1, "a"), Frame.Part(0), Frame.Last("b")),
            Joined("three, the last empty", Frame.Part(1, "a"), Frame.Part(0, "b"), Frame.Last()),
            Joined("three, only the middle one not empty", Frame.Part(1), Frame.Part(0, "b"), Frame.Last()),
            Joined("all empty, text", Frame.Part(1), Frame.Part(0), Frame.Last()),
            Joined("all empty, binary", Frame.Part(2), Frame.Last()),
            Joined("of one byte", [.. Frame.Fragments(1, Payload, 1)]),
            Joined("of 3 bytes", [.. Frame.Fragments(1, Payload, 3)]),
            Joined("of 125, 126 and 49 bytes", Frame.Part(2, Payload[..125]), Frame.Part(0, Payload[125..251]), Frame.Last(Payload[251..])),
            Joined("of 65,536 bytes and one", Frame.Part(2, Wire.Noise(65536)), Frame.Last(1)),
            Joined("of one byte and 65,536", Frame.Part(2, 1), Frame.Last(Wire.Noise(65536))),
            Joined("a hundred empty ones", [Frame.Part(2), .. Enumerable.Repeat(Frame.Part(0), 100), Frame.Last(9)]),
        ],
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte, Delivery.OddPieces);

    public static TheoryData<Subject, Delivery, WireCase> Interleaved => WireCase.Matrix(
        [
            new("a ping between two", [Frame.Part(1, "a"), Frame.Ping("p"), Frame.Last("b")], [Frame.Pong("p"), Frame.Text("ab")]),
            new("an empty ping between two", [Frame.Part(1, "a"), Frame.Ping(), Frame.Last("b")], [Frame.Pong(), Frame.Text("ab")]),
            new("a pong between two", [Frame.Part(1, "a"), Frame.Pong("unasked"), Frame.Last("b")], [Frame.Text("ab")]),
            new(
                "pings between five",
                [Frame.Part(1, "1"), Frame.Part(0, "2"), Frame.Ping("p1"), Frame.Part(0, "3"), Frame.Part(0, "4"), Frame.Ping("p2"), Frame.Last("5")],
                [Frame.Pong("p1"), Frame.Pong("p2"), Frame.Text("12345")]),
            new(
                "a ping of 125 bytes inside a code point",
                [Frame.Part(1, 0xE2, 0x82), Frame.Ping(Wire.Noise(125)), Frame.Last(0xAC)],
                [Frame.Pong(Wire.Noise(125)), Frame.Text("€")]),
            new(
                "two fragmented messages, one after the other, with pings",
                [Frame.Part(1, "a"), Frame.Ping("1"), Frame.Last("b"), Frame.Part(2, 1), Frame.Ping("2"), Frame.Last(2)],
                [Frame.Pong("1"), Frame.Text("ab"), Frame.Pong("2"), Frame.Binary(1, 2)]),
        ],
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte, Delivery.OddPieces);

    public static TheoryData<Subject, Delivery, WireCase> OutOfOrder => WireCase.Matrix(
        from continuation in (Frame[])[Frame.Last("more"), Frame.Part(0, "more"), Frame.Last(), Frame.Part(0)]
        from row in (WireCase[])
        [
            Fails("first", [], continuation),
            Fails("first, before a message", [], continuation, Frame.Text("x")),
            Fails("behind a message", [Frame.Text("x")], Frame.Text("x"), continuation),
            Fails("behind a ping", [Frame.Pong("p")], Frame.Ping("p"), continuation),
            Fails("behind a fragmented message", [Frame.Text("ab")], Frame.Part(1, "a"), Frame.Last("b"), continuation, Frame.Text("x")),
        ]
        select row with { Name = $"continuation {continuation} {row.Name}" },
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    public static TheoryData<Subject, Delivery, WireCase> NewMessages => WireCase.Matrix(
        from first in (byte[])[0x81, 0x82, 0x01, 0x02]
        from start in (int[])[1, 2]
        from middle in (Frame[][])[[], [Frame.Part(0, "m")], [Frame.Ping("p")]]
        select new WireCase(
            $"{first:X2} behind {start} and {(middle.Length == 0 ? "nothing" : middle[0])}",
            [Frame.Part(start, "a"), .. middle, new Frame(first, [0x62]), Frame.Last("c")],
            middle is [{ IsControl: true }] ? [Frame.Pong("p")] : [],
            1002),
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    public static TheoryData<Subject, Delivery, WireCase> Controls => WireCase.Matrix(
        from opcode in (int[])[8, 9, 10]
        from length in (int[])[0, 2, 125]
        from row in (WireCase[])
        [
            Fails("alone", [], Frame.Part(opcode, new byte[length])),
            Fails("in two", [], Frame.Part(opcode, new byte[length]), Frame.Last("b")),
            Fails("behind a message", [Frame.Text("x")], Frame.Text("x"), Frame.Part(opcode, new byte[length]), Frame.Last("b")),
            Fails("between fragments", [], Frame.Part(1, "a"), Frame.Part(opcode, new byte[length]), Frame.Last("b")),
        ]
        select row with { Name = $"opcode {opcode} of {length} bytes {row.Name}" },
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    [Theory]
    [MemberData(nameof(Whole), DisableDiscoveryEnumeration = true)]
    public Task Fragments_are_one_message(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Interleaved), DisableDiscoveryEnumeration = true)]
    public Task Control_frames_between_fragments_are_answered_at_once(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(OutOfOrder), DisableDiscoveryEnumeration = true)]
    public Task A_continuation_of_nothing_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(NewMessages), DisableDiscoveryEnumeration = true)]
    public Task A_new_message_before_the_end_of_another_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Controls), DisableDiscoveryEnumeration = true)]
    public Task Section_5_5_a_fragmented_control_frame_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    private static WireCase Joined(string name, params Frame[] fragments) =>
        new(name, fragments, [new Frame((byte)(fragments[0].First | 0x80), Wire.Concat(fragments.Select(fragment => fragment.Payload)))]);

    private static WireCase Fails(string name, Frame[] expect, params Frame[] send) => new(name, send, expect, 1002);
}
