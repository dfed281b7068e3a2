using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>Compression takes no managed memory for a message, gives native memory back, and carries nothing over from one connection to another.</summary>
[Collection(nameof(Alone))]
public sealed class DeflateMemoryTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Neither_direction_allocates_for_a_message(bool keepsContext)
    {
        using var deflaters = new DeflaterPool(new DeflateOptions());
        using var inflaters = new InflaterPool(1000);
        using var outbound = new OutboundDeflate(deflaters, 12, keepsContext);
        using var inbound = new InboundDeflate(inflaters, 12, keepsContext);
        var writer = new WebSocketWriter(WebSocketRole.Client);
        var reader = new WebSocketReader(Wire.Server, inbound);
        byte[] payload = Deflated.Payload("JSON", 5000);
        byte[] frame = new byte[10_000];
        long inflated = 0;
        void Repeat(int times)
        {
            for (int i = 0; i < times; i++)
            {
                bool compressed = outbound.TryCompress(payload, true, out ReadOnlySpan<byte> deflated);
                int length = writer.WriteFrame(frame, WebSocketMessageType.Text, deflated, true, 0x12345678, compressed);
                for (Span<byte> rest = frame.AsSpan(0, length); !rest.IsEmpty || reader.HasPending;)
                {
                    reader.Read(rest, out int consumed, out Span<byte> got);
                    rest = rest[consumed..];
                    inflated += got.Length;
                }
            }
        }

        Assert.Equal(0, Allocation.InSteadyState(Repeat, 200));
        Assert.Equal(ProtocolFault.None, reader.Fault);
        Assert.True(inflated >= 400 * payload.Length);
        Assert.Equal(0, inflated % payload.Length);
    }

    [Theory]
    [InlineData("a compressor")]
    [InlineData("a decompressor")]
    [InlineData("a connection that keeps its contexts")]
    [InlineData("a connection in the middle of a message")]
    public void Ten_thousand_contexts_one_after_the_other_leave_no_memory_behind(string what)
    {
        using var deflaters = new DeflaterPool(new DeflateOptions());
        using var inflaters = new InflaterPool();
        void Once()
        {
            switch (what)
            {
                case "a compressor":
                    using (var deflater = new MessageDeflater(1, 15, 8)) Deflated.Compress(deflater, "x"u8);
                    break;
                case "a decompressor":
                    using (var inflater = new MessageInflater(15)) inflater.Inflate(Deflated.Hello, new byte[10], out _, out _);
                    break;
                default:
                    using (var outbound = new OutboundDeflate(deflaters, 15, keepsContext: true))
                    using (var inbound = new InboundDeflate(inflaters, 15, keepsContext: true))
                    {
                        bool ends = what == "a connection that keeps its contexts";
                        outbound.TryCompress(new byte[100], ends, out _);
                        new ReaderDriver(Wire.Server, inbound).Feed(Wire.Frame(WebSocketRole.Server, ends ? 0xC2 : 0x42, Deflated.Hello));
                    }

                    break;
            }
        }

        for (int i = 0; i < 500; i++) Once();
        long before = Environment.WorkingSet;
        for (int i = 0; i < 10_000; i++) Once();
        // Other tests run beside this one: what it must not find is 10,000 times tens of kilobytes.
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 150L << 20);
    }

    [Fact]
    public void Contexts_that_nobody_disposes_are_freed_by_the_collector()
    {
        long before = Environment.WorkingSet;
        for (int i = 0; i < 40; i++)
        {
            Abandon();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 150L << 20);

        static void Abandon()
        {
            for (int i = 0; i < 100; i++)
            {
                Deflated.Compress(new MessageDeflater(1, 15, 8), "x"u8);
                new MessageInflater(15).Inflate(Deflated.Hello, new byte[10], out _, out _);
            }
        }
    }

    [Fact]
    public void After_it_is_disposed_once_or_twice_a_context_throws_when_it_is_used()
    {
        var deflater = new MessageDeflater(1, 15, 8);
        var inflater = new MessageInflater(15);
        for (int i = 0; i < 2; i++)
        {
            deflater.Dispose();
            inflater.Dispose();
        }

        byte[] output = new byte[1000];
        Assert.Throws<ObjectDisposedException>(() => deflater.Deflate("x"u8, output, true, true));
        Assert.Throws<ObjectDisposedException>(() => inflater.Inflate(Deflated.Hello, output, out _, out _));
        Assert.Throws<ObjectDisposedException>(inflater.Reset);
    }

    [Fact]
    public void Parameters_out_of_their_range_and_outputs_that_are_too_short_are_refused()
    {
        foreach ((int level, int bits, int memory) in ((int, int, int)[])[(0, 15, 8), (10, 15, 8), (1, 7, 8), (1, 16, 8), (1, 15, 0), (1, 15, 10)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => new MessageDeflater(level, bits, memory));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new MessageInflater(7));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MessageInflater(16));
        Assert.Throws<ArgumentOutOfRangeException>(() => new InflaterPool(0));
        using var deflater = new MessageDeflater(1, 15, 8);
        Assert.Throws<ArgumentException>("output", () => deflater.Deflate(new byte[100], new byte[MessageDeflater.MaxLength(100) - 1], true, true));
    }

    [Fact]
    public void A_pooled_compressor_refers_to_nothing_of_the_connection_before()
    {
        using var pool = new DeflaterPool(new DeflateOptions { Level = 9 });
        byte[] secret = Deflated.Payload("random", 500);
        byte[]? first = null;
        for (int i = 0; i < 20; i++)
        {
            using var outbound = new OutboundDeflate(pool, 15, keepsContext: false);
            byte[] payload = [.. secret, .. secret];
            Assert.True(outbound.TryCompress(payload, true, out ReadOnlySpan<byte> compressed));
            first ??= compressed.ToArray();
            Assert.Equal(first, compressed.ToArray());
            Assert.Equal(payload, Deflated.InflateByLibrary([first]));
        }
    }

    [Fact]
    public void A_pooled_decompressor_knows_nothing_of_the_connection_before()
    {
        using var pool = new InflaterPool();
        foreach (bool keepsContext in (bool[])[true, false])
        {
            for (int i = 0; i < 20; i++)
            {
                using (var first = new InboundDeflate(pool, 15, keepsContext)) new ReaderDriver(Wire.Server, first).Feed(Wire.Frame(WebSocketRole.Server, 0x41, Deflated.Hello));
                using var second = new InboundDeflate(pool, 15, keepsContext);
                var driver = new ReaderDriver(Wire.Server, second);
                driver.Feed(Wire.Frame(WebSocketRole.Server, 0xC1, 0xF2, 0x00, 0x11, 0x00, 0x00));
                Assert.Equal(["fault InvalidDeflateData"], driver.Events);
            }
        }
    }

    [Fact]
    public void What_is_short_or_does_not_shrink_goes_as_it_is()
    {
        using var pool = new DeflaterPool(new DeflateOptions { MinimumSize = 64 });
        using var forgetting = new OutboundDeflate(pool, 15, keepsContext: false);
        Assert.False(forgetting.TryCompress(new byte[63], true, out _));
        Assert.True(forgetting.TryCompress(new byte[64], true, out ReadOnlySpan<byte> compressed));
        Assert.InRange(compressed.Length, 1, 20);
        Assert.False(forgetting.TryCompress(Deflated.Payload("random", 1000), true, out _));
        // Where the context is kept the peer must see it; and a fragment goes the way of its message.
        using var keeping = new OutboundDeflate(pool, 15, keepsContext: true);
        Assert.True(keeping.TryCompress(Deflated.Payload("random", 1000), true, out _));
        Assert.True(forgetting.TryCompress("x"u8, false, out _));
        Assert.True(forgetting.TryCompress("y"u8, true, out _));
        Assert.False(forgetting.TryCompress("z"u8, true, out _));
    }

    [Fact]
    public void What_a_context_is_said_to_cost_is_at_least_what_it_takes()
    {
        // Resident bytes, to about a hundredth, of each of 500 compressors, in a process of its own for every pair of parameters.
        foreach ((int windowBits, int memoryLevel, int measured) in ((int, int, int)[])[(15, 8, 346_562), (15, 9, 412_114), (9, 1, 149_954), (9, 8, 219_578), (12, 5, 174_661), (15, 1, 276_930)])
        {
            Assert.InRange(MessageDeflater.MemoryFor(windowBits, memoryLevel), measured * 0.99, measured * 1.25);
        }

        Assert.InRange(MessageInflater.MemoryFor(15), 1 << 15, 1 << 16);
    }
}
