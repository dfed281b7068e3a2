using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using Tandem.Protocol.Framing;

namespace Tandem.Bench.Micro;

/// <summary>Small frames one behind the other, as a receive brings them: header, unmasking, and for text validation. Figures are for one frame.</summary>
public class FrameBenchmarks
{
    private const int Frames = 1_000;
    private const int Payload = 20;
    private const uint Key = 0x3d21fa37;
    private static readonly WebSocketReaderOptions Options = new();

    private byte[] _frames = [];

    [Params(WebSocketMessageType.Binary, WebSocketMessageType.Text)]
    public WebSocketMessageType Type { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        // Reading unmasks in place: an even number of readings leaves what was there, and what lies there in between is as good.
        var writer = new WebSocketWriter(WebSocketRole.Client);
        _frames = new byte[Frames * writer.FrameLength(Payload)];
        int length = 0;
        for (int i = 0; i < Frames; i++) length += writer.WriteFrame(_frames.AsSpan(length), Type, new byte[Payload], endOfMessage: true, Type == WebSocketMessageType.Text ? 0 : Key);
    }

    [Benchmark(OperationsPerInvoke = Frames)]
    public int HeaderAndUnmask()
    {
        var reader = new WebSocketReader(Options);
        Span<byte> rest = _frames;
        int messages = 0;
        while (!rest.IsEmpty)
        {
            if (reader.Read(rest, out int consumed, out _) == WebSocketEvent.EndOfMessage) messages++;
            rest = rest[consumed..];
        }

        return messages == Frames ? messages : throw new InvalidOperationException("A frame is wrong.");
    }

    [Benchmark(OperationsPerInvoke = Frames)]
    public long HeaderAlone()
    {
        ReadOnlySpan<byte> rest = _frames;
        long payload = 0;
        while (FrameHeader.TryRead(rest, out FrameHeader header))
        {
            payload += header.PayloadLength;
            rest = rest[(header.Length + (int)header.PayloadLength)..];
        }

        return payload;
    }
}
