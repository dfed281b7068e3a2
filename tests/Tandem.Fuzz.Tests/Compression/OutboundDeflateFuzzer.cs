using Tandem.Protocol.Compression;

namespace Tandem.Fuzz.Tests.Compression;

/// <summary>A piece of a message, and whether the message ends with it.</summary>
internal sealed record Piece(byte[] Payload, bool Ends);

/// <summary>Messages in pieces, and how the sending end is set up.</summary>
internal sealed record OutboundCase(Piece[] Pieces, DeflateOptions Options, int WindowBits, bool KeepsContext);

/// <summary>
/// What <see cref="OutboundDeflate"/> makes of messages, inflated by DeflateStream and, as the window says how far back a reference may go, by a reader with just that
/// window: the messages again.
/// </summary>
internal sealed class OutboundDeflateFuzzer : Fuzzer<OutboundCase>
{
    private const long MostGrowth = 200L << 20; // a context has up to 412 KiB; each iteration that lost one would be seen after 500

    private long _warm;
    private long _done;

    protected override string Target => "deflate";

    protected override long FairRun => 1000;

    protected override IEnumerable<string> Expected => [.. Enumerable.Range(8, 8).Select(bits => $"window {bits}"), "as it is"];

    protected override OutboundCase Create(Random random)
    {
        var options = new DeflateOptions { Level = random.Next(1, 10), MemoryLevel = random.Next(1, 10), MinimumSize = random.Next(2) == 0 ? 0 : 64 };
        Piece[] pieces = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => new Piece(Payloads.Create(random, random.Next(4) == 0 ? 20_000 : 500), random.Next(3) != 0))];
        return new OutboundCase(pieces, options, random.Next(8, 16), random.Next(2) == 0);
    }

    protected override ValueTask<string?> Judge(OutboundCase input)
    {
        Count($"window {input.WindowBits}");
        using var pool = new DeflaterPool(input.Options);
        using var outbound = new OutboundDeflate(pool, input.WindowBits, input.KeepsContext);
        using var inflater = new MessageInflater(input.WindowBits);
        var compressed = new List<byte>();
        var message = new List<byte>();
        var allCompressed = new List<byte[]>();
        var all = new List<byte>();
        foreach (Piece piece in input.Pieces)
        {
            message.AddRange(piece.Payload);
            bool shrinks = outbound.TryCompress(piece.Payload, piece.Ends, out ReadOnlySpan<byte> output);
            if (shrinks) compressed.AddRange(output);
            else Count("as it is");
            if (!piece.Ends) continue;
            if (shrinks)
            {
                allCompressed.Add([.. compressed]);
                all.AddRange(message);
                byte[]? back = Inflate(inflater, [.. compressed, 0, 0, 0xFF, 0xFF], message.Count);
                if (back is null || !back.AsSpan().SequenceEqual(message.ToArray())) return new($"a window of {input.WindowBits} bits does not give the message back");
                if (input.KeepsContext) inflater.EndMessage();
                else inflater.Reset();
                if (!input.KeepsContext && !Payloads.InflateByLibrary([.. compressed]).AsSpan().SequenceEqual(message.ToArray())) return new("DeflateStream gives another message");
            }

            compressed.Clear();
            message.Clear();
        }

        if (!Payloads.InflateByLibrary([.. allCompressed]).AsSpan().SequenceEqual(all.ToArray())) return new("DeflateStream gives other messages");
        return new(Growth());
    }

    protected override IEnumerable<OutboundCase> Smaller(OutboundCase input)
    {
        foreach (Piece[] pieces in Bytes.Smaller(input.Pieces)) yield return input with { Pieces = pieces };
        for (int i = 0; i < input.Pieces.Length; i++)
        {
            foreach (byte[] payload in Bytes.Smaller(input.Pieces[i].Payload)) yield return input with { Pieces = [.. input.Pieces[..i], input.Pieces[i] with { Payload = payload }, .. input.Pieces[(i + 1)..]] };
        }
    }

    protected override string Describe(OutboundCase input) =>
        $"{input.Options}, window {input.WindowBits}, keeps context {input.KeepsContext}\n  " + string.Join("\n  ", input.Pieces.Select(piece => $"{Convert.ToHexString(piece.Payload)}{(piece.Ends ? " ends" : "")}"));

    private static byte[]? Inflate(MessageInflater inflater, ReadOnlySpan<byte> compressed, int length)
    {
        byte[] output = new byte[length + 1];
        int written = 0;
        // In small pieces: within one call the output itself would serve as a window, however small the negotiated one is.
        while (true)
        {
            int room = Math.Min(100, output.Length - written);
            InflateStatus status = inflater.Inflate(compressed, output.AsSpan(written, room), out int consumed, out int count);
            compressed = compressed[consumed..];
            written += count;
            if (status == InflateStatus.Invalid || (status == InflateStatus.OutputFull && written == output.Length)) return null;
            if (status == InflateStatus.Done) return written == length && compressed.IsEmpty ? output[..length] : null;
        }
    }

    // Native memory that is not given back grows with the iterations.
    private string? Growth()
    {
        long done = Interlocked.Increment(ref _done);
        if (done == 500) Volatile.Write(ref _warm, Environment.WorkingSet);
        if (done % 1000 != 0 || _warm == 0) return null;
        long growth = Environment.WorkingSet - _warm;
        return growth > MostGrowth ? $"{growth >> 20} MiB more than after 500 iterations" : null;
    }
}
