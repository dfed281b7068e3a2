using Tandem.Protocol.Drafts;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.Drafts;

/// <summary>What a client of hixie-75 or hixie-76 has said, read from all of its bytes at once.</summary>
internal static class NaiveHixie
{
    public static List<string> Read(WebSocketDrafts draft, byte[] wire)
    {
        var events = new List<string>();
        for (int i = 0; i < wire.Length;)
        {
            byte type = wire[i++];
            if (type < 0x80)
            {
                int end = Array.IndexOf(wire, (byte)0xFF, i);
                byte[] text = wire[i..(end < 0 ? wire.Length : end)];
                NaiveUtf8.Verdict verdict = type == 0 ? NaiveUtf8.Judge(text) : NaiveUtf8.Verdict.Complete;
                if (verdict == NaiveUtf8.Verdict.Invalid || (verdict == NaiveUtf8.Verdict.Open && end >= 0)) return [.. events, Fault(ProtocolFault.InvalidUtf8)];
                if (type != 0 && text.Length > HixieReader.MaxSkippedLength) return [.. events, Fault(ProtocolFault.ReservedOpcode)];
                if (end < 0) return events;
                if (type == 0) events.Add(Text(text));
                i = end + 1;
                continue;
            }

            long length = 0;
            bool more = true;
            for (int digits = 0; more; digits++)
            {
                if (i == wire.Length) return events;
                length = (length * 128) + (wire[i] & 0x7F);
                if (length > HixieReader.MaxSkippedLength || digits == 10) return [.. events, Fault(ProtocolFault.ReservedOpcode)];
                more = wire[i++] >= 0x80;
            }

            if (type == 0xFF && length == 0 && draft == WebSocketDrafts.Hixie76) return [.. events, "close"];
            i += (int)length;
        }

        return events;
    }

    public static string Text(ReadOnlySpan<byte> payload) => $"text {Convert.ToHexString(payload)}";

    public static string Fault(ProtocolFault fault) => $"fault {fault}";
}
