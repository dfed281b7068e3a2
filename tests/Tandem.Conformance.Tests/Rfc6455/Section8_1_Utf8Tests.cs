using System.Text;
using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Section 8.1: text is UTF-8 (RFC 3629), however it is cut; what is not fails with 1007, and at the first byte that shows it.</summary>
public sealed class Section8_1_Utf8Tests
{
    // One to four bytes, the highest code points of each length, and a combination of two.
    private static readonly byte[] Mixed = Encoding.UTF8.GetBytes("κόσμε Hello-µ@ßöäüàá-UTF-8!! €\u007F\u0080\u07FF\u0800\uFFFF\U00010000\U0010FFFF𝄞n\u0303");

    public static TheoryData<Subject, Delivery, WireCase> Valid => WireCase.Matrix(
        from text in (string[])
        [
            "", "\0", "Hello, world!", "κόσμε", "中文，繁體", "𠜎𠜱𠝹𠱓", "🙂👩‍👩‍👧", "\uFEFFwith a BOM", "\uFEFF", "\uFFFE", "\u0080", "\u07FF", "\u0800", "\uFFFD", "\uFFFF",
            "\uD7FF", "\uE000", "\U00010000", "\U0001FFFE", "\U000FFFFF", "\U00100000", "\U0010FFFF", "\uFDD0\uFDEF",
            .. Enumerable.Range(0, 17).Select(plane => char.ConvertFromUtf32((plane << 16) | 0xFFFE) + char.ConvertFromUtf32((plane << 16) | 0xFFFF)),
        ]
        select WireCase.Echoed($"U+{string.Join(" ", text.EnumerateRunes().Select(rune => $"{rune.Value:X4}"))}", Frame.Text(text)),
        Delivery.OneWrite, Delivery.ByteByByte);

    public static TheoryData<Subject, Delivery, WireCase> Split => WireCase.Matrix(
        [
            .. from at in Enumerable.Range(0, Mixed.Length + 1)
               select new WireCase($"two fragments, cut at {at}", Frame.Halves(1, Mixed, at), [Frame.Text(Mixed)]),
            .. from size in (int[])[1, 2, 3, 5]
               select new WireCase($"fragments of {size}", [.. Frame.Fragments(1, Mixed, size)], [Frame.Text(Mixed)]),
            .. from size in (int[])[1, 2]
               select new WireCase(
                   $"fragments of {size}, a ping between all",
                   [.. Frame.Fragments(1, Mixed, size).SelectMany(frame => (Frame[])[Frame.Ping("p"), frame])],
                   [.. Enumerable.Repeat(Frame.Pong("p"), (Mixed.Length + size - 1) / size), Frame.Text(Mixed)]),
        ],
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    public static TheoryData<Subject, Delivery, WireCase> Invalid => WireCase.Matrix(
        from bytes in Utf8Table.Invalid
        from row in (WireCase[])
        [
            Fails("alone", Frame.Text(bytes.Bytes)),
            Fails("in fragments of one byte", [.. Frame.Fragments(1, [.. "κόσμε"u8, .. bytes.Bytes], 1)]),
        ]
        select row with { Name = $"{bytes} {row.Name}" },
        Delivery.OneWrite);

    public static TheoryData<Subject, Delivery, WireCase> InvalidWithin => WireCase.Matrix(
        from bytes in Utf8Table.Invalid
        select Fails($"{bytes}", Frame.Text("intact"), Frame.Text([.. Mixed, .. bytes.Bytes, .. "edited"u8])),
        Delivery.ByteByByte);

    public static MatrixTheoryData<Subject, Utf8Sequence> Early =>
        new(Enum.GetValues<Subject>(), Utf8Table.Invalid.Where(sequence => sequence.WrongAt < sequence.Bytes.Length));

    [Theory]
    [MemberData(nameof(Valid), DisableDiscoveryEnumeration = true)]
    public Task Valid_text_comes_back(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Split), DisableDiscoveryEnumeration = true)]
    public Task Text_may_be_cut_anywhere(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Invalid), DisableDiscoveryEnumeration = true)]
    public Task Invalid_text_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(InvalidWithin), DisableDiscoveryEnumeration = true)]
    public Task Invalid_text_within_valid_text_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Early), DisableDiscoveryEnumeration = true)]
    public async Task Invalid_text_fails_at_the_byte_that_shows_it_while_its_frame_is_incomplete(Subject subject, Utf8Sequence sequence)
    {
        await using WireTester tester = await WireTester.Open(subject);
        byte[] sent = [.. Mixed, .. sequence.Bytes[..(sequence.WrongAt + 1)]];
        // In two writes, the wrong byte by itself, so that it is the one that is waited for.
        byte[] bytes = (Frame.Text(sent) with { Announced = (ulong)sent.Length + 1000 }).Encode(tester.IsClient);
        await tester.SendBytes(bytes.AsMemory(0, bytes.Length - 1));
        await tester.SendBytes(bytes.AsMemory(bytes.Length - 1));
        await tester.ExpectFailure(1007);
    }

    [Theory]
    [MemberData(nameof(Early), DisableDiscoveryEnumeration = true)]
    public async Task Invalid_text_fails_at_the_fragment_that_shows_it_while_its_message_is_incomplete(Subject subject, Utf8Sequence sequence)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Part(1, Mixed), Frame.Part(0, sequence.Bytes[..sequence.WrongAt]), Frame.Ping("still fine"));
        await tester.Expect(Frame.Pong("still fine"));
        await tester.Send(Frame.Part(0, sequence.Bytes[sequence.WrongAt]));
        await tester.ExpectFailure(1007);
    }

    [Theory]
    [EverySubject]
    public async Task Invalid_text_fails_deep_within_a_large_frame_that_is_incomplete(Subject subject)
    {
        foreach (int at in (int[])[65_000, 131_072, 600_001])
        {
            await using WireTester tester = await WireTester.Open(subject);
            byte[] text = Wire.TextBytes(at);
            await tester.SendBytes((Frame.Text([.. text, 0xF4, 0x90]) with { Announced = 1 << 20 }).Encode(tester.IsClient));
            await tester.ExpectFailure(1007);
        }
    }

    [Theory]
    [EverySubject]
    public async Task Every_code_point_comes_back(Subject subject)
    {
        var all = new StringBuilder();
        for (int value = 0; value <= 0x10FFFF; value++)
        {
            if (value is < 0xD800 or > 0xDFFF) all.Append(char.ConvertFromUtf32(value));
        }

        byte[] text = Encoding.UTF8.GetBytes(all.ToString());
        await WireCase.Echoed("", Frame.Text(text)).Run(subject, Delivery.OneWrite);
        await new WireCase("", [.. Frame.Fragments(1, text, 1009)], [Frame.Text(text)]).Run(subject, Delivery.OneWrite);
    }

    [Theory]
    [EverySubject]
    public async Task Binary_messages_may_hold_anything_and_a_message_begins_afresh(Subject subject) =>
        await WireCase.Echoed("", Frame.Binary(0xFF, 0xC0), Frame.Text("€"), Frame.Binary(0xE2, 0x82), Frame.Text("a")).Run(subject, Delivery.OneWrite);

    private static WireCase Fails(string name, params Frame[] send) => new(name, send, send[..^1].TakeWhile(frame => frame.First == Frame.FinText).ToArray(), 1007);
}
