using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using Tandem.Protocol.Framing;
using Tandem.WebSockets;

namespace Tandem.Server.Tutorial;

/// <summary>What an observer is told, as JSON text messages: one for the handshake, one for each data frame, one for the end.</summary>
internal static class WireReport
{
    // Enough to fill the page's frame view; the rest of a large frame teaches nothing new.
    private const int MaxPayloadShown = 256;

    public static void Handshake(WebSocketPeer observer, string request, string response, string key, string accept) => Send(observer, json =>
    {
        json.WriteString("type", "handshake");
        json.WriteString("request", request);
        json.WriteString("response", response);
        json.WriteString("key", key);
        json.WriteString("accept", accept);
    });

    public static void Frame(WebSocketPeer observer, bool fromClient, in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        FrameHeader frame = header;
        Span<byte> headerBytes = stackalloc byte[FrameHeader.MaxLength];
        int headerLength = FrameHeader.Write(headerBytes, frame.FirstByte, frame.PayloadLength, frame.Masked, frame.MaskingKey);
        string headerHex = Convert.ToHexStringLower(headerBytes[..headerLength]);
        string payloadHex = Convert.ToHexStringLower(payload[..Math.Min(payload.Length, MaxPayloadShown)]);
        bool truncated = payload.Length > MaxPayloadShown;
        Send(observer, json =>
        {
            json.WriteString("type", "frame");
            json.WriteString("direction", fromClient ? "in" : "out");
            json.WriteBoolean("fin", frame.Fin);
            json.WriteBoolean("rsv1", frame.Rsv1);
            json.WriteBoolean("rsv2", frame.Rsv2);
            json.WriteBoolean("rsv3", frame.Rsv3);
            json.WriteNumber("opcode", (int)frame.Opcode);
            json.WriteBoolean("masked", frame.Masked);
            json.WriteNumber("length", frame.PayloadLength);
            json.WriteString("maskingKey", frame.Masked ? headerHex[^8..] : ""); // the last four bytes of a header, as two digits each
            json.WriteString("header", headerHex);
            json.WriteString("payload", payloadHex);
            json.WriteBoolean("truncated", truncated);
        });
    }

    /// <summary>A frame that this server sends whole and unmasked.</summary>
    public static void SentFrame(WebSocketPeer observer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        Span<byte> bytes = stackalloc byte[FrameHeader.MaxLength];
        new WebSocketWriter(WebSocketRole.Server).WriteHeader(bytes, type, payload.Length, endOfMessage: true, maskingKey: 0);
        if (FrameHeader.TryRead(bytes, out FrameHeader header)) Frame(observer, fromClient: false, in header, payload);
    }

    public static void Close(WebSocketPeer observer, int code, string reason, bool byClient) => Send(observer, json =>
    {
        json.WriteString("type", "close");
        json.WriteNumber("code", code);
        json.WriteString("reason", reason);
        json.WriteString("initiatedBy", byClient ? "client" : "server");
    });

    private static void Send(WebSocketPeer observer, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        observer.Send(WebSocketMessageType.Text, buffer.WrittenSpan);
    }
}
