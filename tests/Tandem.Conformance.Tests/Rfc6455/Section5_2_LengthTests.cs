using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Section 5.2, the payload length: its three forms at their edges, and each in no longer a form than it needs.</summary>
public sealed class Section5_2_LengthTests
{
    private static readonly int[] Lengths = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537];

    public static TheoryData<Subject, Delivery, WireCase> Messages => WireCase.Matrix(
        from length in Lengths
        from frame in (Frame[])[Frame.Text(Wire.TextBytes(length)), Frame.Binary(Wire.Noise(length))]
        select WireCase.Echoed($"{(frame.Opcode == 1 ? "text" : "binary")} of {length} bytes", frame),
        Delivery.OneWrite, Delivery.ByteByByte, Delivery.OddPieces);

    public static TheoryData<Subject, Delivery, WireCase> Longer => WireCase.Matrix(
        from first in (byte[])[0x81, 0x82, 0x01, 0x02, 0x80, 0x00]
        from length in (int[])[0, 1, 125, 126, 65535]
        from form in (LengthForm[])[LengthForm.Bits16, LengthForm.Bits64]
        where form == LengthForm.Bits64 || length < 126
        let start = (first & 0x0F) == 0 ? (Frame[])[Frame.Part(1, "a")] : []
        select new WireCase($"{first:X2} with {length} in {form}", [.. start, new Frame(first, new byte[length]) { Form = form }, Frame.Text("after")], [], 1002),
        Delivery.OneWrite, Delivery.ByteByByte, Delivery.OddPieces);

    public static TheoryData<Subject, Delivery, WireCase> LongerControls => WireCase.Matrix(
        from first in (byte[])[0x88, 0x89, 0x8A]
        from length in (int[])[0, 2, 125, 126, 65535, 65536]
        from form in (LengthForm[])[LengthForm.Bits16, LengthForm.Bits64]
        where form == LengthForm.Bits64 || length < 65536
        select new WireCase($"{first:X2} with {length} in {form}", [Frame.Text("before"), new Frame(first, new byte[length]) { Form = form }], [Frame.Text("before")], 1002),
        Delivery.OneWrite, Delivery.OddPieces);

    public static TheoryData<Subject, Delivery, WireCase> TopBit => WireCase.Matrix(
        from first in (byte[])[0x81, 0x82, 0x01, 0x02]
        from length in (ulong[])[1UL << 63, ulong.MaxValue, (1UL << 63) + 1]
        select new WireCase($"{first:X2} with {length:X}", [new Frame(first, []) { Form = LengthForm.Bits64, Announced = length }], [], 1002),
        Delivery.OneWrite, Delivery.ByteByByte);

    [Theory]
    [MemberData(nameof(Messages), DisableDiscoveryEnumeration = true)]
    public Task A_message_of_any_length_comes_back(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Longer), DisableDiscoveryEnumeration = true)]
    public Task A_length_in_a_longer_form_than_it_needs_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(LongerControls), DisableDiscoveryEnumeration = true)]
    public Task A_control_frame_with_an_extended_length_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(TopBit), DisableDiscoveryEnumeration = true)]
    public Task A_length_with_its_top_bit_set_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [EverySubject]
    public async Task A_message_of_64_KiB_comes_back_when_every_byte_is_a_write_of_its_own(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        Frame frame = Frame.Text(Wire.TextBytes(65536));
        byte[] bytes = frame.Encode(tester.IsClient);
        for (int i = 0; i < bytes.Length; i++) await tester.SendBytes(bytes.AsMemory(i, 1));
        await tester.Expect(frame);
        await tester.Close(Frame.Close(1000));
    }
}
