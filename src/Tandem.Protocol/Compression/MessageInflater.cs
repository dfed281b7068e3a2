using System.Runtime.InteropServices;

namespace Tandem.Protocol.Compression;

/// <summary>What came of inflating a piece.</summary>
public enum InflateStatus : byte
{
    /// <summary>All input is consumed and everything that it gives is written.</summary>
    Done,

    /// <summary>The output is full; there may be more.</summary>
    OutputFull,

    /// <summary>The input is not DEFLATE data within the window.</summary>
    Invalid,
}

/// <summary>
/// Decompresses messages (RFC 7692 section 7.2.2) piece by piece into memory of the caller, never more than asked for. Native memory: dispose it.
/// </summary>
public sealed unsafe class MessageInflater : IDisposable
{
    private ZLib.Stream* _stream;
    private bool _ended; // a block marked as the last one was seen in this message
    private bool _inMessage; // some of it was inflated

    /// <summary>Creates a decompressor.</summary>
    /// <param name="windowBits">The negotiated LZ77 window of the peer, 8 to 15.</param>
    /// <exception cref="ArgumentOutOfRangeException">The window is out of its range.</exception>
    /// <exception cref="InsufficientMemoryException">The native memory cannot be had.</exception>
    public MessageInflater(int windowBits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windowBits, DeflateParameters.MinWindowBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(windowBits, DeflateParameters.MaxWindowBits);
        WindowBits = windowBits;
        _stream = (ZLib.Stream*)NativeMemory.AllocZeroed((nuint)sizeof(ZLib.Stream));
        if (ZLib.InflateInit(_stream, -windowBits) == ZLib.Ok) return;
        NativeMemory.Free(_stream);
        _stream = null;
        throw new InsufficientMemoryException("No memory for a decompression context.");
    }

    /// <summary>Frees the native memory of a decompressor that nobody disposed.</summary>
    ~MessageInflater() => Free();

    /// <summary>The window that it was made for.</summary>
    public int WindowBits { get; }

    /// <summary>Bytes that a decompressor holds, about: for a budget.</summary>
    /// <param name="windowBits">8 to 15.</param>
    /// <returns>The window and zlib's own state.</returns>
    public static int MemoryFor(int windowBits) => (1 << windowBits) + (10 * 1024);

    /// <summary>Inflates as much as fits.</summary>
    /// <param name="input">Compressed bytes.</param>
    /// <param name="output">Where to.</param>
    /// <param name="consumed">Bytes taken from the input.</param>
    /// <param name="written">Bytes written to the output.</param>
    /// <returns>The outcome.</returns>
    public InflateStatus Inflate(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        if (output.IsEmpty)
        {
            consumed = written = 0; // zlib takes the null pointer of an empty span for an error
            return InflateStatus.OutputFull;
        }

        fixed (byte* source = input)
        fixed (byte* destination = output)
        {
            _stream->NextIn = source;
            _stream->AvailableIn = (uint)input.Length;
            _stream->NextOut = destination;
            _stream->AvailableOut = (uint)output.Length;
            int result;
            do
            {
                result = ZLib.Inflate(_stream, ZLib.SyncFlush);
                // A block marked as the last one (section 7.2.3.4) ends zlib's stream but not the message: what follows starts afresh. Its sender,
                // which had to start afresh as well, cannot refer to what came before.
                if (result != ZLib.StreamEnd) continue;
                // An end that is found before the message gives anything is that of the message before, whose last four bytes were in such a block.
                _ended |= _inMessage || _stream->AvailableIn != input.Length || _stream->AvailableOut != output.Length;
                _ = ZLib.InflateReset(_stream, -WindowBits);
            }
            while (result == ZLib.StreamEnd && _stream->AvailableIn != 0 && _stream->AvailableOut != 0);

            consumed = input.Length - (int)_stream->AvailableIn;
            written = output.Length - (int)_stream->AvailableOut;
            bool full = _stream->AvailableOut == 0;
            _stream->NextIn = _stream->NextOut = null;
            _inMessage = true;
            if (result is not (ZLib.Ok or ZLib.StreamEnd or ZLib.BufferError)) return InflateStatus.Invalid;
            return full ? InflateStatus.OutputFull : InflateStatus.Done;
        }
    }

    /// <summary>
    /// Reads what the sender of a message has left away at its end (section 7.2.2): the last four bytes of an empty block. A message that
    /// was cut short within a block, where these bytes would mean something else, is no DEFLATE data.
    /// </summary>
    /// <returns>False when the message does not end where such a block does.</returns>
    public bool TryEnd()
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        // "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message." The byte behind them is never taken where they
        // end a block, because that is where inflating stops. Behind a block marked as the last one a sender may leave away more than these.
        ReadOnlySpan<byte> tail = [0x00, 0x00, 0xFF, 0xFF, 0x00];
        byte none;
        int length = _ended ? 4 : 5;
        fixed (byte* source = tail)
        {
            _stream->NextIn = source;
            _stream->AvailableIn = (uint)length;
            _stream->NextOut = &none;
            _stream->AvailableOut = 1;
            int result = ZLib.Inflate(_stream, _ended ? ZLib.SyncFlush : ZLib.Block);
            bool whole = result is ZLib.Ok or ZLib.StreamEnd && _stream->AvailableOut == 1 && (_ended || _stream->AvailableIn == 1);
            _stream->NextIn = _stream->NextOut = null;
            return whole;
        }
    }

    /// <summary>The message has ended, and the next one may refer to it.</summary>
    public void EndMessage()
    {
        // What followed a last block may be less than the block that a sender adds behind it: none of it is for the next message.
        if (_ended) Reset();
        _inMessage = false;
    }

    /// <summary>Forgets what came before (section 7.1.1): the next message refers to nothing.</summary>
    public void Reset()
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        _ended = _inMessage = false;
        _ = ZLib.InflateReset(_stream, -WindowBits);
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
        _ = ZLib.InflateEnd(_stream);
        NativeMemory.Free(_stream);
        _stream = null;
    }
}
