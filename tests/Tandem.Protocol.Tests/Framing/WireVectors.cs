using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>What goes over the wire, and what a reader of the given role makes of it.</summary>
internal sealed record WireVector(string Name, WebSocketRole Role, byte[] Bytes, string[] Events);

/// <summary>The table of legal byte streams: the examples of RFC 6455 section 5.7 as printed there, then one of everything for both roles.</summary>
internal static class WireVectors
{
    public static IReadOnlyDictionary<string, WireVector> All { get; } = Create().ToDictionary(vector => vector.Name);

    private static IEnumerable<WireVector> Create()
    {
        const WebSocketRole client = WebSocketRole.Client;
        const WebSocketRole server = WebSocketRole.Server;
        yield return Printed("5.7 a single-frame unmasked text message", client, "810548656c6c6f", "text 'Hello'");
        yield return Printed("5.7 a single-frame masked text message", server, "818537fa213d7f9f4d5158", "text 'Hello'");
        yield return Printed("5.7 a fragmented unmasked text message", client, "010348656c" + "80026c6f", "text 'Hello'");
        yield return Printed("5.7 unmasked ping request", client, "890548656c6c6f", "ping 'Hello'");
        yield return Printed("5.7 masked ping response", server, "8a8537fa213d7f9f4d5158", "pong 'Hello'");
        byte[] data = Wire.Noise(65536);
        yield return new("5.7 256 bytes binary message", client, [0x82, 0x7E, 0x01, 0x00, .. data[..256]], [Binary(data[..256])]);
        yield return new("5.7 64KiB binary message", client, [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0, .. data], [Binary(data)]);

        foreach (WebSocketRole role in (WebSocketRole[])[server, client])
        {
            foreach (WireVector vector in ForBoth(role)) yield return vector with { Name = $"{vector.Name}, read by a {role}" };
        }
    }

    private static IEnumerable<WireVector> ForBoth(WebSocketRole role)
    {
        const int fin = Wire.Fin;
        byte[] F(int first, string payload) => Wire.Frame(role, first, payload);
        byte[] B(int first, byte[] payload) => Wire.Frame(role, first, payload);

        yield return new("empty text", role, F(fin | Wire.Text, ""), ["text ''"]);
        yield return new("empty binary", role, F(fin | Wire.Binary, ""), ["binary ''"]);
        string[] texts = ["a", "κόσμε", "\U0001F600 and \U00020000", "\u0000\u007F\u0080\u07FF\u0800\uFFFF\U0010FFFF"];
        foreach (string text in texts)
        {
            yield return new($"text of {Encoding.UTF8.GetByteCount(text)} bytes", role, F(fin | Wire.Text, text), [Text(text)]);
        }

        foreach (int length in (int[])[1, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 257])
        {
            yield return new($"binary of {length} bytes", role, B(fin | Wire.Binary, Wire.Noise(length)), [Binary(Wire.Noise(length))]);
        }

        foreach (int length in (int[])[65535, 65536, 65537])
        {
            yield return new($"binary of {length} bytes", role, B(fin | Wire.Binary, Wire.Noise(length)), [Binary(Wire.Noise(length))]);
            string text = new('x', length);
            yield return new($"text of {length} characters", role, F(fin | Wire.Text, text), [Text(text)]);
        }

        byte[] noise = Wire.Noise(125);
        yield return new(
            "5.5 control frames of 0, 1 and 125 bytes",
            role,
            [.. F(fin | Wire.Ping, ""), .. F(fin | Wire.Pong, "p"), .. B(fin | Wire.Ping, noise), .. B(fin | Wire.Pong, noise)],
            ["ping ''", "pong 'p'", ReaderDriver.PingLine(noise), ReaderDriver.PongLine(noise)]);
        yield return new(
            "5.4 fragments, some of them empty",
            role,
            [.. F(Wire.Text, ""), .. F(Wire.Continuation, "ab"), .. F(Wire.Continuation, ""), .. F(Wire.Continuation, "c"), .. F(fin | Wire.Continuation, "")],
            ["text 'abc'"]);
        yield return new(
            "5.4 control frames between the fragments of a message",
            role,
            [
                .. F(Wire.Text, "one "), .. F(fin | Wire.Ping, "1"), .. F(Wire.Continuation, "two "), .. F(fin | Wire.Pong, "2"),
                .. F(fin | Wire.Ping, ""), .. F(fin | Wire.Continuation, "three"), .. F(fin | Wire.Binary, "four"),
            ],
            ["ping '1'", "pong '2'", "ping ''", "text 'one two three'", "binary 'four'"]);
        byte[] euro = Encoding.UTF8.GetBytes("€\U0001F600");
        yield return new(
            "8.1 a code point cut by fragments and by a ping",
            role,
            [
                .. B(Wire.Text, euro[..1]), .. B(Wire.Continuation, euro[1..2]), .. F(fin | Wire.Ping, "?"), .. B(Wire.Continuation, euro[2..5]),
                .. B(fin | Wire.Continuation, euro[5..]),
            ],
            ["ping '?'", Text("€\U0001F600")]);
        yield return new(
            "5.4 messages of changing type, one after the other",
            role,
            [.. F(Wire.Binary, "\u0080"), .. F(fin | Wire.Continuation, "x"), .. F(fin | Wire.Text, "y"), .. F(fin | Wire.Binary, "z")],
            [Binary([0xC2, 0x80, (byte)'x']), "text 'y'", "binary 'z'"]);

        yield return new("5.5.1 close without a code", role, F(fin | Wire.Close, ""), ["close 1005 ''"]);
        yield return new("5.5.1 close with a code", role, B(fin | Wire.Close, Wire.CloseBody(1000)), ["close 1000 ''"]);
        yield return new("5.5.1 close with a code and a reason", role, B(fin | Wire.Close, Wire.CloseBody(1001, "Lebewohl é")), ["close 1001 'Lebewohl é'"]);
        string longest = new('r', 123);
        yield return new("5.5.1 close with the longest reason", role, B(fin | Wire.Close, Wire.CloseBody(4999, longest)), [$"close 4999 '{longest}'"]);
        yield return new(
            "5.5.1 close inside a fragmented message",
            role,
            [.. F(Wire.Text, "never ended"), .. B(fin | Wire.Close, Wire.CloseBody(1011))],
            ["close 1011 ''"]);
    }

    private static WireVector Printed(string name, WebSocketRole role, string hex, params string[] events) =>
        new(name, role, Convert.FromHexString(hex), events);

    private static string Text(string text) => ReaderDriver.MessageLine(WebSocketMessageType.Text, Encoding.UTF8.GetBytes(text));

    private static string Binary(byte[] payload) => ReaderDriver.MessageLine(WebSocketMessageType.Binary, payload);
}
