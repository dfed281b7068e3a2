using System.Globalization;
using System.IO.Compression;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.Fuzz.Tests.Compression;

/// <summary>Compressed messages as they come, each in fragments of the given sizes; and how the reading end is set up.</summary>
/// <param name="Messages">Their compressed payloads.</param>
/// <param name="Cuts">Sizes of fragments, and of the pieces that the bytes come in.</param>
/// <param name="Turned">The fragment of the last message on which RSV1 stands the other way round; -1 for none.</param>
/// <param name="Role">The reading end's: from a client the frames are masked.</param>
/// <param name="KeepsContext">Whether a message may refer to those before it.</param>
/// <param name="OutputSize">Bytes that come out at once, at most.</param>
/// <param name="Limit">Most bytes of a message.</param>
internal sealed record DeflateCase(byte[][] Messages, int[] Cuts, int Turned, WebSocketRole Role, bool KeepsContext, int OutputSize, int Limit);

/// <summary>
/// Compressed messages, spoiled or not, through a reader, against a decompressor written to the letter of RFC 1951 and, where it says all, <see cref="DeflateStream"/>:
/// the same bytes or a refusal by all, and the limit exact to the byte.
/// </summary>
internal sealed class InboundDeflateFuzzer : Fuzzer<DeflateCase>
{
    private static readonly byte[] MaskingKey = [0x37, 0xFA, 0x21, 0x3D];

    protected override string Target => "inflate";

    protected override long FairRun => 1000;

    protected override IEnumerable<string> Expected => ["messages", "invalid", "too big", "a last block", "by DeflateStream", "RSV1 on a continuation", "as it is"];

    protected override DeflateCase Create(Random random)
    {
        bool keeps = random.Next(2) == 0;
        byte[][] messages = new byte[random.Next(1, 5)][];
        using var deflater = new MessageDeflater(random.Next(1, 10), random.Next(8, 16), random.Next(1, 10));
        for (int i = 0; i < messages.Length; i++)
        {
            byte[] payload = Payloads.Create(random, random.Next(3) == 0 ? 3000 : 200);
            byte[] output = new byte[MessageDeflater.MaxLength(payload.Length)];
            messages[i] = random.Next(6) switch
            {
                0 => Library(payload),
                1 => random.Mutate(new byte[random.Next(20)], 20),
                _ => output[..deflater.Deflate(payload, output, true, keeps)],
            };
            if (random.Next(3) == 0) messages[i] = random.Mutate(messages[i], 3, 0, 0xFF, 0x01, 0x03);
        }

        int[] cuts = [.. Enumerable.Range(0, 30).Select(_ => random.Next(random.Next(2) == 0 ? 4 : 300))];
        int turned = random.Next(6) == 0 ? random.Next(4) : -1;
        WebSocketRole role = random.Next(2) == 0 ? WebSocketRole.Client : WebSocketRole.Server;
        return new DeflateCase(messages, cuts, turned, role, keeps, random.Next(3) switch { 0 => 1, 1 => random.Next(2, 100), _ => 64 * 1024 }, random.Next(3) == 0 ? random.Next(300) : 100_000);
    }

    protected override ValueTask<string?> Judge(DeflateCase input)
    {
        using var pool = new InflaterPool(input.OutputSize);
        using var deflate = new InboundDeflate(pool, DeflateParameters.MaxWindowBits, input.KeepsContext);
        var reader = new WebSocketReader(new WebSocketReaderOptions { Role = input.Role, MaxMessageSize = input.Limit }, deflate);
        var naive = new NaiveInflater();
        for (int i = 0; i < input.Messages.Length; i++)
        {
            if (!input.KeepsContext) naive = new NaiveInflater();
            byte[] frames = Frames(input, i, out int turned);
            int before = input.Messages[i].Length;
            byte[]? expected = turned == 0 ? input.Messages[i] : naive.Message(input.Messages[i], out before);
            (byte[]? actual, ProtocolFault fault) = Read(ref reader, frames, input.Cuts);
            bool mayBeTooBig = before > input.Limit || input.Messages[i].Length > input.Limit + (input.Limit / 8) + 1024; // so much cannot be worth while
            string? wrong = actual is not null
                ? expected is null || turned > 0 || before > input.Limit || !actual.AsSpan().SequenceEqual(expected) ? "accepted" : null
                : fault switch
                {
                    ProtocolFault.InvalidDeflateData => expected is null ? null : "refused",
                    ProtocolFault.ReservedBitSet => turned > 0 ? null : "refused",
                    ProtocolFault.MessageTooBig => mayBeTooBig ? null : "too big",
                    _ => fault.ToString(),
                };
            if (wrong is not null) return new($"message {i} is {wrong}: {Convert.ToHexString(actual ?? [])}; the naive one says {(expected is null ? "invalid" : Convert.ToHexString(expected))}, {before} bytes");
            Count(actual is not null ? "messages" : fault switch { ProtocolFault.InvalidDeflateData => "invalid", ProtocolFault.ReservedBitSet => "RSV1 on a continuation", _ => "too big" });
            if (turned == 0) Count("as it is");
            if (!naive.SawLastBlock && expected is not null && turned != 0 && !input.KeepsContext)
            {
                Count("by DeflateStream");
                if (!expected.AsSpan().SequenceEqual(Payloads.InflateByLibrary(input.Messages[i]))) return new($"message {i}: DeflateStream disagrees with the naive one");
            }

            if (actual is null) return default;
            if (!naive.SawLastBlock) continue;
            Count("a last block");
            naive = new NaiveInflater(); // after such a message both ends begin afresh
        }

        return default;
    }

    protected override IEnumerable<DeflateCase> Smaller(DeflateCase input)
    {
        foreach (byte[][] messages in Bytes.Smaller(input.Messages)) yield return input with { Messages = messages };
        if (input.Turned >= 0) yield return input with { Turned = -1 };
        foreach (int[] cuts in Bytes.Smaller(input.Cuts)) yield return input with { Cuts = cuts };
        for (int i = 0; i < input.Messages.Length; i++)
        {
            foreach (byte[] message in Bytes.Smaller(input.Messages[i])) yield return input with { Messages = [.. input.Messages[..i], message, .. input.Messages[(i + 1)..]] };
        }
    }

    protected override string Describe(DeflateCase input) =>
        string.Create(CultureInfo.InvariantCulture, $"{input.Role}, RSV1 turned on fragment {input.Turned}, keeps context {input.KeepsContext}, output {input.OutputSize}, limit {input.Limit}, cuts {string.Join(",", input.Cuts)}\n  ")
        + string.Join("\n  ", input.Messages.Select(Convert.ToHexString));

    // A message in fragments of the sizes given, the rest in one; and on which of them RSV1 stands the other way round.
    private static byte[] Frames(DeflateCase input, int message, out int turned)
    {
        byte[] payload = input.Messages[message];
        int[] sizes = input.Cuts;
        int mask = input.Role == WebSocketRole.Server ? 0x80 : 0;
        int turn = message == input.Messages.Length - 1 ? input.Turned : -1;
        var bytes = new List<byte>();
        int at = 0;
        turned = -1;
        for (int i = 0; ; i++)
        {
            int size = i < sizes.Length / 2 ? Math.Min(sizes[i], payload.Length - at) : payload.Length - at;
            bool last = at + size == payload.Length && i >= sizes.Length / 4;
            if (i == turn) turned = i;
            bytes.Add((byte)((last ? 0x80 : 0) | ((i == 0 ? 0x42 : 0) ^ (i == turn ? 0x40 : 0))));
            if (size < 126) bytes.Add((byte)(mask | size));
            else bytes.AddRange([(byte)(mask | 126), (byte)(size >> 8), (byte)size]);
            if (mask != 0) bytes.AddRange(MaskingKey);
            for (int j = 0; j < size; j++) bytes.Add((byte)(payload[at + j] ^ (mask != 0 ? MaskingKey[j % 4] : 0)));
            at += size;
            if (last) return [.. bytes];
        }
    }

    private static (byte[]? Message, ProtocolFault Fault) Read(ref WebSocketReader reader, byte[] bytes, int[] cuts)
    {
        var message = new List<byte>();
        int start = 0;
        int end = 0;
        for (int i = cuts.Length / 2; ; i++)
        {
            end = i < cuts.Length ? Math.Min(bytes.Length, end + cuts[i]) : bytes.Length;
            WebSocketEvent found;
            do
            {
                found = reader.Read(bytes.AsSpan(start, end - start), out int consumed, out Span<byte> payload);
                start += consumed;
                message.AddRange(payload);
                if (found == WebSocketEvent.Fault) return (null, reader.Fault);
                if (found == WebSocketEvent.EndOfMessage) return ([.. message], ProtocolFault.None);
            }
            while (found != WebSocketEvent.NeedMoreData);
            if (i >= cuts.Length) return (null, ProtocolFault.None); // it did not end
        }
    }

    private static byte[] Library(byte[] payload)
    {
        using var result = new MemoryStream();
        using (var deflate = new DeflateStream(result, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(payload); // ends with a last block
        return result.ToArray();
    }
}
