using Tandem.Conformance.Tests.Subjects;
using Tandem.Conformance.Tests.Tester;

namespace Tandem.Conformance.Tests.Rfc6455;

/// <summary>
/// Sections 5.5.1 and 7: a close frame is answered once with its own code and reason, nothing comes after it, and then the server ends TCP
/// first.
/// </summary>
public sealed class Section7_ClosingTests
{
    private static readonly Frame OwnClose = Frame.Close(SubjectOptions.OwnCloseCode, SubjectOptions.OwnCloseReason);

    private static readonly Delivery[] Deliveries = [Delivery.OneWrite, Delivery.FrameByFrame, Delivery.ByteByByte];

    // Answered by the same frame.
    public static TheoryData<Subject, Delivery, WireCase> Answered => WireCase.Matrix(
        [
            Closes("no code", Frame.Close()),
            .. from code in (int[])[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4999]
               from reason in (string[])["", "a reason"]
               select Closes($"{code} '{reason}'", Frame.Close(code, reason)),
            .. from length in Enumerable.Range(0, 124) select Closes($"a reason of {length} bytes", Frame.Close([3, 0xE8, .. Wire.TextBytes(length)])),
            Closes("a reason of 30 code points of four bytes", Frame.Close(1000, string.Concat(Enumerable.Repeat("𝄞", 30)))),
            Closes("a reason with NUL and U+FFFD", Frame.Close(1000, "\0\uFFFD")),
        ],
        Deliveries);

    // What comes behind the close frame is for nobody, and what comes before it is answered.
    public static TheoryData<Subject, Delivery, WireCase> Behind => WireCase.Matrix(
        [
            Closes("behind a message", Frame.Text("m"), Frame.Close(1000)),
            Closes("behind ten messages and ten pings", [.. Enumerable.Range(0, 10).SelectMany(i => (Frame[])[Frame.Text($"{i}"), Frame.Ping($"{i}")]), Frame.Close(1000)]),
            Closes("behind a message of 256 KiB", Frame.Text(Wire.TextBytes(256 * 1024)), Frame.Close(1000)),
            Closes("behind a message of 1 MiB in fragments", [.. Frame.Fragments(2, Wire.Noise(1 << 20), 10_000), Frame.Close(1000)]),
            Closes("a second close frame", Frame.Close(1000), Frame.Close(1001)),
            Closes("a ping behind it", Frame.Close(1000), Frame.Ping("p")),
            Closes("a message behind it", Frame.Close(1000), Frame.Text("m")),
            Closes("a violation behind it", Frame.Close(1000), Frame.Text(0xFF), new Frame(0xFF, [])),
            Closes("in the middle of a fragmented message", Frame.Part(1, "a"), Frame.Close(1000), Frame.Last("b")),
            Closes("in the middle of a code point", Frame.Part(1, 0xE2), Frame.Close(1000), Frame.Last(0x82, 0xAC)),
            Closes("behind 256 KiB and before a ping", Frame.Binary(Wire.Noise(256 * 1024)), Frame.Close(1000), Frame.Ping("p")),
        ],
        Deliveries);

    public static TheoryData<Subject, Delivery, WireCase> Invalid => WireCase.Matrix(
        from ahead in (Frame[][])[[], [Frame.Text("intact")]]
        from row in (WireCase[])
        [
            .. from code in (int[])[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 32767, 65535]
               from reason in (string[])["", "a reason"]
               select new WireCase($"{code} '{reason}'", [.. ahead, Frame.Close(code, reason)], ahead, 1002),
            new("half a code", [.. ahead, Frame.Close([3])], ahead, 1002),
            new("a reason of 124 bytes", [.. ahead, Frame.Close([3, 0xE8, .. new byte[124]])], ahead, 1002),
            new("a reason that is no UTF-8", [.. ahead, Frame.Close([3, 0xE8, 0xFF])], ahead, 1007),
            new("a reason that ends inside a code point", [.. ahead, Frame.Close([3, 0xE8, 0xE2, 0x82])], ahead, 1007),
            new("a reason with a surrogate", [.. ahead, Frame.Close([3, 0xE8, 0xED, 0xA0, 0x80])], ahead, 1007),
            new("a reason of 123 bytes, the last of them wrong", [.. ahead, Frame.Close([3, 0xE8, .. new byte[122], 0x80])], ahead, 1007),
            new("a violation in a fragmented message", [.. ahead, Frame.Part(1, "a"), Frame.Close([3])], ahead, 1002),
        ]
        select row,
        Deliveries);

    [Theory]
    [MemberData(nameof(Answered), DisableDiscoveryEnumeration = true)]
    public Task A_close_frame_is_answered_with_its_code_and_reason(Subject subject, Delivery delivery, WireCase row) => Run(subject, delivery, row);

    [Theory]
    [MemberData(nameof(Behind), DisableDiscoveryEnumeration = true)]
    public Task What_comes_before_a_close_frame_is_answered_and_what_comes_behind_is_not(Subject subject, Delivery delivery, WireCase row)
    {
        // Over a plain stream nobody lingers: what comes behind the close frame resets the connection, and takes with it what of a long answer is still on its way.
        if (subject == Subject.Stream && row.Send[0].Payload.Length > 100_000) row = row with { Send = [.. row.Send.TakeWhile(frame => frame.First != 0x88), Frame.Close(1000)] };
        return Run(subject, delivery, row);
    }

    [Theory]
    [MemberData(nameof(Invalid), DisableDiscoveryEnumeration = true)]
    public Task An_invalid_close_frame_fails(Subject subject, Delivery delivery, WireCase row) => row.Run(subject, delivery);

    [Theory]
    [EverySubject]
    public async Task A_client_waits_for_the_server_to_end_TCP_and_a_server_does_not_wait_for_the_client(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Close(1000));
        await tester.Expect(Frame.Close(1000));
        if (!tester.IsClient) Assert.False(tester.HasMore(TimeSpan.FromMilliseconds(100)), "Section 7.1.1: the client ended TCP before the server.");
        await tester.EndTransport();
    }

    [Theory]
    [EverySubject]
    public async Task What_is_sent_after_the_answer_is_not_answered(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Close(1000));
        await tester.Expect(Frame.Close(1000));
        await tester.Send([Frame.Text("late"), Frame.Ping("late"), Frame.Close(1000)], Delivery.FrameByFrame, mayFail: true);
        // And no reason for a client to end TCP before the server does.
        if (!tester.IsClient) Assert.False(tester.HasMore(TimeSpan.FromMilliseconds(100)), "Section 7.1.1: the client ended TCP before the server.");
        if (!tester.IsClient) tester.EndSending();
        await tester.ExpectEnd();
    }

    [Theory]
    [EverySubject]
    public async Task The_subject_closes_and_ends_when_it_is_answered(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Text(SubjectOptions.CloseCommand));
        await tester.Expect(OwnClose);
        await tester.Send(OwnClose);
        await tester.EndTransport();
    }

    [Theory]
    [EverySubject]
    public async Task Both_close_at_the_same_time(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Text(SubjectOptions.CloseCommand), Frame.Close(1000, "the tester's own"));
        await tester.Expect(OwnClose);
        await tester.EndTransport();
    }

    [Theory]
    [EverySubject]
    public async Task A_subject_that_has_closed_answers_nothing_and_still_waits_for_the_answer(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Text(SubjectOptions.CloseCommand));
        await tester.Expect(OwnClose);
        await tester.Send(Frame.Text("for nobody"), Frame.Ping("no pong"), Frame.Part(2, 1), Frame.Last(2), Frame.Binary(new byte[100_000]));
        await tester.Send(Frame.Close(3999, "another code"));
        await tester.EndTransport();
    }

    [Theory]
    [EverySubject]
    public async Task Section_7_1_7_a_violation_after_the_own_close_frame_ends_without_a_second_one(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Text(SubjectOptions.CloseCommand));
        await tester.Expect(OwnClose);
        await tester.Send(Frame.Text(0xFF));
        await tester.ExpectEnd();
    }

    [Theory]
    [EverySubject]
    public async Task Section_7_1_5_an_end_of_TCP_without_a_close_frame_is_answered_by_the_end_alone(Subject subject)
    {
        foreach (Frame[] ahead in (Frame[][])[[], [Frame.Text("a")], [Frame.Ping("p")], [Frame.Part(1, "a")], [Frame.Binary(Wire.Noise(100_000))]])
        {
            await using WireTester tester = await WireTester.Open(subject);
            await tester.Send(ahead);
            tester.EndSending();
            foreach (Frame frame in ahead.Where(frame => frame.First != 1)) await tester.Expect(frame.IsControl ? Frame.Pong(frame.Payload) : frame);
            await tester.ExpectEnd();
        }
    }

    [Theory]
    [EverySubject]
    public async Task An_end_of_TCP_within_a_frame_is_answered_by_the_end_alone(Subject subject)
    {
        foreach (Frame frame in (Frame[])[Frame.Text("half of it"), Frame.Ping("half of it"), Frame.Close(1000, "half of it"), Frame.Binary(new byte[70_000])])
        {
            await using WireTester tester = await WireTester.Open(subject);
            byte[] bytes = frame.Encode(tester.IsClient);
            await tester.SendBytes(bytes.AsMemory(0, bytes.Length - 3));
            tester.EndSending();
            await tester.ExpectEnd();
        }
    }

    [Theory]
    [EverySubject]
    public async Task A_close_frame_with_the_end_of_TCP_right_behind_it_is_answered(Subject subject)
    {
        await using WireTester tester = await WireTester.Open(subject);
        await tester.Send(Frame.Text("a"), Frame.Close(1001, "leaving"));
        tester.EndSending();
        await tester.Expect(Frame.Text("a"));
        await tester.Expect(Frame.Close(1001, "leaving"));
        await tester.ExpectEnd();
    }

    private static WireCase Closes(string name, params Frame[] frames)
    {
        Frame[] answered = [.. frames.TakeWhile(frame => frame.Opcode != 8)];
        Frame close = frames[answered.Length];
        Frame[] expect = answered switch
        {
            [{ First: 1 }] => [],
            [{ First: 2 }, ..] => [Frame.Binary(Wire.Concat(answered.Select(frame => frame.Payload)))],
            _ => [.. answered.Select(frame => frame.Opcode == 9 ? Frame.Pong(frame.Payload) : frame)],
        };
        return new WireCase(name, frames, [.. expect, close]);
    }

    private static async Task Run(Subject subject, Delivery delivery, WireCase row)
    {
        await using WireTester tester = await WireTester.Open(subject);
        // A server ends TCP as soon as it has the close frame, whatever is still on its way behind it.
        Task sending = tester.Send(row.Send, delivery, mayFail: true);
        foreach (Frame frame in row.Expect) await tester.Expect(frame);
        await sending;
        await tester.EndTransport();
    }
}
