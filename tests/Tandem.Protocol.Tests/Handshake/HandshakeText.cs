using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.Protocol.Tests.Handshake;

/// <summary>Heads as text, and answers to questions about them that outlive the ref structs.</summary>
internal static class HandshakeText
{
    /// <summary>The request of RFC 6455 section 1.3, with the fields in the order printed there.</summary>
    public const string Example =
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";

    /// <summary>The answer of RFC 6455 section 1.3.</summary>
    public const string ExampleAnswer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        + "Sec-WebSocket-Protocol: chat\r\n\r\n";

    /// <summary>The least that is a WebSocket handshake; what a test wants different it passes as a replacement.</summary>
    public static string Request(params (string Old, string New)[] replacements)
    {
        string request =
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        foreach ((string old, string replacement) in replacements)
        {
            Assert.Contains(old, request, StringComparison.Ordinal);
            request = request.Replace(old, replacement, StringComparison.Ordinal);
        }

        return request;
    }

    /// <summary>The least handshake with further lines in front of the others.</summary>
    public static string RequestWith(params string[] lines) => Request(("Host: h\r\n", $"Host: h\r\n{string.Concat(lines.Select(line => line + "\r\n"))}"));

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static HttpHeadStatus Parse(string text) => HttpHead.Parse(Bytes(text), out _);

    /// <summary>Parses and judges a request that must be whole.</summary>
    public static HandshakeRefusal Judge(string request)
    {
        Assert.True(UpgradeRequest.Parse(Bytes(request), out UpgradeRequest parsed, out HandshakeRefusal refusal), "the request is whole");
        return refusal == HandshakeRefusal.None ? parsed.Judge() : refusal;
    }

    /// <summary>A request that must pass.</summary>
    public static UpgradeRequest Accepted(string request)
    {
        Assert.True(UpgradeRequest.Parse(Bytes(request), out UpgradeRequest parsed, out HandshakeRefusal refusal), "the request is whole");
        Assert.Equal(HandshakeRefusal.None, refusal);
        Assert.Equal(HandshakeRefusal.None, parsed.Judge());
        return parsed;
    }

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
