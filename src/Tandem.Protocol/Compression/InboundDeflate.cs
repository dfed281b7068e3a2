namespace Tandem.Protocol.Compression;

/// <summary>
/// What a connection with permessage-deflate keeps to read compressed messages (RFC 7692 section 7.2.2): the agreed parameters, and a
/// decompressor as long as one is needed. One for each connection, used by its <see cref="Framing.WebSocketReader"/> only; dispose it with
/// the connection.
/// </summary>
public sealed class InboundDeflate : IDisposable
{
    private readonly InflaterPool _pool;
    private readonly int _windowBits;
    private readonly bool _keepsContext;
    private readonly int _ownOutput;
    private byte[]? _output;
    private MessageInflater? _inflater;
    private long _length; // bytes of the message that have come out

    /// <summary>Creates it.</summary>
    /// <param name="pool">Where decompressors come from between messages.</param>
    /// <param name="windowBits">The peer's window, 8 to 15.</param>
    /// <param name="keepsContext">Whether a message may refer to those before it.</param>
    /// <param name="ownOutput">
    /// Bytes of memory of its own that inflated payload comes out in. Default 0: it comes out in the pool's, which is used again by the next
    /// connection of the pool, so that one thread must serve all of them.
    /// </param>
    public InboundDeflate(InflaterPool pool, int windowBits, bool keepsContext, int ownOutput = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ownOutput);
        _pool = pool;
        _windowBits = windowBits;
        _keepsContext = keepsContext;
        _ownOutput = ownOutput;
    }

    /// <summary>What inflated payload comes out in; made when the first compressed message comes.</summary>
    public byte[] Output => _ownOutput == 0 ? _pool.Output : _output ??= GC.AllocateUninitializedArray<byte>(_ownOutput);

    /// <summary>Bytes of compressed payload that it has taken so far.</summary>
    public long TotalIn { get; private set; }

    /// <summary>Bytes that have come out of them.</summary>
    public long TotalOut { get; private set; }

    /// <summary>Bytes of the input that are unmasked already, because they were left over when the output was full.</summary>
    internal int Unmasked { get; set; }

    /// <summary>Whether the output was full: there may be more, for which no input is needed.</summary>
    internal bool HasPending { get; private set; }

    /// <summary>Whether more came out than a message may have.</summary>
    internal bool IsTooLong { get; private set; }

    /// <summary>Inflates a piece of the message.</summary>
    /// <param name="data">Unmasked payload.</param>
    /// <param name="endOfMessage">Whether the message ends with this piece.</param>
    /// <param name="maxLength">Most bytes of the whole message. At most one more is ever inflated.</param>
    /// <param name="consumed">Bytes taken from the piece.</param>
    /// <param name="output">What came out; a slice of <see cref="Output"/>, valid until the next call.</param>
    internal InflateStatus Inflate(ReadOnlySpan<byte> data, bool endOfMessage, long maxLength, out int consumed, out Span<byte> output)
    {
        _inflater ??= _pool.Rent(_windowBits);
        Span<byte> room = Output;
        if (maxLength - _length < room.Length) room = room[..(int)(maxLength - _length + 1)];

        InflateStatus status = _inflater.Inflate(data, room, out consumed, out int written);
        if (status == InflateStatus.Done && endOfMessage && !_inflater.TryEnd()) status = InflateStatus.Invalid;

        TotalIn += consumed;
        TotalOut += written;
        _length += written;
        IsTooLong = _length > maxLength;
        HasPending = status == InflateStatus.OutputFull && !IsTooLong;
        output = room[..written];
        if (status == InflateStatus.Done && endOfMessage) EndMessage();
        return status;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_inflater is not null) _pool.Return(_inflater);
        _inflater = null;
    }

    private void EndMessage()
    {
        _length = 0;
        if (_keepsContext) _inflater!.EndMessage();
        else Dispose();
    }
}
