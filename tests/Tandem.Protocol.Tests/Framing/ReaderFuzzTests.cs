using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Tests.Framing;

/// <summary>
/// RFC 6455 section 5 under random input: a reader never throws for what a peer sends, and its events do not depend on how the bytes are
/// cut. Seeds are fixed, and named when one fails.
/// </summary>
public sealed class ReaderFuzzTests
{
    private const int Seeds = 6000;

    // Small limits, so that random lengths run into them as well as into everything else.
    private static readonly WebSocketReaderOptions[] Options =
    [
        Wire.Server, Wire.Client,
        new() { Role = WebSocketRole.Server, MaxFrameSize = 60, MaxMessageSize = 100, MaxFragments = 3 },
        new() { Role = WebSocketRole.Client, MaxFrameSize = 300, MaxMessageSize = 70_000, MaxFragments = 2 },
    ];

    [Fact]
    public void Random_bytes_never_throw_and_give_the_same_events_however_they_are_cut() => ForAllSeeds(random =>
    {
        byte[] bytes = new byte[random.Next(1, 60)];
        random.NextBytes(bytes);
        // Mostly plausible beginnings: random ones would nearly always break the first rule at the first byte.
        if (random.Next(4) != 0) bytes[0] = (byte)(random.Next(2) * 0x80 | random.Next(12));
        if (bytes.Length > 1 && random.Next(2) == 0) bytes[1] = (byte)(random.Next(2) * 0x80 | random.Next(120, 128));
        if (random.Next(2) == 0) bytes.AsSpan(Math.Min(2, bytes.Length), random.Next(Math.Max(1, Math.Min(10, bytes.Length - 2)))).Clear();
        return bytes;
    });

    [Fact]
    public void Mutated_streams_never_throw_and_give_the_same_events_however_they_are_cut()
    {
        WireVector[] vectors = [.. WireVectors.All.Values.Where(vector => vector.Bytes.Length < 400)];
        ForAllSeeds(random =>
        {
            var bytes = new List<byte>();
            for (int i = random.Next(1, 4); i > 0; i--) bytes.AddRange(vectors[random.Next(vectors.Length)].Bytes);
            for (int i = random.Next(4); i > 0 && bytes.Count > 1; i--)
            {
                int at = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0:
                        bytes[at] ^= (byte)(1 << random.Next(8));
                        break;
                    case 1:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    case 2:
                        bytes.RemoveAt(at);
                        break;
                    default:
                        bytes.Insert(at, (byte)random.Next(256));
                        break;
                }
            }

            return [.. bytes];
        });
    }

    [Fact]
    public void All_pairs_of_first_bytes_with_all_forms_of_length_are_judged_the_same_however_they_are_cut()
    {
        byte[][] tails =
        [
            new byte[16], [.. Enumerable.Repeat((byte)0xFF, 16)], [0, 125, .. new byte[14]], [0, 126, .. new byte[14]], [0x7F, .. new byte[15]],
            [0, 0, 0, 0, 0, 0, 0xFF, 0xFF, .. new byte[8]], [0, 0, 0, 0, 0, 1, .. new byte[10]], [0, 0, 0, 0, 0x40, .. new byte[11]],
        ];
        foreach (WebSocketReaderOptions options in Options)
        {
            for (int first = 0; first < 256; first++)
            {
                foreach (byte second in (byte[])[0, 1, 2, 61, 125, 126, 127, 0x80, 0x81, 0x82, 0x80 | 61, 0xFD, 0xFE, 0xFF])
                {
                    foreach (byte[] tail in tails)
                    {
                        byte[] bytes = [(byte)first, second, .. tail];
                        AssertSame(options, bytes, ReaderDriver.Run(options, bytes), Convert.ToHexString(bytes));
                    }
                }
            }
        }
    }

    private static void ForAllSeeds(Func<Random, byte[]> create)
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            WebSocketReaderOptions options = Options[seed % Options.Length];
            string what = $"seed {seed}";
            try
            {
                byte[] bytes = create(random);
                what += $", {options.Role}, {Convert.ToHexString(bytes)}";
                AssertSame(options, bytes, ReaderDriver.Run(options, bytes), what);
                int[] sizes = [.. Enumerable.Range(0, 20).Select(_ => random.Next(12))];
                AssertSame(options, bytes, ReaderDriver.Run(options, bytes, sizes), what);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"{what}: {e}");
            }
        }
    }

    private static void AssertSame(WebSocketReaderOptions options, byte[] bytes, List<string> events, string what)
    {
        List<string> expected = ReaderDriver.RunByteByByte(options, bytes);
        if (!expected.SequenceEqual(events)) Assert.Fail($"{what}: {string.Join("; ", events)} instead of {string.Join("; ", expected)}");
    }
}
