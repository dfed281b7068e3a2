using System.Buffers;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>
/// The driver's part for a <see cref="WebSocketReader"/>: keeps what was not consumed, puts the next piece behind it, and writes down what
/// comes out, one line an event. It also holds the reader to its contract at every call.
/// </summary>
internal sealed class ReaderDriver(WebSocketReaderOptions options, InboundDeflate? deflate = null)
{
    // A header of 14 bytes and a control payload of 125 less the byte that is missing (see the remarks of WebSocketReader).
    private const int MostKept = FrameHeader.MaxLength + FrameHeader.MaxControlPayload - 1;

    private readonly ArrayBufferWriter<byte> _message = new();
    private WebSocketReader _reader = new(options, deflate);
    private byte[] _kept = [];

    /// <summary>Whole messages, pings, pongs, the close frame and the fault, in order.</summary>
    public List<string> Events { get; } = [];

    /// <summary>Bytes of the message in progress that came out so far.</summary>
    public int Pending => _message.WrittenCount;

    public bool IsInMessage => _reader.IsInMessage;

    public ProtocolFault Fault => _reader.Fault;

    /// <summary>Reads bytes cut into pieces of the given sizes; what remains after the last is one more piece.</summary>
    public static List<string> Run(WebSocketReaderOptions options, ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> sizes)
    {
        var driver = new ReaderDriver(options);
        foreach (int size in sizes)
        {
            int length = Math.Min(size, bytes.Length);
            driver.Feed(bytes[..length]);
            bytes = bytes[length..];
        }

        driver.Feed(bytes);
        return driver.Events;
    }

    public static List<string> RunByteByByte(WebSocketReaderOptions options, ReadOnlySpan<byte> bytes)
    {
        var driver = new ReaderDriver(options);
        for (int i = 0; i < bytes.Length; i++) driver.Feed(bytes.Slice(i, 1));
        return driver.Events;
    }

    public static string MessageLine(WebSocketMessageType type, ReadOnlySpan<byte> payload) =>
        (type == WebSocketMessageType.Text ? "text " : "binary ") + Describe(payload);

    public static string PingLine(ReadOnlySpan<byte> payload) => "ping " + Describe(payload);

    public static string PongLine(ReadOnlySpan<byte> payload) => "pong " + Describe(payload);

    public static string CloseLine(int status, string reason) => $"close {status} '{reason}'";

    public static string FaultLine(ProtocolFault fault) => $"fault {fault}";

    public void Feed(ReadOnlySpan<byte> piece)
    {
        // A fresh array each time: payloads are unmasked in place, and a reader that looked at old bytes would be found out.
        byte[] buffer = [.. _kept, .. piece];
        int offset = 0;
        while (true)
        {
            Span<byte> input = buffer.AsSpan(offset);
            WebSocketEvent happened = _reader.Read(input, out int consumed, out Span<byte> payload);
            Assert.InRange(consumed, 0, input.Length);
            bool inflated = _reader.IsCompressed && happened is WebSocketEvent.Payload or WebSocketEvent.EndOfMessage;
            Assert.True(payload.IsEmpty || inflated || input[..consumed].Overlaps(payload), "a payload is a slice of what was consumed");
            offset += consumed;
            if (happened == WebSocketEvent.NeedMoreData)
            {
                Assert.True(payload.IsEmpty, "NeedMoreData has no payload");
                Assert.False(_reader.HasPending, "who needs more data has nothing pending");
                break;
            }

            Note(happened, consumed, payload);
            if (happened == WebSocketEvent.Fault)
            {
                Assert.Equal(input.Length, consumed);
                Assert.False(_reader.HasPending, "nothing is read after a fault");
                break;
            }
        }

        _kept = buffer[offset..];
        Assert.InRange(_kept.Length, 0, MostKept);
    }

    private void Note(WebSocketEvent happened, int consumed, ReadOnlySpan<byte> payload)
    {
        // A compressed message gives more than came out at once; everything else takes at least a byte.
        Assert.True(consumed > 0 || happened == WebSocketEvent.Fault || _reader.IsCompressed, "an event other than a fault takes at least a byte");
        switch (happened)
        {
            case WebSocketEvent.Payload:
                Assert.True(_reader.IsInMessage);
                _message.Write(payload);
                break;
            case WebSocketEvent.EndOfMessage:
                Assert.False(_reader.IsInMessage);
                Assert.Equal(0, _reader.MessageLength);
                _message.Write(payload);
                Events.Add(MessageLine(_reader.MessageType, _message.WrittenSpan));
                _message.ResetWrittenCount();
                break;
            case WebSocketEvent.Ping:
                Events.Add(PingLine(payload));
                break;
            case WebSocketEvent.Pong:
                Events.Add(PongLine(payload));
                break;
            case WebSocketEvent.Close:
                WebSocketCloseStatus status = ClosePayload.Read(payload, out ReadOnlySpan<byte> reason);
                Events.Add(CloseLine((int)status, ClosePayload.ReasonText(reason)));
                break;
            case WebSocketEvent.Fault:
                Assert.NotEqual(ProtocolFault.None, _reader.Fault);
                string line = FaultLine(_reader.Fault);
                if (Events.Count == 0 || Events[^1] != line) Events.Add(line);
                break;
            default:
                Assert.Fail($"no such event: {happened}");
                break;
        }
    }

    private static string Describe(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > 200) return $"{payload.Length} bytes {Convert.ToHexString(SHA256.HashData(payload))}";
        return payload.ContainsAnyExceptInRange((byte)' ', (byte)'~') ? Convert.ToHexString(payload) : $"'{Encoding.ASCII.GetString(payload)}'";
    }
}
