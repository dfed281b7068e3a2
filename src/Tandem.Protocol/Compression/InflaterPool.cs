namespace Tandem.Protocol.Compression;

/// <summary>
/// Decompressors that no message is using, by window. Shared by connections, on any threads: those whose peer keeps no context between
/// messages need a decompressor only while a message is arriving.
/// </summary>
public sealed class InflaterPool : IDisposable
{
    // As many as a busy loop needs at once; more would hold memory for the rare moment when many messages arrive in pieces.
    private const int MaxKept = 16;

    private readonly ContextPool<MessageInflater> _free = new(MaxKept);
    private readonly int _outputSize;
    private byte[]? _output;

    /// <summary>Creates an empty pool.</summary>
    /// <param name="outputSize">Bytes of inflated payload that come out at once. Default 64 KiB; at least 1.</param>
    public InflaterPool(int outputSize = 64 * 1024)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputSize);
        _outputSize = outputSize;
    }

    /// <summary>
    /// Memory that inflated payload comes out in, for connections that are all served by one thread; made when the first compressed message
    /// comes. Others have memory of their own: see <see cref="InboundDeflate"/>.
    /// </summary>
    internal byte[] Output => _output ??= GC.AllocateUninitializedArray<byte>(_outputSize);

    internal MessageInflater Rent(int windowBits) => _free.Take(windowBits) ?? new MessageInflater(windowBits);

    internal void Return(MessageInflater inflater)
    {
        inflater.Reset();
        _free.Put(inflater, inflater.WindowBits);
    }

    /// <inheritdoc />
    public void Dispose() => _free.Dispose();
}
