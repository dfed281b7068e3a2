using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>RFC 6455 section 10.4 for compressed messages: the limit holds for what comes out, to the byte, while it is coming out.</summary>
public sealed class InflatedSizeTests
{
    private const string TooBig = "fault MessageTooBig";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(100)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(200_000)]
    public void The_limit_is_exact_to_the_byte(int limit)
    {
        foreach (int outputSize in (int[])[64 * 1024, 100, 7, 1])
        {
            if (outputSize == 1 && limit > 1000) continue;
            var setup = new Deflated.Setup(OutputSize: outputSize) { Options = new WebSocketReaderOptions { MaxMessageSize = limit } };
            foreach (string kind in (string[])["repetitive", "random", "high literals"])
            {
                for (int length = Math.Max(0, limit - 1); length <= limit + 1; length++)
                {
                    byte[] payload = Deflated.Payload(kind, length);
                    string expected = length <= limit ? Deflated.Binary(payload) : TooBig;
                    byte[] stream = Wire.Frame(WebSocketRole.Server, 0xC2, Deflated.Compress(payload));
                    Assert.Equal([expected], Deflated.Read(setup, stream));
                    Assert.Equal([expected], Deflated.ReadInPieces(setup, stream, 1000));
                    if (length < 2) continue;

                    using var deflater = new MessageDeflater(1, 15, 8);
                    byte[] fragments =
                    [
                        .. Wire.Frame(WebSocketRole.Server, 0x42, Deflated.Compress(deflater, payload.AsSpan(..^1), endOfMessage: false)),
                        .. Wire.Frame(WebSocketRole.Server, 0x80, Deflated.Compress(deflater, payload.AsSpan(^1..))),
                    ];
                    Assert.Equal([expected], Deflated.Read(setup, fragments));
                }
            }
        }
    }

    [Fact]
    public void Each_message_has_the_whole_limit_to_itself()
    {
        byte[] payload = Deflated.Payload("JSON", 1000);
        using var deflater = new MessageDeflater(1, 15, 8);
        byte[] stream = [.. Enumerable.Range(0, 10).SelectMany(_ => Wire.Frame(WebSocketRole.Server, 0xC2, Deflated.Compress(deflater, payload)))];
        var setup = new Deflated.Setup { Options = new WebSocketReaderOptions { MaxMessageSize = 1000 } };
        Assert.Equal(Enumerable.Repeat(Deflated.Binary(payload), 10), Deflated.Read(setup, stream));
    }

    [Theory]
    [InlineData(64 * 1024)]
    [InlineData(1000)]
    public void A_bomb_inflates_to_at_most_one_byte_over_the_limit_and_allocates_nothing(int outputSize)
    {
        byte[] bomb = Bomb(1 << 30);
        Assert.InRange(bomb.Length, 500_000, 1_200_000);
        const int limit = 1_000_000;
        using var pool = new InflaterPool(outputSize);
        using var deflate = new InboundDeflate(pool, 15, keepsContext: true);
        var options = new WebSocketReaderOptions { Role = WebSocketRole.Client, MaxMessageSize = limit, MaxFrameSize = long.MaxValue };
        // The limit on what is compressed would stop it at its header: here it comes in two fragments, of which only the first is read.
        byte[] stream = Wire.Frame(WebSocketRole.Client, 0x42, bomb[..700_000]);
        var reader = new WebSocketReader(options, deflate);
        reader.Read(stream.AsSpan(0, 100), out int consumed, out _); // native memory and code are there
        long before = GC.GetAllocatedBytesForCurrentThread();
        long inflated = 0;
        WebSocketEvent happened;
        Span<byte> rest = stream.AsSpan(consumed);
        do
        {
            happened = reader.Read(rest, out consumed, out Span<byte> payload);
            inflated += payload.Length;
            rest = rest[consumed..];
        }
        while (happened == WebSocketEvent.Payload && (!rest.IsEmpty || reader.HasPending));

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal((WebSocketEvent.Fault, ProtocolFault.MessageTooBig), (happened, reader.Fault));
        Assert.InRange(inflated, limit - outputSize - 200_000, limit);
    }

    [Fact]
    public void An_inflater_writes_no_more_than_it_is_given_room_for()
    {
        byte[] bomb = Bomb(1 << 26);
        using var inflater = new MessageInflater(15);
        Assert.Equal(InflateStatus.OutputFull, inflater.Inflate(bomb, [], out int consumed, out int written));
        Assert.Equal((0, 0), (consumed, written));
        byte[] output = new byte[1000];
        output.AsSpan().Fill(0xEE);
        Assert.Equal(InflateStatus.OutputFull, inflater.Inflate(bomb, output.AsSpan(0, 500), out consumed, out written));
        Assert.Equal(500, written);
        Assert.True(consumed < bomb.Length);
        Assert.False(output.AsSpan(0, 500).ContainsAnyExcept((byte)0));
        Assert.False(output.AsSpan(500).ContainsAnyExcept((byte)0xEE));
    }

    [Theory]
    [InlineData(1000, 1000 + 125 + 1024)]
    [InlineData(0, 1024)]
    [InlineData(1 << 20, (1 << 20) + (1 << 17) + 1024)]
    public void What_is_compressed_is_limited_at_its_header_too(int limit, int most)
    {
        var setup = new Deflated.Setup { Options = new WebSocketReaderOptions { MaxMessageSize = limit } };
        Assert.Empty(Deflated.Read(setup, Wire.Header(WebSocketRole.Server, 0xC2, most)));
        Assert.Equal([TooBig], Deflated.Read(setup, Wire.Header(WebSocketRole.Server, 0xC2, most + 1)));
        byte[] fragment = Wire.Frame(WebSocketRole.Server, 0x42, new DeflateBits().EndBlock().Message());
        Assert.Empty(Deflated.Read(setup, [.. fragment, .. Wire.Header(WebSocketRole.Server, 0x80, most - 2)]));
        Assert.Equal([TooBig], Deflated.Read(setup, [.. fragment, .. Wire.Header(WebSocketRole.Server, 0x80, most - 1)]));
        // A message that is not compressed has no such allowance.
        Assert.Equal([TooBig], Deflated.Read(setup, Wire.Header(WebSocketRole.Server, 0x82, limit + 1)));
        Assert.Equal([TooBig], Deflated.Read(setup, [.. fragment, .. Wire.Frame(WebSocketRole.Server, 0x80), .. Wire.Header(WebSocketRole.Server, 0x82, limit + 1)])[^1..]);
    }

    [Fact]
    public void The_worst_that_a_compressor_makes_of_a_message_of_the_largest_size_is_let_in()
    {
        foreach (int limit in (int[])[0, 1, 100, 5_000, 100_000, 1 << 20])
        {
            byte[] payload = Deflated.Payload("high literals", limit);
            var setup = new Deflated.Setup { Options = new WebSocketReaderOptions { MaxMessageSize = limit } };
            foreach (int level in (int[])[1, 6, 9])
            {
                Assert.Equal([Deflated.Binary(payload)], Deflated.Read(setup, Wire.Frame(WebSocketRole.Server, 0xC2, Deflated.Compress(payload, level: level))));
            }
        }
    }

    private static byte[] Bomb(int length)
    {
        using var deflater = new MessageDeflater(9, 15, 9);
        var bomb = new List<byte>();
        byte[] zeros = new byte[1 << 24];
        for (int i = 0; i < length / zeros.Length; i++) bomb.AddRange(Deflated.Compress(deflater, zeros, endOfMessage: false));
        return [.. bomb];
    }
}
