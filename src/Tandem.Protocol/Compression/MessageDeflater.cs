using System.Runtime.InteropServices;

namespace Tandem.Protocol.Compression;

/// <summary>
/// Compresses messages (RFC 7692 section 7.2.1): raw DEFLATE, flushed to a byte boundary, without the four bytes that every flush ends with.
/// Native memory: dispose it. One message at a time, one thread at a time.
/// </summary>
public sealed unsafe class MessageDeflater : IDisposable
{
    // What a flush to a byte boundary ends with: an empty stored block. The receiver puts it back (section 7.2.2).
    private const int TailLength = 4;

    private ZLib.Stream* _stream;

    /// <summary>Creates a compressor.</summary>
    /// <param name="level">1 (fast) to 9 (small).</param>
    /// <param name="windowBits">The negotiated LZ77 window, 8 to 15: 2 to that power of bytes.</param>
    /// <param name="memoryLevel">1 to 9: how much memory it takes beside the window.</param>
    /// <exception cref="ArgumentOutOfRangeException">A parameter is out of its range.</exception>
    /// <exception cref="InsufficientMemoryException">The native memory cannot be had.</exception>
    public MessageDeflater(int level, int windowBits, int memoryLevel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 9);
        ArgumentOutOfRangeException.ThrowIfLessThan(windowBits, DeflateParameters.MinWindowBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(windowBits, DeflateParameters.MaxWindowBits);
        ArgumentOutOfRangeException.ThrowIfLessThan(memoryLevel, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(memoryLevel, 9);
        WindowBits = windowBits;

        // zlib has no raw window of 8 bits. Its run-length strategy only ever refers to the byte before, which fits any window.
        int strategy = windowBits == 8 ? ZLib.RunLengthStrategy : ZLib.DefaultStrategy;
        _stream = (ZLib.Stream*)NativeMemory.AllocZeroed((nuint)sizeof(ZLib.Stream));
        if (ZLib.DeflateInit(_stream, level, ZLib.Deflated, -Math.Max(windowBits, 9), memoryLevel, strategy) == ZLib.Ok) return;
        NativeMemory.Free(_stream);
        _stream = null;
        throw new InsufficientMemoryException("No memory for a compression context.");
    }

    /// <summary>Frees the native memory of a compressor that nobody disposed.</summary>
    ~MessageDeflater() => Free();

    /// <summary>The window that it was made for.</summary>
    public int WindowBits { get; }

    /// <summary>Bytes that a compressor with these parameters holds, about: for a budget.</summary>
    /// <param name="windowBits">8 to 15.</param>
    /// <param name="memoryLevel">1 to 9.</param>
    /// <returns>
    /// What zlib-ng takes, as measured: unlike in zlib the hash table has 128 KiB whatever the window and the memory level are, so that little of
    /// either saves less than zlib's own formula (zconf.h) says.
    /// </returns>
    public static int MemoryFor(int windowBits, int memoryLevel) =>
        (1 << (Math.Max(windowBits, 9) + 2)) + (5 << (memoryLevel + 6)) + ((128 + 16) * 1024);

    /// <summary>Room that is always enough for a compressed piece: incompressible data grows, by an eighth at the fastest level.</summary>
    /// <param name="length">Bytes to compress, at most 1 GiB.</param>
    /// <returns>Bytes.</returns>
    public static int MaxLength(int length) => length + (length / 8) + 128;

    /// <summary>Compresses a message or a fragment of one.</summary>
    /// <param name="input">The payload.</param>
    /// <param name="output">Room of at least <see cref="MaxLength"/>.</param>
    /// <param name="endOfMessage">Whether the message ends here: then the tail of the flush is left away (section 7.2.1).</param>
    /// <param name="keepContext">Whether the next message may refer to this one (section 7.1.1).</param>
    /// <returns>Bytes written; at least one.</returns>
    /// <exception cref="ArgumentException">The output is too short.</exception>
    public int Deflate(ReadOnlySpan<byte> input, Span<byte> output, bool endOfMessage, bool keepContext)
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        if (output.Length < MaxLength(input.Length)) throw new ArgumentException("The output is shorter than MaxLength.", nameof(output));
        int flush = endOfMessage && !keepContext ? ZLib.FullFlush : ZLib.SyncFlush;
        int written;
        fixed (byte* source = input)
        fixed (byte* destination = output)
        {
            _stream->NextIn = source;
            _stream->AvailableIn = (uint)input.Length;
            _stream->NextOut = destination;
            _stream->AvailableOut = (uint)output.Length;
            int result = ZLib.Deflate(_stream, flush);
            written = output.Length - (int)_stream->AvailableOut;
            // All in and room left is what a complete flush looks like (zlib.h); a second flush with nothing in between writes nothing.
            bool complete = _stream->AvailableIn == 0 && _stream->AvailableOut != 0 && result is ZLib.Ok or ZLib.BufferError;
            _stream->NextIn = _stream->NextOut = null;
            if (!complete) throw new InvalidOperationException($"zlib's deflate ended with {result}.");
        }

        if (!endOfMessage) return written;
        if (written > TailLength) return written - TailLength;
        output[0] = 0; // section 7.2.3.6: an empty message, or nothing after the last fragment, is an empty block's first byte
        return 1;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_stream == null) return;
        _ = ZLib.DeflateEnd(_stream);
        NativeMemory.Free(_stream);
        _stream = null;
    }
}
