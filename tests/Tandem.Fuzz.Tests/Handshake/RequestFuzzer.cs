using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.Fuzz.Tests.Handshake;

/// <summary>
/// Requests as a server reads them, against a naive parser and, where they are accepted, Kestrel's: whole, in any pieces, and with anything
/// behind them.
/// </summary>
internal sealed class RequestFuzzer : Fuzzer<byte[]>
{
    protected override string Target => "requests";

    // All that a request can earn where no draft is spoken.
    protected override IEnumerable<string> Expected =>
        Enum.GetValues<HandshakeRefusal>().Where(refusal => refusal < HandshakeRefusal.NoSuchRoute).Except([HandshakeRefusal.InvalidDraftKey]).Select(refusal => refusal.ToString());

    protected override byte[] Create(Random random) => new HeadGenerator(random).Request();

    protected override ValueTask<string?> Judge(byte[] input)
    {
        NaiveHead naive = NaiveHead.Parse(input);
        string expected = naive.Verdict switch
        {
            NaiveVerdict.NeedsMore => "needs more",
            NaiveVerdict.Refused => "refused",
            _ when naive.Request() is null => "refused",
            _ => Write(naive),
        };
        string actual = Read(input, out HandshakeRefusal refusal);
        Count(refusal.ToString());
        if (actual != expected) return new($"{actual} ({refusal})\ninstead of\n{expected}");
        return new(BehindIt(input, actual) ?? InPieces(input, actual, naive.Length) ?? (actual.StartsWith("accepted", StringComparison.Ordinal) ? Answer(input) ?? ByKestrel(input, naive) : null));
    }

    protected override IEnumerable<byte[]> Smaller(byte[] input) => Bytes.Smaller(input);

    protected override string Describe(byte[] input) => $"{Encoding.Latin1.GetString(input)}\n  {Convert.ToHexString(input)}";

    private static string Read(ReadOnlySpan<byte> bytes, out HandshakeRefusal refusal)
    {
        if (!UpgradeRequest.Parse(bytes, out UpgradeRequest request, out refusal)) return "needs more";
        if (refusal != HandshakeRefusal.None) return "refused";
        refusal = request.Judge();
        var text = new StringBuilder(refusal == HandshakeRefusal.None ? "accepted" : "not an upgrade");
        text.Append($" {Text(request.Method)} {Text(request.Path)} ? {Text(request.Query)} {Text(request.Host)}, {request.Head.Length} bytes");
        for (int i = 0; i < request.Head.FieldCount; i++) text.Append($"\n{Text(request.Head.Name(i))}: {Text(request.Head.Value(i))}");
        if (refusal != HandshakeRefusal.None) return text.ToString();
        text.Append($"\nkey {Text(request.Key)} origin {Text(request.Origin)}");
        for (SubprotocolEnumerator protocols = request.Subprotocols; protocols.MoveNext();) text.Append($" {Text(protocols.Current)}");
        return text.ToString();
    }

    private static string Write(NaiveHead naive)
    {
        (string method, string path, string query, string host) = naive.Request()!.Value;
        bool accepted = naive.IsUpgrade();
        string text = $"{(accepted ? "accepted" : "not an upgrade")} {method} {path} ? {query} {host}, {naive.Length} bytes" + string.Concat(naive.Fields.Select(field => $"\n{field.Name}: {field.Value}"));
        if (!accepted) return text;
        return $"{text}\nkey {naive.All("Sec-WebSocket-Key")[0]} origin {naive.All("Origin").FirstOrDefault()}" + string.Concat(naive.List("Sec-WebSocket-Protocol").Select(protocol => " " + protocol));
    }

    // What lies behind a head must not matter.
    private static string? BehindIt(byte[] input, string whole)
    {
        if (whole == "needs more") return null;
        foreach (byte filler in (byte[])[0, (byte)'\n', (byte)'x', 0xFF])
        {
            byte[] longer = [.. input, filler, filler, filler];
            string with = Read(longer, out _);
            if (with != whole) return $"with {filler:X2} behind it {with}\ninstead of\n{whole}";
        }

        return null;
    }

    private static string? InPieces(byte[] input, string whole, int length)
    {
        for (int i = 0; i < input.Length; i += 1 + (i / 40))
        {
            string early = Read(input.AsSpan(0, i), out HandshakeRefusal refusal);
            if (early == "needs more") continue;
            // A head that is wrong may be refused before its end, and one that is right not be read before it.
            if (early == whole && (whole == "refused" || i >= length)) continue;
            return $"after {i} bytes {early} ({refusal})\ninstead of\n{whole}";
        }

        return null;
    }

    private static string? Answer(byte[] input)
    {
        UpgradeRequest.Parse(input, out UpgradeRequest request, out _);
        request.Judge();
        string? chosen = request.SelectSubprotocol(HeadGenerator.Protocols);
        byte[] answer = new byte[1000];
        int length = ServerHandshake.WriteAccepted(answer, in request, chosen);
        NaiveHead naive = NaiveHead.Parse(answer[..length]);
        string key = Text(request.Key);
        string? firstInCommon = NaiveHead.Parse(input).List("Sec-WebSocket-Protocol").Find(protocol => HeadGenerator.Protocols.Contains(protocol));
        if (chosen != firstInCommon) return $"subprotocol {chosen} instead of {firstInCommon}";
        return naive.IsAccepted(key, chosen is null ? [] : [chosen], [], out string? read) && read == chosen ? null : $"the answer is refused: {Encoding.Latin1.GetString(answer, 0, length)}";
    }

    private static string? ByKestrel(byte[] input, NaiveHead naive)
    {
        KestrelHead? kestrel = KestrelHead.Parse(input);
        if (kestrel is null) return "Kestrel refuses it";
        return kestrel.Fields.SequenceEqual(naive.Fields) ? null : $"Kestrel reads {string.Join("; ", kestrel.Fields)}";
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
