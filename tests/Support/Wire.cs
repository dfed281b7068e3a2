using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Tests.Support;

/// <summary>Bytes as a client sends them.</summary>
internal static class Wire
{
    /// <summary>The key of the example in RFC 6455 section 1.3, and what it is answered with.</summary>
    public const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    public const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    public const uint MaskingKey = 0x3d21fa37; // 37 fa 21 3d on the wire, as in section 5.7

    /// <summary>A correct request, with further field lines.</summary>
    public static string Request(string target = "/ws", params string[] fields) =>
        $"GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {Key}\r\n"
        + "Sec-WebSocket-Version: 13\r\n" + string.Concat(fields.Select(field => field + "\r\n")) + "\r\n";

    public static byte[] Ascii(string text) => Encoding.Latin1.GetBytes(text);

    public static byte[] Text(string text) => Message(WebSocketMessageType.Text, Encoding.UTF8.GetBytes(text));

    public static byte[] Binary(ReadOnlySpan<byte> payload) => Message(WebSocketMessageType.Binary, payload);

    public static byte[] Message(WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        var writer = new WebSocketWriter(WebSocketRole.Client);
        byte[] frame = new byte[writer.FrameLength(payload.Length)];
        writer.WriteFrame(frame, type, payload, true, MaskingKey);
        return frame;
    }

    /// <summary>A message as frames of the given size.</summary>
    public static byte[] Fragments(WebSocketMessageType type, ReadOnlySpan<byte> payload, int size)
    {
        var writer = new WebSocketWriter(WebSocketRole.Client);
        using var stream = new MemoryStream();
        byte[] frame = new byte[writer.FrameLength(size)];
        do
        {
            ReadOnlySpan<byte> part = payload[..Math.Min(size, payload.Length)];
            payload = payload[part.Length..];
            stream.Write(frame, 0, writer.WriteFrame(frame, type, part, payload.IsEmpty, MaskingKey));
        }
        while (!payload.IsEmpty);
        return stream.ToArray();
    }

    public static byte[] Ping(string payload) => Frame(0x89, Encoding.UTF8.GetBytes(payload));

    public static byte[] Pong(string payload) => Frame(0x8A, Encoding.UTF8.GetBytes(payload));

    public static byte[] Close(int status, string reason = "") => Frame(0x88, [(byte)(status >> 8), (byte)status, .. Encoding.UTF8.GetBytes(reason)]);

    /// <summary>A masked frame with any first byte.</summary>
    public static byte[] Frame(byte first, params ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[FrameHeader.MaxLength + payload.Length];
        int header = FrameHeader.Write(frame, first, payload.Length, masked: true, MaskingKey);
        Masking.Apply(payload, frame.AsSpan(header), MaskingKey);
        return frame[..(header + payload.Length)];
    }

    /// <summary>A header with a 64-bit length, whatever the length is.</summary>
    public static byte[] LongHeader(byte first, long length)
    {
        byte[] header = [first, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x37, 0xfa, 0x21, 0x3d];
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(2), length);
        return header;
    }

    /// <summary>Bytes that repeat with no period of a mask, a vector or a page.</summary>
    public static byte[] Noise(int length, int seed = 0)
    {
        byte[] bytes = new byte[length];
        new Random(length + seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Text of a given number of bytes, with characters of one to four bytes.</summary>
    public static byte[] TextBytes(int length)
    {
        byte[] unit = Encoding.UTF8.GetBytes("aé€𝄞z");
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill((byte)'.');
        for (int i = 0; i + unit.Length <= length; i += unit.Length) unit.CopyTo(bytes, i);
        return bytes;
    }

    public static byte[] Concat(IEnumerable<byte[]> parts) => [.. parts.SelectMany(part => part)];
}
