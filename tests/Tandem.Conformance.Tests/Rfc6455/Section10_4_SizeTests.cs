using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Section 10.4 and the sizes below the limit: what is accepted comes back whole, what is not is refused with 1009 at its header.</summary>
public sealed class Section10_4_SizeTests
{
    private const int Limit = 100_000;

    private static readonly SubjectOptions Limited = new() { MaxMessageSize = Limit };

    public static TheoryData<Subject, Delivery, WireCase> Large => WireCase.Matrix(
        from size in (int[])[64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20]
        from frame in (Frame[])[Frame.Text(Wire.TextBytes(size)), Frame.Binary(Wire.Noise(size))]
        select WireCase.Echoed($"{frame.Opcode} of {size} bytes", frame),
        Delivery.OneWrite);

    public static TheoryData<Subject, Delivery, WireCase> Fragmented => WireCase.Matrix(
        from opcode in (int[])[1, 2]
        from size in (int[])[64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20]
        let payload = opcode == 1 ? Wire.TextBytes(1 << 20) : Wire.Noise(1 << 20)
        select new WireCase($"{opcode} of 1 MiB in fragments of {size}", [.. Frame.Fragments(opcode, payload, size)], [new Frame((byte)(0x80 | opcode), payload)]),
        Delivery.OneWrite);

    public static MatrixTheoryData<Subject, int, int> Chopped => new(Enum.GetValues<Subject>(), [1, 2], [64, 128, 256, 512, 1024, 2048]);

    public static MatrixTheoryData<Subject, int, int> Trips => new(Enum.GetValues<Subject>(), [1, 2], [0, 16, 64, 256, 1024, 4096]);

    public static TheoryData<Subject, Delivery, WireCase> AtTheLimit => WireCase.Matrix(
        [
            WireCase.Echoed("one frame", Frame.Binary(Wire.Noise(Limit))),
            WireCase.Echoed("twice", Frame.Text(Wire.TextBytes(Limit)), Frame.Text(Wire.TextBytes(Limit))),
            new("fragments", [.. Frame.Fragments(2, Wire.Noise(Limit), 9_999)], [Frame.Binary(Wire.Noise(Limit))]),
        ],
        Delivery.OneWrite, Delivery.OddPieces);

    public static TheoryData<Subject, Delivery, WireCase> OverTheLimit => WireCase.Matrix(
        [
            .. from first in (byte[])[0x81, 0x82, 0x01, 0x02]
               from length in (ulong[])[Limit + 1, 1 << 24, 1 << 30, 1UL << 31, 1UL << 32, 1UL << 40, long.MaxValue]
               select new WireCase($"{first:X2} announces {length}", [Announces(first, length)], [], 1009),
            new("behind a message", [Frame.Text("intact"), Announces(0x81, Limit + 1)], [Frame.Text("intact")], 1009),
            new("at the end of a message", [Frame.Part(2, new byte[Limit]), Announces(0x80, 1)], [], 1009),
            new("within a message", [Frame.Part(2, new byte[60_000]), Announces(0x00, 40_001)], [], 1009),
            new("an overflow of the sum", [Frame.Part(2, new byte[60_000]), Announces(0x00, long.MaxValue)], [], 1009),
        ],
        Delivery.OneWrite, Delivery.OddPieces);

    [Theory]
    [MemberData(nameof(Large), DisableDiscoveryEnumeration = true)]
    public Task A_large_message_comes_back(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Fragmented), DisableDiscoveryEnumeration = true)]
    public Task A_large_message_in_fragments_comes_back(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [EverySubject]
    public async Task A_message_of_65_537_fragments_of_one_byte_comes_back(Subject subject)
    {
        byte[] payload = Wire.TextBytes(65_537);
        await new WireCase("", [.. Frame.Fragments(1, payload, 1)], [Frame.Text(payload)]).Run(subject, Delivery.OneWrite);
    }

    [Theory]
    [EverySubject]
    public async Task A_message_of_4_MiB_in_65_536_fragments_comes_back(Subject subject)
    {
        byte[] payload = Wire.Noise(4 << 20);
        await new WireCase("", [.. Frame.Fragments(2, payload, 64)], [Frame.Binary(payload)]).Run(subject, Delivery.OneWrite);
    }

    [Theory]
    [MemberData(nameof(Chopped))]
    public async Task A_message_of_256_KiB_in_small_writes_comes_back(Subject subject, int opcode, int size)
    {
        await using WireTester tester = await WireTester.Open(subject);
        var frame = new Frame((byte)(0x80 | opcode), opcode == 1 ? Wire.TextBytes(256 << 10) : Wire.Noise(256 << 10));
        byte[] bytes = frame.Encode(tester.IsClient);
        for (int at = 0; at < bytes.Length; at += size) await tester.SendBytes(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
        await tester.Expect(frame);
        await tester.Close(Frame.Close(1000));
    }

    [Theory]
    [MemberData(nameof(Trips))]
    public async Task A_thousand_round_trips(Subject subject, int opcode, int size)
    {
        await using WireTester tester = await WireTester.Open(subject);
        for (int i = 0; i < 1000; i++)
        {
            var frame = new Frame((byte)(0x80 | opcode), opcode == 1 ? Wire.TextBytes(size) : Wire.Noise(size, i));
            await tester.Send(frame);
            await tester.Expect(frame);
        }

        await tester.Close(Frame.Close(1000));
    }

    [Theory]
    [EverySubject]
    public async Task A_thousand_messages_without_waiting_come_back_in_order(Subject subject)
    {
        Frame[] frames = [.. Enumerable.Range(0, 1000).Select(i => i % 2 == 0 ? Frame.Text($"{i}") : Frame.Binary(Wire.Noise(i)))];
        await WireCase.Echoed("", frames).Run(subject, Delivery.OneWrite);
    }

    [Theory]
    [MemberData(nameof(AtTheLimit), DisableDiscoveryEnumeration = true)]
    public Task A_message_of_exactly_the_limit_comes_back(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery, Limited);

    [Theory]
    [MemberData(nameof(OverTheLimit), DisableDiscoveryEnumeration = true)]
    public Task A_message_over_the_limit_is_refused_at_the_header_that_announces_it(Subject subject, Delivery delivery, WireCase row) =>
        row.Run(subject, delivery, Limited);

    private static Frame Announces(byte first, ulong length) => new(first, []) { Announced = length };
}
