using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>Not the RFC but the law of this core: in steady state neither reading nor writing allocates, whatever the messages are.</summary>
public sealed class AllocationTests
{
    private const int Messages = 500;

    public static TheoryData<string> Streams =>
    [
        "a whole text message", "a whole binary message", "a text message in fragments, with code points cut", "control frames",
        "a long message", "pings between fragments",
    ];

    [Theory]
    [MemberData(nameof(Streams))]
    public void Reading_allocates_nothing(string name)
    {
        byte[] stream = Stream(name);
        byte[] buffer = new byte[stream.Length];
        // Whole, and in pieces so small that headers and control frames are cut, with the rest moved to the front as a driver does.
        foreach (int piece in (int[])[stream.Length, 7])
        {
            var reader = new WebSocketReader(Wire.Server);
            long events = 0;
            void Repeat(int times)
            {
                for (int i = 0; i < times; i++) events += ReadAll(ref reader, stream, buffer, piece);
            }

            Assert.Equal(0, Allocation.InSteadyState(Repeat, Messages));
            Assert.True(events >= Messages);
            Assert.Equal(ProtocolFault.None, reader.Fault);
        }
    }

    [Theory]
    [InlineData(WebSocketRole.Server)]
    [InlineData(WebSocketRole.Client)]
    public void Writing_allocates_nothing(WebSocketRole role)
    {
        byte[] payload = Wire.Noise(1000);
        byte[] buffer = new byte[2000];
        var writer = new WebSocketWriter(role);
        long written = 0;
        void Repeat(int times)
        {
            for (int i = 0; i < times; i++)
            {
                written += writer.WriteFrame(buffer, WebSocketMessageType.Text, payload.AsSpan(0, 100), true, (uint)i);
                written += writer.WriteFrame(buffer, WebSocketMessageType.Binary, payload, false, (uint)i);
                written += writer.WriteControl(buffer, Opcode.Ping, payload.AsSpan(0, 125), (uint)i);
                written += writer.WriteHeader(buffer, WebSocketMessageType.Binary, 1 << 20, true, (uint)i);
                written += writer.WriteControl(buffer, Opcode.Pong, default, (uint)i);
                written += writer.WriteClose(buffer, WebSocketCloseStatus.NormalClosure, "a reason", (uint)i);
            }
        }

        Assert.Equal(0, Allocation.InSteadyState(Repeat, Messages));
        Assert.True(written > Messages * 1000L);
    }

    [Fact]
    public void Refusing_a_peer_allocates_nothing()
    {
        byte[] bytes = Wire.Frame(WebSocketRole.Client, 0x81, "unmasked");
        int faults = 0;
        void Repeat(int times)
        {
            for (int i = 0; i < times; i++)
            {
                var reader = new WebSocketReader(Wire.Server);
                if (reader.Read(bytes, out _, out _) == WebSocketEvent.Fault) faults += reader.Fault.Text().Length;
            }
        }

        Assert.Equal(0, Allocation.InSteadyState(Repeat, Messages));
        Assert.True(faults > 0);
    }

    private static long ReadAll(ref WebSocketReader reader, ReadOnlySpan<byte> stream, Span<byte> buffer, int piece)
    {
        long events = 0;
        int kept = 0;
        while (!stream.IsEmpty)
        {
            int length = Math.Min(piece, stream.Length);
            stream[..length].CopyTo(buffer[kept..]);
            stream = stream[length..];
            Span<byte> input = buffer[..(kept + length)];
            while (true)
            {
                WebSocketEvent happened = reader.Read(input, out int consumed, out _);
                input = input[consumed..];
                if (happened is WebSocketEvent.NeedMoreData or WebSocketEvent.Fault) break;
                events++;
            }

            kept = input.Length;
            input.CopyTo(buffer);
        }

        return events;
    }

    private static byte[] Stream(string name)
    {
        static byte[] F(int first, params byte[] payload) => Wire.Frame(WebSocketRole.Server, first, payload);
        return name switch
        {
            "a whole text message" => Wire.Frame(WebSocketRole.Server, 0x81, "κόσμε, and more than one vector of it, so that the fast paths are taken"),
            "a whole binary message" => F(0x82, Wire.Noise(300)),
            "a text message in fragments, with code points cut" => [.. F(0x01, 0xE2), .. F(0x00, 0x82), .. F(0x00), .. F(0x80, 0xAC, 0x41)],
            "control frames" => [.. F(0x89, Wire.Noise(125)), .. F(0x8A), .. F(0x89, 1)],
            "a long message" => F(0x82, Wire.Noise(70_000)),
            "pings between fragments" => [.. F(0x02, 1, 2, 3), .. F(0x89, 4), .. F(0x00, 5), .. F(0x8A, 6), .. F(0x80)],
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }
}
