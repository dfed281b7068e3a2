using System.Text;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>Frames put together byte by byte as RFC 6455 section 5.2 draws them, without any code of the engine.</summary>
internal static class Wire
{
    public const byte Fin = 0x80;
    public const byte Continuation = 0x0;
    public const byte Text = 0x1;
    public const byte Binary = 0x2;
    public const byte Close = 0x8;
    public const byte Ping = 0x9;
    public const byte Pong = 0xA;

    /// <summary>The masking key of the examples in section 5.7.</summary>
    public static readonly byte[] ExampleKey = [0x37, 0xfa, 0x21, 0x3d];

    public static readonly WebSocketReaderOptions Server = new() { Role = WebSocketRole.Server };

    public static readonly WebSocketReaderOptions Client = new() { Role = WebSocketRole.Client };

    public static WebSocketReaderOptions Options(WebSocketRole reader) => reader == WebSocketRole.Server ? Server : Client;

    /// <summary>A frame as a reader of the given role must receive it: masked for a server, unmasked for a client.</summary>
    public static byte[] Frame(WebSocketRole reader, int first, params byte[] payload)
    {
        byte[]? key = reader == WebSocketRole.Server ? ExampleKey : null;
        byte[] masked = [.. payload];
        for (int i = 0; key is not null && i < masked.Length; i++) masked[i] ^= key[i % 4];
        return [.. Header(reader, first, payload.Length), .. masked];
    }

    public static byte[] Frame(WebSocketRole reader, int first, string payload) => Frame(reader, first, Encoding.UTF8.GetBytes(payload));

    /// <summary>A header in the shortest form that fits, with the masking key where there is one.</summary>
    public static byte[] Header(WebSocketRole reader, int first, long payloadLength)
    {
        int form = payloadLength < 126 ? 0 : payloadLength < 65536 ? 2 : 8;
        return Header(reader, first, payloadLength, form);
    }

    /// <summary>A header whose extended length takes the given number of bytes: 0, 2 or 8.</summary>
    public static byte[] Header(WebSocketRole reader, int first, long payloadLength, int form)
    {
        bool masked = reader == WebSocketRole.Server;
        var bytes = new List<byte> { (byte)first, (byte)((masked ? 0x80 : 0) | (form == 0 ? (int)payloadLength : form == 2 ? 126 : 127)) };
        for (int shift = (form - 1) * 8; shift >= 0; shift -= 8) bytes.Add((byte)(payloadLength >> shift));
        if (masked) bytes.AddRange(ExampleKey);
        return [.. bytes];
    }

    /// <summary>The payload of a close frame (section 5.5.1).</summary>
    public static byte[] CloseBody(int status, string reason = "") => [(byte)(status >> 8), (byte)status, .. Encoding.UTF8.GetBytes(reason)];

    /// <summary>Bytes that are no UTF-8 and do not repeat with the period of a key or a vector.</summary>
    public static byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = (byte)((i * 7) + (i / 251) + 0x80);
        return bytes;
    }
}
