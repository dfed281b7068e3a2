using Tandem.Conformance.Tests.Subjects;

namespace Tandem.Conformance.Tests.Tester;

/// <summary>How the bytes of a case are cut into writes.</summary>
public enum Delivery
{
    OneWrite,
    FrameByFrame,

    /// <summary>One byte a write; in the middle of long frames, of which only the ends have anything to get wrong, 4093.</summary>
    ByteByByte,

    /// <summary>Pieces of 1 to 31 bytes; of 997 where there is much.</summary>
    OddPieces,
}

/// <summary>What the tester sends and what must come back: these frames, and then either nothing more or a close frame with this code.</summary>
/// <param name="Name">What is sent, in words.</param>
/// <param name="Send">The frames to send.</param>
/// <param name="Expect">The frames that must come back, and none between or behind them.</param>
/// <param name="Fails">The code with which the subject must fail the connection; null when it stays open.</param>
public sealed record WireCase(string Name, IReadOnlyList<Frame> Send, IReadOnlyList<Frame> Expect, int? Fails = null)
{
    /// <summary>Frames that are answered by the same frame.</summary>
    public static WireCase Echoed(string name, params IReadOnlyList<Frame> frames) => new(name, frames, frames);

    /// <summary>Every case against every subject in every way of delivery.</summary>
    public static TheoryData<Subject, Delivery, WireCase> Matrix(IEnumerable<WireCase> cases, params Delivery[] deliveries)
    {
        var data = new TheoryData<Subject, Delivery, WireCase>();
        foreach (WireCase row in cases)
        {
            foreach (Subject subject in Enum.GetValues<Subject>())
            {
                foreach (Delivery delivery in deliveries) data.Add(subject, delivery, row);
            }
        }

        return data;
    }

    /// <summary>Runs it on a connection of its own.</summary>
    public async Task Run(Subject subject, Delivery delivery, SubjectOptions? options = null)
    {
        await using WireTester tester = await WireTester.Open(subject, options);
        await Run(tester, delivery);
    }

    /// <summary>Runs it, and ends the connection.</summary>
    public async Task Run(WireTester tester, Delivery delivery)
    {
        // The answer may come, and the connection end, while bytes are still being sent.
        Task sending = tester.Send(Send, delivery, mayFail: Fails is not null);
        foreach (Frame frame in Expect) await tester.Expect(frame);
        if (Fails is { } code) await tester.ExpectFailure(code);
        await sending;
        if (Fails is null) await tester.Close(Frame.Close(1000));
    }

    public override string ToString() => Name;
}
