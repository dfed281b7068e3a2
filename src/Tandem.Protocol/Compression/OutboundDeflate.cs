namespace Tandem.Protocol.Compression;

/// <summary>
/// What a connection with permessage-deflate keeps to compress messages (RFC 7692 section 7.2.1). One for each connection; dispose it with the
/// connection.
/// </summary>
public sealed class OutboundDeflate : IDisposable
{
    private readonly DeflaterPool _pool;
    private readonly int _windowBits;
    private readonly bool _keepsContext;
    private MessageDeflater? _deflater;
    private bool _inMessage;

    /// <summary>Creates it.</summary>
    /// <param name="pool">Where compressors come from between messages.</param>
    /// <param name="windowBits">This end's window, 8 to 15.</param>
    /// <param name="keepsContext">Whether a message may refer to those before it.</param>
    public OutboundDeflate(DeflaterPool pool, int windowBits, bool keepsContext)
    {
        _pool = pool;
        _windowBits = windowBits;
        _keepsContext = keepsContext;
        MinimumSize = pool.Options.MinimumSize;
    }

    /// <summary>This end's window, 8 to 15: 2 to that power of bytes.</summary>
    public int WindowBits => _windowBits;

    /// <summary>Messages shorter than this many bytes go uncompressed. Default: what the pool's options say.</summary>
    public int MinimumSize { get; init; }

    /// <summary>Compresses a message, or the next fragment of one, if that is worth while.</summary>
    /// <param name="payload">The payload, not compressed.</param>
    /// <param name="endOfMessage">Whether the message ends with it.</param>
    /// <param name="compressed">The compressed payload; the thread's memory, valid until it compresses the next.</param>
    /// <returns>
    /// False when the payload is to be sent as it is: a whole message that is shorter than <see cref="MinimumSize"/>, or that
    /// did not become shorter and need not be remembered.
    /// </returns>
    public bool TryCompress(ReadOnlySpan<byte> payload, bool endOfMessage, out ReadOnlySpan<byte> compressed)
    {
        compressed = default;
        bool whole = endOfMessage && !_inMessage;
        if (whole && payload.Length < MinimumSize) return false;

        _deflater ??= _pool.Rent(_windowBits);
        byte[] output = DeflaterPool.Output(MessageDeflater.MaxLength(payload.Length));
        compressed = output.AsSpan(0, _deflater.Deflate(payload, output, endOfMessage, _keepsContext));
        _inMessage = !endOfMessage;
        if (endOfMessage && !_keepsContext) ReturnDeflater();
        // Where the context is kept, the peer has to see what this end's window now holds.
        return !whole || _keepsContext || compressed.Length < payload.Length;
    }

    /// <summary>Compresses a whole message that refers to no other, for this connection and any other whose window is as large.</summary>
    /// <param name="payload">The payload, not compressed.</param>
    /// <param name="compressed">The compressed payload; the thread's memory, valid until it compresses the next.</param>
    /// <returns>False when it did not become shorter.</returns>
    public bool TryCompressAlone(ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> compressed)
    {
        byte[] output = DeflaterPool.Output(MessageDeflater.MaxLength(payload.Length));
        MessageDeflater deflater = _pool.Rent(_windowBits);
        compressed = output.AsSpan(0, deflater.Deflate(payload, output, endOfMessage: true, keepContext: false));
        _pool.Return(deflater);
        return compressed.Length < payload.Length;
    }

    /// <summary>
    /// The next message refers to none before it: to be called between two messages, when the peer is sent a compressed message that was not made
    /// here. Its window then holds that message, and this end's does not, so what this end would refer to is not where the peer would look.
    /// </summary>
    public void Forget()
    {
        if (_deflater is null) return;
        // There is no reset. A full flush of nothing is what makes it forget; the empty block that it writes has no part in any message.
        byte[] output = DeflaterPool.Output(MessageDeflater.MaxLength(0));
        _deflater.Deflate(default, output, endOfMessage: true, keepContext: false);
        ReturnDeflater();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // Its last message may be unfinished, or refer to those before: it is of no use to another connection.
        _deflater?.Dispose();
        _deflater = null;
    }

    private void ReturnDeflater()
    {
        _pool.Return(_deflater!);
        _deflater = null;
    }
}
