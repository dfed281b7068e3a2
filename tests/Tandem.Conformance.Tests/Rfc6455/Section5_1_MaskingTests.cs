using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Sections 5.1 and 5.3: a client masks every frame, a server none, and a key cannot be guessed from those before it.</summary>
public sealed class Section5_1_MaskingTests
{
    private static readonly Frame Before = Frame.Text("before");

    public static TheoryData<Subject, Delivery, WireCase> Wrong => WireCase.Matrix(
        from frame in (Frame[])
        [
            Frame.Text(), Frame.Text("text"), Frame.Binary(1, 2, 3), Frame.Text(new byte[126]), Frame.Binary(new byte[65536]),
            Frame.Ping(), Frame.Ping("ping"), Frame.Pong("pong"), Frame.Close(), Frame.Close(1000, "bye"),
        ]
        from ahead in (Frame[][])[[], [Before], [Frame.Part(1, "fragment")]]
        where ahead is not [{ First: 1 }] || frame.IsControl
        select new WireCase($"{frame} behind {ahead.Length switch { 0 => "nothing", _ => ahead[0] }}", [.. ahead, frame with { WrongMask = true }, Before], ahead is [{ First: 1 }] ? [] : ahead, 1002),
        Delivery.OneWrite, Delivery.ByteByByte, Delivery.OddPieces);

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public Task A_frame_with_the_wrong_mask_bit_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [EverySubject]
    public async Task A_last_fragment_with_the_wrong_mask_bit_fails(Subject subject) =>
        await new WireCase("", [Frame.Part(1, "a"), Frame.Last("b") with { WrongMask = true }], [], 1002).Run(subject, Delivery.OneWrite);

    [Theory]
    [EverySubject]
    public async Task The_wrong_mask_bit_is_refused_before_the_rest_of_its_frame_is_sent(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.SendBytes((Frame.Text("never sent") with { WrongMask = true }).Encode(tester.IsClient).AsMemory(0, 2));
        await tester.ExpectFailure(1002);
    }

    [Theory]
    [EverySubject]
    public async Task Section_5_3_keys_are_fresh_for_every_frame(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        for (int i = 0; i < 200; i++)
        {
            await tester.Send(Frame.Text("same"), Frame.Ping("same"));
            await tester.Expect(Frame.Text("same"));
            await tester.Expect(Frame.Pong("same"));
        }

        await tester.Close(Frame.Close(1000));
        if (tester.IsClient)
        {
            Assert.Empty(tester.Keys);
            return;
        }

        Assert.Equal(401, tester.Keys.Count);
        // 401 keys of 32 random bits: two alike once in 54,000 runs, three never.
        Assert.InRange(tester.Keys.Distinct().Count(), 400, 401);
        // Neither a counter nor a fixed step.
        Assert.InRange(tester.Keys.Zip(tester.Keys.Skip(1), (a, b) => unchecked(b - a)).Distinct().Count(), 398, 401);
    }
}
