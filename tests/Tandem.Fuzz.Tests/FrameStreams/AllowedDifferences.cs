using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>
/// A row of docs/websocket-contract.md, as narrow as the fuzzer can tell it. <paramref name="Apply"/> is given what came of the same step of ours and
/// of the BCL's, and what the naive reader says of the bytes, and says what the BCL's would be without this difference.
/// </summary>
/// <param name="Row">The first column of the row.</param>
/// <param name="Apply">Null when the two have gone different ways for good: then nothing after it can be compared.</param>
internal sealed record AllowedDifference(string Row, Func<Outcome, Outcome, NaiveReader, Outcome?> Apply);

internal static class AllowedDifferences
{
    private const string Faulted = "WebSocketException Faulted";
    private const string Ended = "WebSocketException ConnectionClosedPrematurely";

    /// <summary>In an order in which each sees what those before it have left.</summary>
    public static IReadOnlyList<AllowedDifference> All { get; } =
    [
        new("a lone surrogate in a close reason", (ours, theirs, naive) =>
            Closing(ours.Step) is { Reason: "\ud800" } && !Refused(ours) && Refused(theirs) ? null : theirs),
        new("codes 1004, 1016-2999, 5000 and above, negative ones", (ours, theirs, naive) =>
            Closing(ours.Step) is { Code: < 0 or 1004 or (>= 1016 and < 3000) or >= 5000 } && Refused(ours) && !Refused(theirs) ? null : theirs),
        new("`CloseOutputAsync(Empty, null)`", (ours, theirs, naive) =>
            Closing(ours.Step) is { Code: (int)WebSocketCloseStatus.Empty }
                ? Replace(theirs, "88 03ED", "88 ")
                : theirs),
        new("a ping after this end's close frame", (ours, theirs, naive) =>
        {
            int close = ours.Before == WebSocketState.CloseSent ? -1 : Array.FindIndex(theirs.Written, IsClose);
            if (close < 0 && ours.Before != WebSocketState.CloseSent) return theirs;
            string[] written = [.. theirs.Written[..(close + 1)], .. theirs.Written[(close + 1)..].Where(frame => !IsPong(frame))];
            return written.Length == theirs.Written.Length ? theirs : theirs with { Written = written };
        }),
        new("a length in a longer form than it needs", (ours, theirs, naive) =>
            // Of a control frame only the shortest form is minimal, so there the rule that is broken has another name.
            Fault(ours) == ProtocolFault.NonMinimalLength || (Fault(ours) == ProtocolFault.ControlFrameTooLong && naive.HasLongFormOfShortControlFrame) ? null : theirs),
        new("`CloseAsync` while a receive is pending that fails", (ours, theirs, naive) =>
            ours.Step.Meanwhile is { Act: Act.Close } && ours.Meanwhile == ours.Result && ours.Result is Ended or Faulted && theirs.Result == ours.Result && theirs.Meanwhile != ours.Meanwhile
                ? null
                : theirs),
        new("a violation in a header that is not whole yet", (ours, theirs, naive) =>
            IsOfHeader(Fault(ours)) && ((naive.BreaksOffInHeader && EndsEarly(theirs)) || WentOn(ours, theirs)) ? null : theirs),
        new("text that is not UTF-8", (ours, theirs, naive) =>
            Fault(ours) == ProtocolFault.InvalidUtf8 && (FrameStreamFuzzer.IsData(theirs) || EndsEarly(theirs) || WentOn(ours, theirs) || naive.EndsWithinCodePoint) ? null : theirs),
        new("`CloseOutputAsync` or `CloseAsync` when half", (ours, theirs, naive) =>
            Closing(ours.Step) is not null && (ours.Midway, theirs.Midway) == (WebSocketState.Open, WebSocketState.CloseReceived) ? null : theirs),
        new("a broken close frame", (ours, theirs, naive) =>
            IsOfClose(Fault(ours)) && WentOn(ours, theirs) ? null :
            (ours.State, theirs.State) == (WebSocketState.Aborted, WebSocketState.Closed)
            && (IsOfClose(Fault(ours))
                || (ours.Before, theirs.Before) == (WebSocketState.Aborted, WebSocketState.Closed)) // it stays so
                ? theirs with { State = ours.State }
                : theirs),
        new("a close frame that breaks off", (ours, theirs, naive) =>
            (naive.BreaksOffInClose && (ours.State, theirs.State) == (WebSocketState.Aborted, WebSocketState.Closed) && EndsEarly(ours))
            || (ours.Midway, theirs.Midway) == (WebSocketState.CloseSent, WebSocketState.Closed)
                ? null
                : theirs),
        new("a close reason that is not UTF-8", (ours, theirs, naive) =>
            Fault(ours) == ProtocolFault.InvalidUtf8InCloseReason && ours.Written.Any(frame => frame.StartsWith("88 03EF", StringComparison.Ordinal))
                ? Replace(theirs, "88 03EA", "88 03EF")
                : theirs),
        new("the close frame after a violation", (ours, theirs, naive) =>
            Fault(ours) is var fault and not ProtocolFault.None && ours.Written.Length != 0 && ours.Written.Length == theirs.Written.Length
            && ours.Written[^1] == theirs.Written[^1] + Convert.ToHexString(Encoding.ASCII.GetBytes(fault.Text()))
                ? theirs with { Written = [.. theirs.Written[..^1], ours.Written[^1]] }
                : theirs),
    ];

    private static ProtocolFault Fault(Outcome outcome) => outcome.Ended?.Cause.Fault ?? ProtocolFault.None;

    // A receive, or what the close beside it reads when it is done.
    private static bool EndsEarly(Outcome outcome) => outcome.Result == Ended || outcome.Meanwhile == Ended;

    // Theirs still waited when ours had an outcome.
    private static bool WentOn(Outcome ours, Outcome theirs) => ours.Meanwhile.Length == 0 && theirs.Meanwhile.Length != 0;

    private static bool IsOfClose(ProtocolFault fault) => fault is ProtocolFault.TruncatedCloseCode or ProtocolFault.InvalidCloseCode or ProtocolFault.InvalidUtf8InCloseReason;

    private static bool IsOfHeader(ProtocolFault fault) => fault is (>= ProtocolFault.ReservedBitSet and <= ProtocolFault.LengthOver63Bits) or ProtocolFault.TruncatedCloseCode;

    private static Outcome Replace(Outcome outcome, string frame, string by) =>
        outcome.Written.Contains(frame) ? outcome with { Written = [.. outcome.Written.Select(written => written == frame ? by : written)] } : outcome;

    private static bool IsClose(string frame) => frame.StartsWith("88", StringComparison.Ordinal);

    private static bool IsPong(string frame) => frame.StartsWith("8A", StringComparison.Ordinal);

    private static bool Refused(Outcome outcome) => (outcome.Step.Meanwhile is null ? outcome.Result : outcome.Meanwhile) == "ArgumentException";

    private static Step? Closing(Step step) =>
        step.Act is Act.CloseOutput or Act.Close ? step : step.Meanwhile is { Act: Act.CloseOutput or Act.Close } meanwhile ? meanwhile : null;
}
