namespace Tandem.Protocol.Compression;

/// <summary>
/// Compressors that no message is using, by window, and the memory that compressed payload comes out in. Shared by connections that are served
/// by one thread; not thread-safe.
/// </summary>
public sealed class DeflaterPool : IDisposable
{
    private const int MaxKept = 4; // without streaming one message is compressed at a time; a few more for messages sent in fragments
    private const int MaxOutputKept = 1024 * 1024;

    private readonly Stack<MessageDeflater>[] _free = new Stack<MessageDeflater>[DeflateParameters.MaxWindowBits - DeflateParameters.MinWindowBits + 1];
    private byte[] _output = [];

    /// <summary>Creates an empty pool.</summary>
    /// <param name="options">Level and memory level of its compressors.</param>
    public DeflaterPool(DeflateOptions options) => Options = options;

    /// <summary>What it was made with.</summary>
    public DeflateOptions Options { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (Stack<MessageDeflater>? stack in _free)
        {
            while (stack is { Count: > 0 }) stack.Pop().Dispose();
        }
    }

    internal MessageDeflater Rent(int windowBits) =>
        _free[windowBits - DeflateParameters.MinWindowBits] is { Count: > 0 } stack ? stack.Pop() : new MessageDeflater(Options.Level, windowBits, Options.MemoryLevel);

    /// <summary>Takes a compressor back whose last message ended with a full flush: it refers to nothing any more.</summary>
    internal void Return(MessageDeflater deflater)
    {
        Stack<MessageDeflater> stack = _free[deflater.WindowBits - DeflateParameters.MinWindowBits] ??= new Stack<MessageDeflater>();
        if (stack.Count >= MaxKept) deflater.Dispose();
        else stack.Push(deflater);
    }

    /// <summary>Memory for one compressed piece, valid until the next.</summary>
    internal byte[] Output(int length)
    {
        if (_output.Length >= length) return _output;
        byte[] output = GC.AllocateUninitializedArray<byte>(length);
        if (length <= MaxOutputKept) _output = output; // one large message must not hold its size for ever
        return output;
    }
}
