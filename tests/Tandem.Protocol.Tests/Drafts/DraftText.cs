using System.Text;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Handshake;

namespace Tandem.Protocol.Tests.Drafts;

/// <summary>Handshakes of the drafts as text.</summary>
internal static class DraftText
{
    /// <summary>The example of hixie-76 section 1.2.</summary>
    public const string Hixie76 =
        "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nSec-WebSocket-Protocol: sample\r\n"
        + "Upgrade: WebSocket\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n^n:ds[4U";

    /// <summary>Its answer.</summary>
    public const string Hixie76Answer =
        "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Origin: http://example.com\r\n"
        + "Sec-WebSocket-Location: ws://example.com/demo\r\nSec-WebSocket-Protocol: sample\r\n\r\n8jKS'y:G*Co,Wxa-";

    /// <summary>The example of hixie-75 section 1.2.</summary>
    public const string Hixie75 =
        "GET /demo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\nOrigin: http://example.com\r\nWebSocket-Protocol: sample\r\n\r\n";

    /// <summary>Its answer.</summary>
    public const string Hixie75Answer =
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nWebSocket-Origin: http://example.com\r\n"
        + "WebSocket-Location: ws://example.com/demo\r\nWebSocket-Protocol: sample\r\n\r\n";

    /// <summary>The example of hybi-07 section 1.2, with the fields that a test wants beside its own.</summary>
    public static string Hybi(int version, params string[] fields) =>
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + string.Concat(fields.Select(field => field + "\r\n")) + $"Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: {version}\r\n\r\n";

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>Parses and judges a request that must be whole.</summary>
    public static HandshakeRefusal Judge(string request, WebSocketDrafts spoken = WebSocketDrafts.All)
    {
        Assert.True(UpgradeRequest.Parse(Bytes(request), out UpgradeRequest parsed, out HandshakeRefusal refusal, spoken), "the request is whole");
        return refusal == HandshakeRefusal.None ? parsed.Judge() : refusal;
    }

    /// <summary>A request that must pass.</summary>
    public static UpgradeRequest Accepted(string request, WebSocketDrafts spoken = WebSocketDrafts.All)
    {
        Assert.True(UpgradeRequest.Parse(Bytes(request), out UpgradeRequest parsed, out HandshakeRefusal refusal, spoken), "the request is whole");
        Assert.Equal(HandshakeRefusal.None, refusal);
        Assert.Equal(HandshakeRefusal.None, parsed.Judge());
        return parsed;
    }

    public static string Answer(in UpgradeRequest request, string? subprotocol = null, params KeyValuePair<string, string>[] fields)
    {
        byte[] answer = new byte[1024];
        return Encoding.Latin1.GetString(answer, 0, ServerHandshake.WriteAccepted(answer, in request, subprotocol, null, fields));
    }
}
