using Tandem.Protocol.Framing;

namespace Tandem.Protocol.Drafts;

/// <summary>
/// What a client of hixie-75 or hixie-76 sends (section 5.3 of hixie-76), as frames of RFC 6455 for a <see cref="WebSocketReader"/> in the server's role.
/// </summary>
/// <remarks>
/// <para>Its law: it keeps no byte of a message. A text has no length, so what is there of it becomes a fragment, and its end the last one: size, UTF-8 and number of
/// fragments are judged by the reader, as they are for everybody, while the end is still being searched for.</para>
/// <para>What the draft says to skip, frames of other types than text, is skipped up to <see cref="MaxSkippedLength"/> bytes; beyond that it becomes a
/// frame with a reserved opcode, which such a type is.</para>
/// <para>A mutable struct: keep it in a field.</para>
/// </remarks>
public struct HixieReader
{
    /// <summary>Most bytes of a frame that is skipped. No draft gives such frames a meaning and no client sent them, so that little is generous.</summary>
    public const int MaxSkippedLength = 64 * 1024;

    // Base-128 digits of a length: three hold 64 Ki. More could only be leading zeros, which the draft allows without end.
    private const int MaxLengthDigits = 10;

    private const byte End = 0xFF;
    private const byte Continuation = (byte)Opcode.Continuation;
    private const byte Text = (byte)Opcode.Text;
    private const byte Reserved = 0x03; // the first reserved opcode of data

    private readonly bool _hasClose;
    private State _state;
    private byte _type;
    private byte _digits;
    private bool _continues; // a fragment of the text has been written
    private int _skipped; // of the text that is skipped, or still to be skipped of a frame with a length

    /// <summary>Begins.</summary>
    /// <param name="draft"><see cref="WebSocketDrafts.Hixie75"/> or <see cref="WebSocketDrafts.Hixie76"/>.</param>
    public HixieReader(WebSocketDrafts draft) => _hasClose = draft == WebSocketDrafts.Hixie76;

    private enum State : byte
    {
        Type,
        Text,
        SkippedText,
        Length,
        Skipped,
        Ended,
    }

    /// <summary>Whether the next byte begins a frame: only there may a client of hixie-75 end the connection in order.</summary>
    public readonly bool IsBetweenFrames => _state == State.Type;

    /// <summary>
    /// Bytes that <see cref="Translate"/> writes at most. An empty text, two bytes, becomes six; the longest for its length is what comes at the start and at the
    /// end of a piece.
    /// </summary>
    /// <param name="length">Bytes of input.</param>
    /// <returns>Three times as many and 8.</returns>
    public static int MaxLength(int length) => checked((3 * length) + 8);

    /// <summary>Translates.</summary>
    /// <param name="input">What the client has sent; all of it is taken.</param>
    /// <param name="output">
    /// Receives whole frames, masked with a key of zeros. <see cref="MaxLength"/> bytes; it may be the memory before the input.
    /// </param>
    /// <returns>Bytes written; 0 when nothing came that means anything yet.</returns>
    public int Translate(ReadOnlySpan<byte> input, Span<byte> output)
    {
        int written = 0;
        while (!input.IsEmpty)
        {
            switch (_state)
            {
                case State.Type:
                    BeginFrame(input[0]);
                    input = input[1..];
                    break;
                case State.Text:
                    int end = input.IndexOf(End);
                    written += WriteText(output[written..], end < 0 ? input : input[..end], ends: end >= 0);
                    input = end < 0 ? default : input[(end + 1)..];
                    break;
                case State.SkippedText:
                    input = SkipText(input);
                    if (_skipped > MaxSkippedLength) written += Refuse(output[written..]);
                    break;
                case State.Length:
                    written += ReadLength(input[0], output[written..]);
                    input = input[1..];
                    break;
                case State.Skipped:
                    int count = Math.Min(_skipped, input.Length);
                    _skipped -= count;
                    input = input[count..];
                    if (_skipped == 0) _state = State.Type;
                    break;
                default:
                    return written; // behind a close frame, or a fault
            }
        }

        return written;
    }

    /// <summary>Writes a close frame without a code: what the end of TCP is in hixie-75.</summary>
    /// <param name="output">At least 6 bytes.</param>
    /// <returns>Bytes written.</returns>
    public int WriteClose(Span<byte> output)
    {
        _state = State.Ended;
        return WriteFrame(output, (byte)Opcode.Close, default, ends: true);
    }

    private void BeginFrame(byte type)
    {
        _type = type;
        _skipped = 0;
        _digits = 0;
        _continues = false;
        _state = (type & 0x80) != 0 ? State.Length : type == 0 ? State.Text : State.SkippedText;
    }

    private int WriteText(Span<byte> output, ReadOnlySpan<byte> payload, bool ends)
    {
        int written = WriteFrame(output, _continues ? Continuation : Text, payload, ends);
        _continues = true;
        if (ends) _state = State.Type;
        return written;
    }

    private ReadOnlySpan<byte> SkipText(ReadOnlySpan<byte> input)
    {
        int end = input.IndexOf(End);
        // No overflow: more than the bound is refused at once, and a piece is an array.
        _skipped = (int)Math.Min((long)_skipped + (end < 0 ? input.Length : end), MaxSkippedLength + 1);
        if (end < 0) return default;
        _state = State.Type;
        return input[(end + 1)..];
    }

    private int ReadLength(byte digit, Span<byte> output)
    {
        _skipped = (_skipped << 7) | (digit & 0x7F);
        if (_skipped > MaxSkippedLength || ++_digits > MaxLengthDigits) return Refuse(output);
        if ((digit & 0x80) != 0) return 0;
        _state = _skipped == 0 ? State.Type : State.Skipped;
        // hixie-76 section 5.3: type FF with length 0 is the closing handshake. hixie-75 skips it like any other.
        return _hasClose && _type == End && _skipped == 0 ? WriteClose(output) : 0;
    }

    private int Refuse(Span<byte> output)
    {
        _state = State.Ended;
        return WriteFrame(output, Reserved, default, ends: true);
    }

    private static int WriteFrame(Span<byte> output, byte opcode, ReadOnlySpan<byte> payload, bool ends)
    {
        int written = FrameHeader.Write(output, ends ? (byte)(FrameHeader.FinBit | opcode) : opcode, payload.Length, masked: true, maskingKey: 0);
        payload.CopyTo(output[written..]);
        return written + payload.Length;
    }
}
