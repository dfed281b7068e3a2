using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;

namespace Tandem.Fuzz.Tests.Extensions;

/// <summary>Lines of Sec-WebSocket-Extensions, and what an end wants of permessage-deflate.</summary>
internal sealed record ExtensionCase(string[] Lines, DeflateOptions Options);

/// <summary>The extension reader and the negotiation of permessage-deflate against naive twins.</summary>
internal sealed class ExtensionFuzzer : Fuzzer<ExtensionCase>
{
    private static readonly string[] Soup =
    [
        "permessage-deflate", "permessage-deflate", "Permessage-Deflate", "x", "x-webkit-deflate-frame", "server_no_context_takeover", "client_no_context_takeover",
        "server_max_window_bits", "client_max_window_bits", ";", "; ", ",", ", ", "=", " ", "\t", "\"", "\\", "8", "9", "15", "16", "7", "010", "0", "\"10\"", "\"1\\2\"", "\"a b\"", "\"\"", "(", "é", "/",
    ];

    private static readonly string[] Parameters =
    [
        "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=10", "server_max_window_bits=\"8\"", "client_max_window_bits", "client_max_window_bits=15",
        "client_max_window_bits = 9", "server_max_window_bits", "client_no_context_takeover=1", "unknown", "server_max_window_bits=16", "client_max_window_bits=\"1\\1\"",
    ];

    protected override string Target => "extensions";

    protected override IEnumerable<string> Expected => ["malformed", "accepted", "declined", "answer accepted", "answer refused"];

    protected override ExtensionCase Create(Random random)
    {
        string[] lines = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Line(random))];
        var options = new DeflateOptions
        {
            ServerMaxWindowBits = random.Next(2) == 0 ? 15 : random.Next(8, 16),
            ClientMaxWindowBits = random.Next(2) == 0 ? 15 : random.Next(8, 16),
            ServerNoContextTakeover = random.Next(3) == 0,
            ClientNoContextTakeover = random.Next(3) == 0,
        };
        return new ExtensionCase(lines, options);
    }

    protected override ValueTask<string?> Judge(ExtensionCase input)
    {
        var all = new List<NaiveExtension>();
        bool wellFormed = true;
        foreach (string line in input.Lines)
        {
            List<NaiveExtension>? naive = NaiveExtensions.Parse(line);
            string expected = naive is null ? "malformed" : string.Join("\n", naive.Select(Write));
            string actual = Read(line);
            if (expected != actual) return new($"'{line}':\n{actual}\ninstead of\n{expected}");
            wellFormed &= naive is not null;
            all.AddRange(naive ?? []);
        }

        if (!wellFormed) Count("malformed");
        byte[] bytes = Encoding.Latin1.GetBytes("HTTP/1.1 101 x\r\n" + string.Concat(input.Lines.Select(line => $"Sec-WebSocket-Extensions: {line}\r\n")) + "\r\n");
        if (HttpHead.Parse(bytes, out HttpHead head) != HttpHeadStatus.Complete) return new("the head is not read");
        return new(Negotiate(in head, input.Options, wellFormed, all));
    }

    protected override IEnumerable<ExtensionCase> Smaller(ExtensionCase input)
    {
        foreach (string[] lines in Bytes.Smaller(input.Lines)) yield return input with { Lines = lines };
        for (int i = 0; i < input.Lines.Length; i++)
        {
            foreach (char[] line in Bytes.Smaller(input.Lines[i].ToCharArray())) yield return input with { Lines = [.. input.Lines[..i], new string(line), .. input.Lines[(i + 1)..]] };
        }
    }

    protected override string Describe(ExtensionCase input) =>
        $"{input.Options}\n  " + string.Join("\n  ", input.Lines.Select(line => $"'{line}' {Convert.ToHexString(Encoding.Latin1.GetBytes(line))}"));

    private string? Negotiate(in HttpHead head, DeflateOptions options, bool wellFormed, List<NaiveExtension> all)
    {
        bool goesOn = DeflateNegotiation.TryReadAnswer(in head, options, out DeflateParameters? answered);
        DeflateParameters? expected = null;
        bool expectedToGoOn = wellFormed && NaiveNegotiation.TryReadAnswer(all, options, out expected);
        Count(goesOn ? "answer accepted" : "answer refused");
        if (goesOn != expectedToGoOn) return $"an answer: {goesOn} instead of {expectedToGoOn}";
        if (goesOn && answered != expected) return $"an answer: {answered} instead of {expected}";

        string? answer = DeflateNegotiation.Accept(in head, options, out DeflateParameters granted);
        if (!wellFormed) return null; // no more than that it does not throw: such a request is refused before
        DeflateParameters? grantable = NaiveNegotiation.Accept(all, options);
        Count(answer is null ? "declined" : "accepted");
        if (answer is null != grantable is null || (answer is not null && granted != grantable)) return $"an offer: {answer} {granted} instead of {grantable}";
        // What is answered says what is granted.
        if (answer is null) return null;
        NaiveExtension said = NaiveExtensions.Parse(answer)!.Single();
        var unlimited = new DeflateOptions();
        return NaiveNegotiation.TryReadAnswer([said], unlimited, out DeflateParameters? read) && read == granted ? null : $"the answer {answer} says {read}, granted is {granted}";
    }

    private static string Line(Random random)
    {
        if (random.Next(3) == 0) return string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => Soup[random.Next(Soup.Length)])).Trim(' ', '\t');
        string line = string.Join(random.Next(2) == 0 ? ", " : ",", Enumerable.Range(0, random.Next(1, 4)).Select(_ =>
            (random.Next(6) == 0 ? "x" : "permessage-deflate") + string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => (random.Next(2) == 0 ? "; " : " ;\t") + Parameters[random.Next(Parameters.Length)]))));
        if (random.Next(4) != 0) return line;
        byte[] mutated = random.Mutate(Encoding.Latin1.GetBytes(line), 2, (byte)'"', (byte)'\\', (byte)';', (byte)',', (byte)'=', (byte)' ');
        return new string([.. Encoding.Latin1.GetString(mutated).Where(c => c == '\t' || !char.IsControl(c) || c >= 0x80)]).Trim(' ', '\t');
    }

    private static string Write(NaiveExtension extension) =>
        $"e {extension.Name}" + string.Concat(extension.Parameters.Select(parameter => $"\np {parameter.Name} {parameter.Value}"));

    private static string Read(string line)
    {
        var reader = new ExtensionReader(Encoding.Latin1.GetBytes(line));
        var lines = new List<string>();
        while (true)
        {
            switch (reader.Read())
            {
                case ExtensionToken.Extension:
                    lines.Add($"e {Encoding.Latin1.GetString(reader.Name)}");
                    break;
                case ExtensionToken.Parameter:
                    lines.Add($"p {Encoding.Latin1.GetString(reader.Name)} {Encoding.Latin1.GetString(reader.Value)}");
                    break;
                case ExtensionToken.End:
                    return string.Join("\n", lines);
                default:
                    return "malformed";
            }
        }
    }
}
