using System.Text;

namespace Tandem.Fuzz.Tests.Handshake;

/// <summary>Handshake heads in the many ways that they may be written, and spoiled: a field lost, doubled, of another value, or any byte.</summary>
internal sealed class HeadGenerator(Random random)
{
    public static readonly string[] Protocols = ["chat", "superchat", "mqtt"];

    private static readonly string[] Targets =
        ["/", "/chat", "/chat?x=1&y=%20", "/?", "/a//b/../c", "http://example.com/chat", "ws://example.com:1818", "WSS://h?q=a/b", "https://user@h/", "ftp://h/", "*", "chat", "/a#b", "/\u00e9", "http:///x", "/a b"];

    private static readonly string[] Oddities =
    [
        "Host: other", "Content-Length: 0", "Content-Length: 5", "Transfer-Encoding: chunked", "Upgrade: h2c", "Connection: keep-alive", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: x",
        "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: ,", "Sec-WebSocket-Protocol: a b", "Sec-WebSocket-Extensions: ;", "Origin: null", " folded", "name : x", "empty:", "no colon", "bad\u0001: x", "x: \u0001", "x: \u00e9\u00ff", ": x",
    ];

    public byte[] Request() => Finish(
    [
        $"{Pick("GET", "GET", "GET", "GET", "POST", "get", "GE T")} {(random.Next(2) == 0 ? "/chat" : Pick(Targets))} HTTP/{Pick("1.1", "1.1", "1.1", "1.1", "1.0", "2", "1.1 ")}",
        $"{Case("Host")}:{Blank()}{Pick("localhost", "example.com:1818", "[::1]:80", "h", "", "a/b", "a,b")}{Blank()}",
        $"{Case("Upgrade")}:{Blank()}{Pick("websocket", "WebSocket", "h2c, websocket", ",websocket,", "websocket2")}",
        $"{Case("Connection")}:{Blank()}{Pick("Upgrade", "upgrade", "keep-alive, Upgrade", "close", "Upgrade,,")}",
        $"{Case("Sec-WebSocket-Version")}: {Pick("13", "13", "13", "13", "8", "013")}",
        $"{Case("Sec-WebSocket-Key")}: {Key()}",
        .. Optional($"Sec-WebSocket-Protocol: {Pick("chat", "chat, superchat", "a,b , c", "chat,chat", "", "q\"")}"),
        .. Optional($"{Case("Sec-WebSocket-Extensions")}: {Pick("permessage-deflate", "permessage-deflate; client_max_window_bits, x", "x;;", "x; y=\"z\"", "")}"),
        .. Optional($"Origin: {Pick("http://localhost", "null", "")}"),
        .. Optional("Cookie: a=b; c=d"),
    ]);

    public byte[] Response(string accept) => Finish(
    [
        $"HTTP/{Pick("1.1", "1.1", "1.1", "1.1", "1.0")} {Pick("101", "101", "101", "101", "200", "10", "1010", "+10")}{Pick(" Switching Protocols", " Switching Protocols", "", " ", "x")}",
        $"{Case("Upgrade")}:{Blank()}{Pick("websocket", "websocket", "WebSocket", "h2c, websocket", "websockets")}",
        $"{Case("Connection")}:{Blank()}{Pick("Upgrade", "upgrade", "keep-alive, Upgrade", "close")}",
        $"{Case("Sec-WebSocket-Accept")}: {(random.Next(8) == 0 ? Pick("", "x", accept.ToLowerInvariant(), accept[..^1]) : accept)}",
        .. Optional($"Sec-WebSocket-Protocol: {Pick("chat", "mqtt", "other", "chat, mqtt", "Chat", "")}"),
        .. Optional($"Sec-WebSocket-Extensions: {Pick("permessage-deflate", "permessage-deflate; server_no_context_takeover", "x", "permessage-deflate, x", "", ";")}"),
        .. Optional("Server: tandem"),
    ]);

    private byte[] Finish(List<string> lines)
    {
        if (random.Next(3) == 0)
        {
            for (int i = random.Next(1, 3); i > 0; i--)
            {
                int at = random.Next(lines.Count);
                if (random.Next(3) == 0) lines.RemoveAt(at);
                else lines.Insert(random.Next(2) == 0 ? lines.Count : Math.Max(1, at), random.Next(2) == 0 ? lines[at] : Pick(Oddities));
                if (lines.Count == 0) lines.Add("");
            }
        }

        // Up to and over the bounds, which are exact.
        if (random.Next(30) == 0) lines.AddRange(Enumerable.Range(0, random.Next(50, 64)).Select(i => $"x{i}: y"));
        if (random.Next(60) == 0) lines[0] = "GET /" + new string('y', 8192 - 15 + random.Next(-2, 3)) + " HTTP/1.1";
        else if (random.Next(30) == 0) lines.Add("x: " + new string('y', 8192 - lines.Sum(line => line.Length + 2) - 2 - 5 + random.Next(-2, 4)));
        byte[] bytes = Encoding.Latin1.GetBytes(string.Join("\r\n", lines) + "\r\n\r\n");
        return random.Next(3) == 0 ? random.Mutate(bytes, 2, (byte)'\r', (byte)'\n', (byte)' ', (byte)'\t', (byte)':', (byte)',', 0, 0x7F, 0xFF) : bytes;
    }

    private string Key()
    {
        byte[] nonce = new byte[random.Next(10) == 0 ? random.Next(14, 19) : 16];
        random.NextBytes(nonce);
        string key = Convert.ToBase64String(nonce);
        return random.Next(20) == 0 ? key.Replace('=', Pick("x", "=", " ", "A")[0]) : key;
    }

    private string Pick(params ReadOnlySpan<string> choices) => choices[random.Next(Math.Max(1, random.Next(3) == 0 ? choices.Length : 1))];

    private string Case(string name) => random.Next(4) == 0 ? name.ToUpperInvariant() : random.Next(4) == 0 ? name.ToLowerInvariant() : name;

    private string Blank() => random.Next(4) switch { 0 => "", 1 => "\t ", _ => " " };

    private IEnumerable<string> Optional(string line) => random.Next(3) == 0 ? [line] : [];
}
