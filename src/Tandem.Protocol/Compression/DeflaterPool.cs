namespace Tandem.Protocol.Compression;

/// <summary>
/// Compressors that no message is using, by window. Shared by connections, on any threads; a compressor belongs to one of them at a time.
/// </summary>
public sealed class DeflaterPool : IDisposable
{
    private const int MaxOutputKept = 1024 * 1024;

    // What compressed payload comes out in: of the thread, not of the pool, since it is used up before the thread compresses again.
    [ThreadStatic]
    private static byte[]? _output;

    private readonly ContextPool<MessageDeflater> _free;

    /// <summary>Creates an empty pool.</summary>
    /// <param name="options">Level and memory level of its compressors.</param>
    /// <param name="maxKept">
    /// How many of each window are kept. Default 4: one thread without streaming compresses one message at a time, and a few more are for
    /// messages that are sent in fragments.
    /// </param>
    public DeflaterPool(DeflateOptions options, int maxKept = 4)
    {
        Options = options;
        _free = new ContextPool<MessageDeflater>(maxKept);
    }

    /// <summary>What it was made with.</summary>
    public DeflateOptions Options { get; }

    /// <inheritdoc />
    public void Dispose() => _free.Dispose();

    internal MessageDeflater Rent(int windowBits) => _free.Take(windowBits) ?? new MessageDeflater(Options.Level, windowBits, Options.MemoryLevel);

    /// <summary>Takes a compressor back whose last message ended with a full flush: it refers to nothing any more.</summary>
    internal void Return(MessageDeflater deflater) => _free.Put(deflater, deflater.WindowBits);

    /// <summary>Memory for one compressed piece, valid until this thread compresses the next.</summary>
    internal static byte[] Output(int length)
    {
        if (_output?.Length >= length) return _output;
        byte[] output = GC.AllocateUninitializedArray<byte>(length);
        if (length <= MaxOutputKept) _output = output; // one large message must not hold its size for ever
        return output;
    }
}
