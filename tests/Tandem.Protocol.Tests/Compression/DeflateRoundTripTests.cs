using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>What one end compresses the other reads: all windows, levels and memory levels, and by the base class library too.</summary>
public sealed class DeflateRoundTripTests
{
    public static TheoryData<int, bool> Windows
    {
        get
        {
            var data = new TheoryData<int, bool>();
            for (int bits = DeflateParameters.MinWindowBits; bits <= DeflateParameters.MaxWindowBits; bits++)
            {
                data.Add(bits, true);
                data.Add(bits, false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Windows))]
    public void Many_messages_in_a_row_come_out_as_they_went_in(int windowBits, bool keepsContext)
    {
        foreach (int level in (int[])[1, 6, 9])
        {
            for (int memoryLevel = 1; memoryLevel <= 9; memoryLevel++)
            {
                List<byte[]> payloads = [.. Payloads(memoryLevel)];
                List<byte[]> messages = Compress(payloads, level, windowBits, memoryLevel, keepsContext);
                byte[] stream = [.. messages.SelectMany(message => Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Binary, message))];
                var setup = new Deflated.Setup(windowBits, keepsContext);
                Assert.Equal(payloads.Select(payload => Deflated.Binary(payload)), Deflated.Read(setup, stream));
                Assert.True(payloads.SelectMany(payload => payload).SequenceEqual(Deflated.InflateByLibrary(messages)), "the base class library reads the same");
            }
        }
    }

    [Theory]
    [InlineData(15, true)]
    [InlineData(15, false)]
    [InlineData(9, true)]
    [InlineData(8, false)]
    public void A_mebibyte_makes_the_round_trip_in_pieces_of_any_size(int windowBits, bool keepsContext)
    {
        foreach (string kind in (string[])["random", "high literals", "repetitive", "JSON"])
        {
            byte[][] payloads = [Deflated.Payload(kind, 1 << 20), Deflated.Payload(kind, 1 << 20, seed: 1)];
            List<byte[]> messages = Compress(payloads, 1, windowBits, 8, keepsContext);
            byte[] stream = [.. messages.SelectMany(message => Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Binary, message))];
            foreach (int piece in (int[])[stream.Length, 65_536, 1_000])
            {
                Assert.Equal(payloads.Select(payload => Deflated.Binary(payload)), Deflated.ReadInPieces(new(windowBits, keepsContext), stream, piece));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(64 * 1024)]
    public void Messages_do_not_depend_on_how_much_comes_out_at_once(int outputSize)
    {
        foreach (WebSocketRole role in Enum.GetValues<WebSocketRole>())
        {
            List<byte[]> payloads = [.. Payloads(1)];
            List<byte[]> messages = Compress(payloads, 6, 15, 8, keepsContext: true);
            byte[] stream = [.. messages.SelectMany(message => Wire.Frame(role, Wire.Fin | Deflated.Rsv1 | Wire.Binary, message))];
            var setup = new Deflated.Setup(OutputSize: outputSize) { Options = Wire.Options(role) };
            foreach (int piece in (int[])[stream.Length, 1, 2, 11, 500])
            {
                Assert.Equal(payloads.Select(payload => Deflated.Binary(payload)), Deflated.ReadInPieces(setup, stream, piece));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Windows))]
    public void Section_6_1_fragments_with_control_frames_between_them_are_one_message(int windowBits, bool keepsContext)
    {
        foreach (int level in (int[])[1, 6, 9])
        {
            using var deflater = new MessageDeflater(level, windowBits, 8);
            var random = new Random(windowBits);
            var stream = new List<byte>();
            var expected = new List<string>();
            for (int i = 0; i < 40; i++)
            {
                byte[] payload = Deflated.Payload(Deflated.Kinds[i % Deflated.Kinds.Length], random.Next(3000), i);
                ReadOnlySpan<byte> rest = payload;
                int first = Deflated.Rsv1 | Wire.Binary;
                for (int fragments = random.Next(4); fragments > 0; fragments--)
                {
                    int length = random.Next(3) == 0 ? 0 : random.Next(rest.Length + 1);
                    stream.AddRange(Wire.Frame(WebSocketRole.Server, first, Deflated.Compress(deflater, rest[..length], endOfMessage: false, keepsContext)));
                    stream.AddRange(Wire.Frame(WebSocketRole.Server, Wire.Fin | Wire.Ping, $"{i}"));
                    expected.Add($"ping '{i}'");
                    rest = rest[length..];
                    first = Wire.Continuation;
                }

                stream.AddRange(Wire.Frame(WebSocketRole.Server, Wire.Fin | first, Deflated.Compress(deflater, rest, endOfMessage: true, keepsContext)));
                expected.Add(Deflated.Binary(payload));
            }

            byte[] bytes = [.. stream];
            foreach (int outputSize in (int[])[64 * 1024, 7])
            {
                var setup = new Deflated.Setup(windowBits, keepsContext, outputSize);
                Assert.Equal(expected, Deflated.Read(setup, bytes));
                Assert.Equal(expected, Deflated.ReadInPieces(setup, bytes, 13));
            }
        }
    }

    [Fact]
    public void What_the_base_class_library_compresses_is_read()
    {
        foreach (string kind in Deflated.Kinds.Except(["empty"]))
        {
            byte[] payload = Deflated.Payload(kind, 100_000);
            byte[] stream = Wire.Frame(WebSocketRole.Client, Wire.Fin | Deflated.Rsv1 | Wire.Binary, Deflated.CompressByLibrary(payload));
            Assert.Equal([Deflated.Binary(payload)], Deflated.Read(new() { Options = Wire.Client }, stream));
        }
    }

    [Fact]
    public void Without_context_takeover_a_message_can_be_read_by_itself()
    {
        using var deflater = new MessageDeflater(1, 15, 8);
        byte[] payload = Deflated.Payload("JSON", 2000);
        byte[] first = Deflated.Compress(deflater, payload, keepContext: false);
        Assert.Equal(first, Deflated.Compress(deflater, payload, keepContext: false));
        Assert.Equal(payload, Deflated.InflateByLibrary([first]));
        // Kept, the second is little more than a reference to the first.
        using var keeping = new MessageDeflater(1, 15, 8);
        Assert.InRange(Deflated.Compress(keeping, payload).Length, 500, 2000);
        Assert.InRange(Deflated.Compress(keeping, payload).Length, 1, 100);
    }

    [Fact]
    public void A_writer_marks_the_first_fragment_of_a_compressed_message_only()
    {
        var writer = new WebSocketWriter(WebSocketRole.Server);
        byte[] frame = new byte[20];
        List<byte> firsts = [];
        foreach ((bool end, bool compressed) in ((bool, bool)[])[(false, true), (false, true), (true, true), (true, true), (true, false), (false, false), (true, false)])
        {
            writer.WriteFrame(frame, WebSocketMessageType.Text, "x"u8, end, 0, compressed);
            firsts.Add(frame[0]);
        }

        Assert.Equal([0x41, 0x00, 0x80, 0xC1, 0x81, 0x01, 0x80], firsts);
    }

    private static IEnumerable<byte[]> Payloads(int seed)
    {
        foreach (string kind in Deflated.Kinds.Concat(Deflated.Kinds)) yield return Deflated.Payload(kind, 700 + (seed * 101), seed);
        yield return Deflated.Payload("JSON", 40_000, seed);
        yield return Deflated.Payload("random", 5_000, seed);
        yield return Deflated.Payload("random", 5_000, seed);
        yield return Deflated.Payload("high literals", 2_000, seed);
    }

    private static List<byte[]> Compress(IEnumerable<byte[]> payloads, int level, int windowBits, int memoryLevel, bool keepsContext)
    {
        using var deflater = new MessageDeflater(level, windowBits, memoryLevel);
        return [.. payloads.Select(payload => Deflated.Compress(deflater, payload, keepContext: keepsContext))];
    }
}
