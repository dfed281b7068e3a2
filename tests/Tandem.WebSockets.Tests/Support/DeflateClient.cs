using System.Globalization;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Tests.Support;

/// <summary>A <see cref="RawClient"/> that has offered permessage-deflate, and compresses by what it was answered.</summary>
internal sealed class DeflateClient : IDisposable
{
    private readonly MessageDeflater? _deflater;
    private readonly bool _keepsContext;
    private WebSocketWriter _writer = new(WebSocketRole.Client);

    private DeflateClient(RawClient raw, string? answer)
    {
        Raw = raw;
        Answer = answer;
        if (answer is null) return;
        _keepsContext = !Has("client_no_context_takeover");
        _deflater = new MessageDeflater(6, Bits("client_max_window_bits"), 8);
        raw.ExpectDeflate(Bits("server_max_window_bits"), !Has("server_no_context_takeover"));
    }

    public RawClient Raw { get; }

    /// <summary>The extensions of the server's answer; null when there are none.</summary>
    public string? Answer { get; }

    public static async Task<DeflateClient> Open(TestServer server, string offer = "permessage-deflate", int receiveBuffer = 0)
    {
        const string field = "Sec-WebSocket-Extensions: ";
        RawClient raw = await server.Connect(receiveBuffer: receiveBuffer);
        string head = await raw.Upgrade("/ws", field + offer);
        return new DeflateClient(raw, head.Split("\r\n").SingleOrDefault(line => line.StartsWith(field, StringComparison.Ordinal))?[field.Length..]);
    }

    public bool Has(string parameter) => Answer!.Split("; ").Contains(parameter);

    /// <summary>A compressed message as frames of about the given size.</summary>
    public byte[] Message(WebSocketMessageType type, ReadOnlySpan<byte> payload, int size = int.MaxValue)
    {
        var stream = new List<byte>();
        do
        {
            ReadOnlySpan<byte> part = payload[..Math.Min(size, payload.Length)];
            payload = payload[part.Length..];
            stream.AddRange(Frame(type, part, payload.IsEmpty));
        }
        while (!payload.IsEmpty);
        return [.. stream];
    }

    public byte[] Frame(WebSocketMessageType type, ReadOnlySpan<byte> payload, bool endOfMessage)
    {
        byte[] compressed = new byte[MessageDeflater.MaxLength(payload.Length)];
        int length = _deflater!.Deflate(payload, compressed, endOfMessage, _keepsContext);
        byte[] frame = new byte[_writer.FrameLength(length)];
        _writer.WriteFrame(frame, type, compressed.AsSpan(0, length), endOfMessage, Wire.MaskingKey, compressed: true);
        return frame;
    }

    public void Dispose()
    {
        Raw.Dispose();
        _deflater?.Dispose();
    }

    private int Bits(string parameter)
    {
        string? part = Answer!.Split("; ").SingleOrDefault(part => part.StartsWith(parameter + "=", StringComparison.Ordinal));
        return part is null ? 15 : int.Parse(part[(parameter.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
