using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Tandem.Fuzz.Tests.Extensions;

namespace Tandem.Fuzz.Tests.Handshake;

/// <summary>What the twin says of the bytes of a head.</summary>
internal enum NaiveVerdict
{
    Refused,
    NeedsMore,
    WellFormed,
}

/// <summary>
/// The twin of the handshake's parsers: RFC 9112 sections 2 to 5 and RFC 6455 sections 4.1 and 4.2.1 over strings and regular expressions, with the
/// bounds and the strictness that docs of <c>HttpHead</c> promise. Latin-1, so that a byte is a character.
/// </summary>
internal sealed partial class NaiveHead
{
    private const string TChar = "[!#$%&'*+.^_`|~0-9A-Za-z-]";

    public NaiveVerdict Verdict { get; private init; }

    public string StartLine { get; private init; } = "";

    public List<(string Name, string Value)> Fields { get; } = [];

    /// <summary>Bytes of the head.</summary>
    public int Length { get; private init; }

    public static NaiveHead Parse(byte[] received)
    {
        string text = Encoding.Latin1.GetString(received, 0, Math.Min(received.Length, 8192));
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            // A CR or LF alone cannot become right; a CR at the very end can.
            bool broken = BareLineEnd().IsMatch(text);
            return new NaiveHead { Verdict = broken || text.Length == 8192 ? NaiveVerdict.Refused : NaiveVerdict.NeedsMore };
        }

        string[] lines = text[..end].Split("\r\n");
        var head = new NaiveHead { Verdict = NaiveVerdict.WellFormed, StartLine = lines[0], Length = end + 4 };
        if (lines.Length > 65 || Control().IsMatch(lines[0])) return new NaiveHead();
        foreach (string line in lines[1..])
        {
            Match match = FieldLine().Match(line);
            if (!match.Success) return new NaiveHead();
            head.Fields.Add((match.Groups[1].Value, match.Groups[2].Value.Trim(' ', '\t')));
        }

        return head;
    }

    public List<string> All(string name) => [.. Fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)];

    /// <summary>Elements of a list over all lines of its field.</summary>
    public List<string> List(string name) => [.. All(name).SelectMany(value => value.Split(',')).Select(element => element.Trim(' ', '\t')).Where(element => element.Length != 0)];

    /// <summary>The request line's parts; null when it is not that of an HTTP/1.1 request with a target that a GET may have and one Host.</summary>
    public (string Method, string Path, string Query, string Host)? Request()
    {
        Match line = RequestLine().Match(StartLine);
        if (!line.Success || All("Host") is not [string host] || !Authority().IsMatch(host)) return null;
        Match target = line.Groups[3].Success ? line : OriginForm().Match(line.Groups[2].Value);
        string path = target.Groups["path"].Value;
        return (line.Groups[1].Value, path.Length == 0 ? "/" : path, target.Groups["query"].Value, line.Groups[3].Success ? line.Groups[3].Value : host);
    }

    /// <summary>Whether the request is a correct opening handshake (RFC 6455 section 4.2.1).</summary>
    public bool IsUpgrade()
    {
        if (Request() is not { } request || request.Method != "GET" || All("Transfer-Encoding").Count != 0) return false;
        if (All("Content-Length") is not ([] or ["0"])) return false;
        if (!ListHas("Upgrade", "websocket") || !ListHas("Connection", "upgrade")) return false;
        if (All("Sec-WebSocket-Version") is not ["13"] || All("Sec-WebSocket-Key") is not [string key] || !IsKey(key) || All("Origin").Count > 1) return false;
        List<string> protocols = List("Sec-WebSocket-Protocol");
        bool named = All("Sec-WebSocket-Protocol").Count != 0;
        if (named && (protocols.Count is 0 or > 64 || !protocols.TrueForAll(NaiveExtensions.IsToken) || protocols.Distinct().Count() != protocols.Count)) return false;
        return All("Sec-WebSocket-Extensions").TrueForAll(value => NaiveExtensions.Parse(value) is not null);
    }

    /// <summary>Whether the answer opens the connection (RFC 6455 section 4.1), and with which subprotocol.</summary>
    public bool IsAccepted(string key, string[] protocols, string[] extensions, out string? protocol)
    {
        protocol = null;
        if (!Switching().IsMatch(StartLine)) return false;
        if (All("Upgrade") is not [string upgrade] || !upgrade.Equals("websocket", StringComparison.OrdinalIgnoreCase) || !ListHas("Connection", "upgrade")) return false;
        if (All("Sec-WebSocket-Accept") is not [string accept] || accept != AcceptOf(key)) return false;
        foreach (string line in All("Sec-WebSocket-Extensions"))
        {
            if (NaiveExtensions.Parse(line) is not { } answered || answered.Exists(extension => !extensions.Contains(extension.Name))) return false;
        }

        List<string> chosen = All("Sec-WebSocket-Protocol");
        if (chosen.Count == 0) return true;
        protocol = chosen.Count == 1 && protocols.Contains(chosen[0]) ? chosen[0] : null;
        return protocol is not null;
    }

    public static string AcceptOf(string key)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        sha.AppendData(Encoding.ASCII.GetBytes(key));
        sha.AppendData("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8);
        return Convert.ToBase64String(sha.GetHashAndReset());
    }

    private bool ListHas(string name, string token) => List(name).Contains(token, StringComparer.OrdinalIgnoreCase);

    private static bool IsKey(string key)
    {
        // "a base64-encoded (see Section 4 of [RFC4648]) value that, when decoded, is 16 bytes in length"
        return Base64Of16().IsMatch(key);
    }

    [GeneratedRegex("^[A-Za-z0-9+/]{21}[AQgw]==\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Base64Of16();

    [GeneratedRegex("(?<!\r)\n|\r(?!\n|\\z)", RegexOptions.CultureInvariant)]
    private static partial Regex BareLineEnd();

    [GeneratedRegex("[\x00-\x08\x0a-\x1f\x7f]", RegexOptions.CultureInvariant)]
    private static partial Regex Control();

    [GeneratedRegex($"^({TChar}+):([^\x00-\x08\x0a-\x1f\x7f]*)\\z", RegexOptions.CultureInvariant)]
    private static partial Regex FieldLine();

    // In absolute-form the authority and what follows it, else the whole target.
    [GeneratedRegex($"^({TChar}+) (?:(/[^ \t#]*)|(?i:https?|wss?)://([^ \t,/?#@\\\\\"]+)(?<path>/[^ \t#?]*)?(?:\\?(?<query>[^ \t#]*))?) HTTP/1\\.1\\z", RegexOptions.CultureInvariant)]
    private static partial Regex RequestLine();

    [GeneratedRegex(@"^(?<path>[^?]*)(?:\?(?<query>.*))?\z", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex OriginForm();

    [GeneratedRegex("^[^ \t,/?#@\\\\\"]+\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Authority();

    [GeneratedRegex(@"^HTTP/1\.1 101(?: .*)?\z", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Switching();
}
