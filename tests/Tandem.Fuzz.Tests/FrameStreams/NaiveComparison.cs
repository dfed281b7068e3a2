using System.Buffers.Binary;
using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>Holds what came of a conversation against what the naive reader says of its bytes.</summary>
internal static class NaiveComparison
{
    public static string? Judge(Conversation conversation, NaiveReader naive, List<Outcome> outcomes, Action<string> count)
    {
        List<Outcome> receives = [.. outcomes.Where(outcome => outcome.Step.Act == Act.Receive)];
        // These take what comes behind them, or leave it unread.
        bool readsAll = !conversation.Steps.Any(step => IsEnd(step) || (step.Meanwhile is { } meanwhile && IsEnd(meanwhile)));
        return Messages(naive, receives, readsAll) ?? Pongs(naive, outcomes, readsAll) ?? End(naive, receives, readsAll, count);
    }

    private static bool IsEnd(Step step) => step.Act is Act.Close or Act.Abort or Act.Dispose;

    private static string? Messages(NaiveReader naive, List<Outcome> receives, bool readsAll)
    {
        List<NaiveEvent> expected = [.. naive.Events.Where(e => e.Kind is "text" or "binary")];
        var message = new List<byte>();
        int done = 0;
        foreach (Outcome receive in receives.Where(FrameStreamFuzzer.IsData))
        {
            message.AddRange(receive.Data);
            bool ends = receive.Result.Contains(" end", StringComparison.Ordinal);
            string kind = receive.Result.StartsWith("Text", StringComparison.Ordinal) ? "text" : "binary";
            if (ends && (done == expected.Count || expected[done].Kind != kind || !expected[done].Payload.SequenceEqual(message)))
            {
                return $"message {done} is {kind} {Convert.ToHexString([.. message])}; the naive reader says {(done == expected.Count ? "there is none" : $"{expected[done].Kind} {Convert.ToHexString(expected[done].Payload)}")}";
            }

            if (!ends) continue;
            done++;
            message.Clear();
        }

        byte[] begun = done < expected.Count ? expected[done].Payload : naive.Unfinished;
        if (!begun.AsSpan().StartsWith(message.ToArray())) return $"unfinished {Convert.ToHexString([.. message])}; the naive reader says {Convert.ToHexString(begun)}";
        // Of a message that does not end, what a receive has taken when the end comes is lost with it.
        return readsAll && done != expected.Count ? $"{done} messages; the naive reader says {expected.Count}" : null;
    }

    private static string? Pongs(NaiveReader naive, List<Outcome> outcomes, bool readsAll)
    {
        List<string> expected = [.. naive.Events.Where(e => e.Kind == "ping").Select(e => "8A " + Convert.ToHexString(e.Payload))];
        List<string> pongs = [.. outcomes.SelectMany(outcome => outcome.Written).Where(frame => frame.StartsWith("8A", StringComparison.Ordinal))];
        // After its own close frame this end sends nothing (section 5.5.1).
        bool closes = outcomes.Any(outcome => outcome.Step.Act == Act.CloseOutput || outcome.Step.Meanwhile is { Act: Act.CloseOutput });
        bool same = readsAll && !closes ? pongs.SequenceEqual(expected) : pongs.SequenceEqual(expected.Take(pongs.Count));
        return same ? null : $"pongs {string.Join("; ", pongs)}; the naive reader says {string.Join("; ", expected)}";
    }

    private static string? End(NaiveReader naive, List<Outcome> receives, bool readsAll, Action<string> count)
    {
        ProtocolFault fault = receives.Select(receive => receive.Ended?.Cause.Fault ?? ProtocolFault.None).FirstOrDefault(fault => fault != ProtocolFault.None);
        if (fault != ProtocolFault.None || readsAll)
        {
            if (fault != naive.Fault) return $"{fault}; the naive reader says {naive.Fault}";
            if (fault != ProtocolFault.None)
            {
                count(fault.ToString());
                return null;
            }
        }

        Outcome? close = receives.FirstOrDefault(receive => receive.Result.StartsWith(nameof(WebSocketMessageType.Close), StringComparison.Ordinal));
        NaiveEvent? said = naive.Events.LastOrDefault(e => e.Kind == "close");
        if (close is null)
        {
            if (readsAll && said is not null) return "the close frame was not received";
            count("end");
            return null;
        }

        if (said is null) return "a close frame was received where there is none";
        count("close");
        int status = said.Payload.Length < 2 ? 1000 : BinaryPrimitives.ReadUInt16BigEndian(said.Payload);
        string reason = said.Payload.Length < 2 ? "" : System.Text.Encoding.UTF8.GetString(said.Payload, 2, said.Payload.Length - 2);
        return close.Status == status && close.Reason == reason ? null : $"close {close.Status} '{close.Reason}' instead of {status} '{reason}'";
    }
}
