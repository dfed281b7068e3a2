using System.Text;
using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>Sections 5.5.2 and 5.5.3: a ping is answered with its own payload, each and in order; a pong is not answered.</summary>
public sealed class Section5_5_PingPongTests
{
    private static readonly Frame[] Ten = [.. Enumerable.Range(0, 10).Select(i => Frame.Ping($"payload {i}"))];

    public static TheoryData<Subject, Delivery, WireCase> Answered => WireCase.Matrix(
        [
            .. from length in (int[])[0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 63, 64, 100, 124, 125]
               select Ponged($"{length} bytes", Frame.Ping(Wire.Noise(length))),
            Ponged("text", Frame.Ping("Hello, world!")),
            Ponged("what is no UTF-8", Frame.Ping(0, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0, 0xFF)),
            Ponged("what looks like a close frame", Frame.Ping(Frame.Close(1000).Encode(masks: false))),
            Ponged("ten", Ten),
            Ponged("ten empty ones", [.. Enumerable.Repeat(Frame.Ping(), 10)]),
            Ponged("ten of 125 bytes", [.. Enumerable.Range(0, 10).Select(i => Frame.Ping(Wire.Noise(125, i)))]),
            new("between messages", [Frame.Text("a"), Frame.Ping("p"), Frame.Binary(1)], [Frame.Text("a"), Frame.Pong("p"), Frame.Binary(1)]),
        ],
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte, Delivery.OddPieces);

    public static TheoryData<Subject, Delivery, WireCase> Unasked => WireCase.Matrix(
        [
            new("an empty pong", [Frame.Pong()], []),
            new("a pong with payload", [Frame.Pong("unasked")], []),
            new("a pong of 125 bytes", [Frame.Pong(Wire.Noise(125))], []),
            new("a pong that is no UTF-8", [Frame.Pong(0xFF)], []),
            new("ten pongs", [.. Ten.Select(ping => Frame.Pong(ping.Payload))], []),
            new("a pong and then a ping", [Frame.Pong("unasked"), Frame.Ping("p")], [Frame.Pong("p")]),
            new("a pong and then a message", [Frame.Pong("unasked"), Frame.Text("m")], [Frame.Text("m")]),
        ],
        Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte);

    public static TheoryData<Subject, Delivery, WireCase> TooLong => WireCase.Matrix(
        from first in (byte[])[0x88, 0x89, 0x8A]
        from length in (int[])[126, 127, 1000, 65535, 65536]
        from before in (Frame[][])[[], [Frame.Text("before")]]
        select new WireCase($"{first:X2} of {length} bytes behind {before.Length}", [.. before, new Frame(first, new byte[length]), Frame.Ping("p")], before, 1002),
        Delivery.OneWrite, Delivery.ByteByByte, Delivery.OddPieces);

    [Theory]
    [MemberData(nameof(Answered), DisableDiscoveryEnumeration = true)]
    public Task A_ping_is_answered_with_its_payload(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(Unasked), DisableDiscoveryEnumeration = true)]
    public Task A_pong_is_not_answered(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [MemberData(nameof(TooLong), DisableDiscoveryEnumeration = true)]
    public Task A_control_frame_of_more_than_125_bytes_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [EverySubject]
    public async Task A_control_frame_that_is_too_long_is_refused_before_its_payload_is_sent(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.SendBytes(Frame.Ping(new byte[126]).Encode(tester.IsClient).AsMemory(0, 2));
        await tester.ExpectFailure(1002);
    }

    [Theory]
    [EverySubject]
    public async Task A_thousand_pings_one_after_the_other(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        for (int i = 0; i < 1000; i++)
        {
            byte[] payload = Encoding.ASCII.GetBytes($"{i}");
            await tester.Send(Frame.Ping(payload));
            await tester.Expect(Frame.Pong(payload));
        }

        await tester.Close(Frame.Close(1000));
    }

    private static WireCase Ponged(string name, params Frame[] pings) => new(name, pings, [.. pings.Select(ping => Frame.Pong(ping.Payload))]);
}
