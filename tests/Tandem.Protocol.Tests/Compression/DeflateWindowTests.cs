using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Tests.Framing;

namespace Tandem.Protocol.Tests.Compression;

/// <summary>RFC 7692 sections 7.1.2.1 and 7.1.2.2: a window of n bits is a window of n bits, on both ends.</summary>
public sealed class DeflateWindowTests
{
    public static TheoryData<int> AllBits => [8, 9, 10, 11, 12, 13, 14, 15];

    [Theory]
    [MemberData(nameof(AllBits))]
    public void A_compressor_never_refers_further_back_than_its_window(int windowBits)
    {
        // Runs that come again at every distance around the window, and noise in between.
        var random = new Random(windowBits);
        var data = new List<byte>();
        while (data.Count < (3 << windowBits) + 5000)
        {
            byte[] run = new byte[random.Next(4, 60)];
            random.NextBytes(run);
            data.AddRange(run);
            int back = Math.Max(60, (1 << windowBits) + random.Next(-600, 80)); // compressors keep a few hundred bytes of their window to themselves
            if (data.Count > back + 60) data.AddRange(data.GetRange(data.Count - back, random.Next(4, 60)));
        }

        byte[] payload = [.. data];
        foreach (int level in (int[])[1, 2, 4, 6, 9])
        {
            using var deflater = new MessageDeflater(level, windowBits, 8);
            var distances = new DeflateDistances();
            for (int start = 0; start < payload.Length; start += 700)
            {
                byte[] piece = payload[start..Math.Min(payload.Length, start + 700)];
                distances.Add([.. Deflated.Compress(deflater, piece), .. Deflated.Tail]);
            }

            Assert.Equal(payload, distances.Inflated);
            Assert.InRange(distances.Largest, windowBits < 10 ? 0 : (1 << windowBits) / 4, 1 << windowBits);
        }
    }

    [Theory]
    [MemberData(nameof(AllBits))]
    public void A_decompressor_reads_distances_up_to_the_whole_window(int windowBits)
    {
        // The largest distance that the negotiated window allows, across two messages, however the output is cut.
        int distance = 1 << windowBits;
        byte[] first = Deflated.Payload("random", distance);
        byte[] expected = first[..10];
        byte[] reference = new DeflateBits().Match(10, distance).EndBlock().Message();
        byte[] stream =
        [
            .. Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Binary, Stored(first)),
            .. Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Binary, reference),
        ];
        foreach (int outputSize in (int[])[64 * 1024, 100, 7, 1])
        {
            Assert.Equal([Deflated.Binary(first), Deflated.Binary(expected)], Deflated.Read(new(windowBits, OutputSize: outputSize), stream));
        }
    }

    [Theory]
    [MemberData(nameof(AllBits))]
    public void A_distance_to_before_the_first_byte_is_refused(int windowBits)
    {
        foreach ((int bytes, int distance) in ((int, int)[])[(0, 1), (1, 2), (200, 201), (5, 256), (1, 1 << windowBits)])
        {
            byte[] message = [.. new DeflateBits().Literals(new byte[bytes]).Match(5, distance).EndBlock().Message()];
            byte[] stream = Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Binary, message);
            foreach (int outputSize in (int[])[64 * 1024, 1])
            {
                Assert.Equal(["fault InvalidDeflateData"], Deflated.Read(new(windowBits, OutputSize: outputSize), stream));
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllBits))]
    public void A_distance_beyond_the_window_to_an_earlier_message_is_refused(int windowBits)
    {
        if (windowBits == 15) return; // DEFLATE knows no larger distance
        byte[] first = Deflated.Payload("random", 3 << windowBits);
        byte[] message = new DeflateBits().Match(5, (1 << windowBits) + 1).EndBlock().Message();
        byte[] stream =
        [
            .. Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Binary, Stored(first)),
            .. Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Binary, message),
        ];
        Assert.Equal([Deflated.Binary(first), "fault InvalidDeflateData"], Deflated.Read(new(windowBits), stream));
    }

    [Theory]
    [MemberData(nameof(AllBits))]
    public void Section_7_1_1_without_context_takeover_a_reference_to_the_message_before_is_refused(int windowBits)
    {
        byte[] stream =
        [
            .. Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Text, Deflated.Hello),
            .. Wire.Frame(WebSocketRole.Server, Wire.Fin | Deflated.Rsv1 | Wire.Text, 0xF2, 0x00, 0x11, 0x00, 0x00),
        ];
        Assert.Equal(["text 'Hello'", "fault InvalidDeflateData"], Deflated.Read(new(windowBits, KeepsContext: false), stream));
    }

    private static byte[] Stored(byte[] payload)
    {
        var bytes = new List<byte>();
        for (int start = 0; start < payload.Length; start += 32 * 1024)
        {
            byte[] part = payload[start..Math.Min(payload.Length, start + (32 * 1024))];
            bytes.AddRange([0, (byte)part.Length, (byte)(part.Length >> 8), (byte)~part.Length, (byte)(~part.Length >> 8), .. part]);
        }

        return [.. bytes, 0];
    }
}
