using System.Globalization;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>
/// Conversations of <see cref="Tandem.WebSockets.WebSocketConnection"/> and of the BCL's WebSocket with the same peer: the same outcome of every step,
/// but for what docs/websocket-contract.md lists; and of ours and of the naive reader the same messages, pongs, close frame and violation.
/// </summary>
internal sealed class FrameStreamFuzzer : Fuzzer<Conversation>
{
    protected override string Target => "frames";

    protected override IEnumerable<string> Expected =>
        Enum.GetValues<ProtocolFault>()
            .Except([ProtocolFault.None, ProtocolFault.FrameTooBig, ProtocolFault.MessageTooBig, ProtocolFault.TooManyFragments, ProtocolFault.InvalidDeflateData])
            .Select(fault => fault.ToString())
            .Concat(["close", "end"])
            .Concat(AllowedDifferences.All.Select(difference => difference.Row));

    protected override Conversation Create(Random random)
    {
        WebSocketRole role = random.Next(2) == 0 ? WebSocketRole.Server : WebSocketRole.Client;
        byte[] wire = new StreamGenerator(random, role).Create();
        var steps = new StepGenerator(random);
        // What is done while half of a close frame has come is too rare otherwise.
        if (random.Next(25) == 0 && wire.Length > 1)
        {
            int tail = random.Next(1, Math.Min(20, wire.Length));
            return new Conversation(role, wire, [wire.Length - tail, tail], [new Step(Act.Arrive), .. steps.ReceiveUntilNothingComes()]);
        }

        return new Conversation(role, wire, random.Cut(wire.Length), [.. steps.Create()]);
    }

    protected override async ValueTask<string?> Judge(Conversation input)
    {
        using Player ours = Player.Ours(input);
        using Player theirs = Player.Theirs(input);
        NaiveReader naive = NaiveReader.Read(input.Wire, input.Role);
        var outcomes = new List<Outcome>();
        bool compares = true;
        for (int i = 0; ; i++)
        {
            Step step = i < input.Steps.Length ? input.Steps[i] : Rest(i);
            Outcome ourOutcome = await ours.PlayAsync(step);
            outcomes.Add(ourOutcome);
            if (compares)
            {
                Outcome theirOutcome = await theirs.PlayAsync(step);
                (compares, string? difference) = Compare(ourOutcome, theirOutcome, naive);
                if (difference is not null) return $"{difference}\n{string.Join("\n", outcomes)}";
            }

            if (i >= input.Steps.Length && !IsData(ourOutcome)) break;
        }

        Count(compares ? "compared to the end" : "gone apart");
        return NaiveComparison.Judge(input, naive, outcomes, Count);

        // Whatever is left is received, in buffers of different sizes.
        Step Rest(int i) => new(Act.Receive, 1 + ((i * i * 37) % 3000));
    }

    public static bool IsData(Outcome outcome) =>
        outcome.Result.StartsWith("Text", StringComparison.Ordinal) || outcome.Result.StartsWith("Binary", StringComparison.Ordinal);

    protected override IEnumerable<Conversation> Smaller(Conversation input)
    {
        foreach (Step[] steps in Bytes.Smaller(input.Steps)) yield return input with { Steps = steps };
        if (input.Cuts.Length > 1) yield return input with { Cuts = [input.Wire.Length] };
        foreach (byte[] wire in Bytes.Smaller(input.Wire)) yield return input with { Wire = wire, Cuts = CutsFor(input.Cuts, wire.Length) };
        for (int i = 0; i + 1 < input.Cuts.Length; i++) yield return input with { Cuts = [.. input.Cuts[..i], input.Cuts[i] + input.Cuts[i + 1], .. input.Cuts[(i + 2)..]] };
    }

    protected override string Describe(Conversation input) =>
        string.Create(CultureInfo.InvariantCulture, $"{input.Role}, pieces of {string.Join(",", input.Cuts)}, steps: {string.Join("; ", (object[])input.Steps)}\n  {Convert.ToHexString(input.Wire)}");

    private (bool GoOn, string? Difference) Compare(Outcome ours, Outcome theirs, NaiveReader naive)
    {
        if (AreEqual(ours, theirs)) return (true, null);
        Outcome adjusted = theirs;
        foreach (AllowedDifference difference in AllowedDifferences.All)
        {
            Outcome? next = difference.Apply(ours, adjusted, naive);
            if (ReferenceEquals(next, adjusted)) continue;
            Count(difference.Row);
            if (next is null) return (false, null);
            adjusted = next;
        }

        return AreEqual(ours, adjusted) ? (true, null) : (false, $"The BCL's: {theirs}\n     ours: {ours}");
    }

    private static bool AreEqual(Outcome ours, Outcome theirs) =>
        (ours.Result, ours.Meanwhile, ours.State, ours.Status, ours.Reason) == (theirs.Result, theirs.Meanwhile, theirs.State, theirs.Status, theirs.Reason)
        && ours.Data.AsSpan().SequenceEqual(theirs.Data)
        && ours.Written.SequenceEqual(theirs.Written)
        && (ours.Arrived == theirs.Arrived || !IsData(ours) || ours.Step.Meanwhile is not null);

    private static int[] CutsFor(int[] cuts, int length)
    {
        var fitted = new List<int>();
        foreach (int cut in cuts)
        {
            int size = Math.Min(cut, length);
            if (size > 0) fitted.Add(size);
            length -= size;
        }

        if (length > 0) fitted.Add(length);
        return [.. fitted];
    }
}
