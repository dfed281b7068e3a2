namespace Tandem.Protocol.Compression;

/// <summary>
/// Decompressors that no message is using, by window, and the memory that inflated payload comes out in. Shared by connections that are
/// served by one thread; not thread-safe. Connections whose peer keeps no context between messages need a decompressor only while a
/// message is arriving.
/// </summary>
public sealed class InflaterPool : IDisposable
{
    // As many as a busy loop needs at once; more would hold memory for the rare moment when many messages arrive in pieces.
    private const int MaxKept = 16;

    private readonly Stack<MessageInflater>[] _free = new Stack<MessageInflater>[DeflateParameters.MaxWindowBits - DeflateParameters.MinWindowBits + 1];

    private readonly int _outputSize;
    private byte[]? _output;

    /// <summary>Creates an empty pool.</summary>
    /// <param name="outputSize">Bytes of inflated payload that come out at once. Default 64 KiB; at least 1.</param>
    public InflaterPool(int outputSize = 64 * 1024)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputSize);
        _outputSize = outputSize;
    }

    /// <summary>The memory that inflated payload comes out in; made when the first compressed message comes.</summary>
    public byte[] Output => _output ??= GC.AllocateUninitializedArray<byte>(_outputSize);

    internal MessageInflater Rent(int windowBits) =>
        _free[windowBits - DeflateParameters.MinWindowBits] is { Count: > 0 } stack ? stack.Pop() : new MessageInflater(windowBits);

    internal void Return(MessageInflater inflater)
    {
        Stack<MessageInflater> stack = _free[inflater.WindowBits - DeflateParameters.MinWindowBits] ??= new Stack<MessageInflater>();
        if (stack.Count >= MaxKept)
        {
            inflater.Dispose();
            return;
        }

        inflater.Reset();
        stack.Push(inflater);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (Stack<MessageInflater>? stack in _free)
        {
            while (stack is { Count: > 0 }) stack.Pop().Dispose();
        }
    }
}
