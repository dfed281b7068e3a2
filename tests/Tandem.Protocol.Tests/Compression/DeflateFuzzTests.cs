using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>
/// Mutated compressed streams: a reader never throws, never gives more than the limit, and, where DEFLATE's largest distance is the
/// window's, gives the same events however the bytes are cut. Seeds are fixed, and named when one fails.
/// </summary>
public sealed class DeflateFuzzTests
{
    private const int Seeds = 4000;
    private const int Limit = 2000;

    private static readonly int[] OutputSizes = [1, 7, 100, 64 * 1024];

    [Fact]
    public void Mutated_streams_never_throw_nor_exceed_the_limit_and_give_the_same_events_however_they_are_cut()
    {
        int faults = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            bool keepsContext = random.Next(2) == 0;
            byte[] stream = Mutate(Stream(random, 15, keepsContext), random);
            Deflated.Setup Setup() => new(15, keepsContext, OutputSizes[random.Next(OutputSizes.Length)]) { Options = Options };
            List<string> expected = Deflated.Read(Setup(), stream);
            if (expected.Count != 0 && expected[^1].StartsWith("fault", StringComparison.Ordinal)) faults++;
            for (int i = 0; i < 3; i++)
            {
                int[] sizes = [.. Enumerable.Range(0, 40).Select(_ => random.Next(random.Next(2) == 0 ? 4 : 200))];
                List<string> events = Deflated.Read(Setup(), stream, sizes);
                if (!expected.SequenceEqual(events)) Assert.Fail($"seed {seed}: {string.Join("; ", events)} instead of {string.Join("; ", expected)}");
            }
        }

        Assert.InRange(faults, Seeds / 4, Seeds);
    }

    [Fact]
    public void With_any_window_mutated_payloads_never_throw_nor_exceed_the_limit()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            int bits = random.Next(8, 16);
            bool keepsContext = random.Next(2) == 0;
            using var pool = new InflaterPool(OutputSizes[random.Next(OutputSizes.Length)]);
            using var deflate = new InboundDeflate(pool, bits, keepsContext);
            using var deflater = new MessageDeflater(6, random.Next(8, 16), 8); // at times a larger window than the reader's
            var reader = new WebSocketReader(Options, deflate);
            int message = 0;
            for (int i = 0; i < 6; i++)
            {
                byte[] payload = Mutate(Deflated.Compress(deflater, Deflated.Payload(Deflated.Kinds[random.Next(6)], random.Next(Limit + 10), i)), random);
                byte[] frame = Wire.Frame(WebSocketRole.Server, 0xC2, payload);
                for (Span<byte> rest = frame; !rest.IsEmpty || reader.HasPending;)
                {
                    WebSocketEvent happened = reader.Read(rest, out int consumed, out Span<byte> inflated);
                    rest = rest[consumed..];
                    message += inflated.Length;
                    Assert.InRange(message, 0, Limit);
                    if (happened is WebSocketEvent.EndOfMessage) message = 0;
                    if (happened is WebSocketEvent.NeedMoreData) Assert.True(rest.IsEmpty);
                }
            }
        }
    }

    [Fact]
    public void Random_bytes_as_payload_never_throw()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] payload = new byte[random.Next(60)];
            random.NextBytes(payload);
            byte[] stream = Wire.Frame(WebSocketRole.Server, 0xC2, payload);
            List<string> expected = Deflated.ReadInPieces(new() { Options = Options }, stream, 1);
            Assert.Equal(expected, Deflated.Read(new(OutputSize: 3) { Options = Options }, stream));
        }
    }

    private static WebSocketReaderOptions Options { get; } = new() { MaxMessageSize = Limit };

    private static byte[] Stream(Random random, int windowBits, bool keepsContext)
    {
        using var deflater = new MessageDeflater(random.Next(1, 10), windowBits, 8);
        var writer = new WebSocketWriter(WebSocketRole.Client);
        var stream = new List<byte>();
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            byte[] payload = Deflated.Payload(Deflated.Kinds[random.Next(6)], random.Next(random.Next(4) == 0 ? Limit + 100 : 150), i);
            int cut = random.Next(payload.Length + 1);
            bool fragmented = random.Next(2) == 0;
            if (fragmented) Add(Deflated.Compress(deflater, payload.AsSpan(..cut), endOfMessage: false, keepsContext), false);
            Add(Deflated.Compress(deflater, fragmented ? payload.AsSpan(cut..) : payload, endOfMessage: true, keepsContext), true);
        }

        return [.. stream];

        void Add(byte[] compressed, bool end)
        {
            byte[] frame = new byte[writer.FrameLength(compressed.Length)];
            writer.WriteFrame(frame, WebSocketMessageType.Binary, compressed, end, (uint)random.Next(), compressed: true);
            stream.AddRange(frame);
        }
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        var mutated = new List<byte>(bytes);
        for (int i = random.Next(4); i > 0 && mutated.Count > 1; i--)
        {
            int at = random.Next(mutated.Count);
            switch (random.Next(6))
            {
                case 0:
                    mutated[at] = (byte)random.Next(256);
                    break;
                case 1:
                    mutated.RemoveAt(at);
                    break;
                case 2:
                    mutated.Insert(at, (byte)random.Next(256));
                    break;
                default:
                    mutated[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return [.. mutated];
    }
}
