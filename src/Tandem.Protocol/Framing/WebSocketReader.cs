using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tandem.Protocol.Compression;

namespace Tandem.Protocol.Framing;

/// <summary>
/// The receiving half of a connection: bytes in, events out (RFC 6455 section 5 and 6.2).
/// </summary>
/// <remarks>
/// <para>Its law: it owns no buffer and allocates nothing. The driver gives it the bytes it has, the reader unmasks them where they lie and
/// hands out slices of them, so a message that lies in one buffer is never copied. A header, and a control frame with its payload, must be
/// whole in the input to be taken: the driver keeps at most 139 bytes from one call to the next. The payload of a data frame comes out in
/// whatever pieces it came in.</para>
/// <para>Every rule is judged at the first byte that breaks it, and limits when a length is announced, before its payload exists.
/// It never throws for what a peer sent.</para>
/// <para>A mutable struct, so that a connection can hold it without a second object: keep it in a field and never copy it.</para>
/// </remarks>
public struct WebSocketReader
{
    private readonly WebSocketReaderOptions _options;
    private readonly InboundDeflate? _deflate; // permessage-deflate was negotiated
    private FrameHeader _frame;
    private long _remaining; // payload of the current data frame that has not come out yet
    private long _messageLength; // announced payload of all frames of the message so far
    private int _fragments;
    private uint _key; // rotated to the next payload byte
    private Utf8Validator _utf8;
    private Opcode _message; // Text or Binary while a message is in progress, else Continuation
    private State _state;
    private ProtocolFault _fault;
    private bool _compressed; // the message in progress

    private enum State : byte
    {
        Header,
        Payload,
        Ended,
        Faulted,
    }

    /// <summary>Creates a reader for one connection, at the first byte after the opening handshake.</summary>
    /// <param name="options">Role and limits.</param>
    /// <param name="deflate">What is needed to read compressed messages; null when permessage-deflate was not negotiated.</param>
    public WebSocketReader(WebSocketReaderOptions options, InboundDeflate? deflate = null)
    {
        _options = options;
        _deflate = deflate;
    }

    /// <summary>The type of the message that the last <see cref="WebSocketEvent.Payload"/> or <see cref="WebSocketEvent.EndOfMessage"/> belongs to.</summary>
    public WebSocketMessageType MessageType { get; private set; }

    /// <summary>The rule that the peer broke, after <see cref="WebSocketEvent.Fault"/>.</summary>
    public readonly ProtocolFault Fault => _fault;

    /// <summary>The header of the frame that the last event came from.</summary>
    public readonly FrameHeader Frame => _frame;

    /// <summary>Bytes of payload that the current data frame still owes. A driver may receive as much into the message's own memory and pass that.</summary>
    public readonly long FrameRemaining => _remaining;

    /// <summary>Whether the message of the last event was compressed: then its payload is not a slice of the input.</summary>
    public readonly bool IsCompressed => _compressed;

    /// <summary>Whether there is more to read even without more input: a compressed message gives more than came out at once.</summary>
    public readonly bool HasPending => _state == State.Payload && _deflate is not null && _deflate.HasPending; // not after a fault: nothing is read then

    /// <summary>Bytes of payload announced by the frames of the message in progress; 0 between messages.</summary>
    public readonly long MessageLength => _messageLength;

    /// <summary>Whether a message has begun and not ended.</summary>
    public readonly bool IsInMessage => _message != Opcode.Continuation;

    /// <summary>Reads one event from the start of the input.</summary>
    /// <param name="input">The bytes received and not yet consumed. They are unmasked in place.</param>
    /// <param name="consumed">How many bytes the event took from the start of the input.</param>
    /// <param name="payload">
    /// The payload of the event, a slice of the input; valid and writable until the driver reuses its buffer. That of a compressed message lies in
    /// the memory of its <see cref="InflaterPool"/> and is valid until the next call.
    /// </param>
    /// <returns>
    /// The event. Call again with the rest until it is <see cref="WebSocketEvent.NeedMoreData"/>, or until there is no rest and nothing
    /// <see cref="HasPending"/>.
    /// </returns>
    public WebSocketEvent Read(Span<byte> input, out int consumed, out Span<byte> payload) => BeginsWithShortMessage(input)
        ? ReadShortMessage(input, out consumed, out payload)
        : ReadAny(input, out consumed, out payload);

    private WebSocketEvent ReadAny(Span<byte> input, out int consumed, out Span<byte> payload)
    {
        if (_state != State.Header) return ReadInState(input, out consumed, out payload);

        if (!FrameHeader.TryRead(input, out FrameHeader frame)) return ReadPartialHeader(input, out consumed, out payload);

        ProtocolFault fault = Judge(frame.FirstByte, frame.Masked, frame.PayloadLength, frame.Length);
        if (fault != ProtocolFault.None) return Fail(FirstFault(input[..frame.Length]), input, out consumed, out payload);

        if ((frame.FirstByte & ControlBit) != 0) return ReadControl(in frame, input, out consumed, out payload);

        _frame = frame;
        _messageLength += frame.PayloadLength;
        _fragments++;
        if (frame.Opcode != Opcode.Continuation)
        {
            _message = frame.Opcode;
            MessageType = frame.Opcode == Opcode.Text ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
            _compressed = frame.Rsv1; // RFC 7692 section 6: the bit of the first fragment speaks for the message
        }

        _remaining = frame.PayloadLength;
        _key = frame.MaskingKey;
        _state = State.Payload;
        return ReadPayload(input, frame.Length, out consumed, out payload);
    }

    private const int ShortHeader = 6; // a length of 7 bits, and a masking key

    private const byte ControlBit = 0x08; // "control frames are identified by opcodes where the most significant bit of the opcode is 1"

    // What most input begins with is decided at once: a text or binary message in one frame, all there, its length in 7 bits, that breaks none of Judge's rules.
    // Nothing else of it is kept but what the last event is asked for. Everything that is not certain is left to the way that judges rule by rule.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool BeginsWithShortMessage(ReadOnlySpan<byte> input)
    {
        if (input.Length < ShortHeader || _state != State.Header || IsInMessage) return false;
        int length = input[1] ^ FrameHeader.MaskBit; // over 125 when it is not masked
        return (uint)(input[0] - (FrameHeader.FinBit | (int)Opcode.Text)) <= Opcode.Binary - Opcode.Text
            && length <= FrameHeader.Max7BitLength && length <= input.Length - ShortHeader
            && _options.Role == WebSocketRole.Server && length <= _options.MaxMessageSize && length <= _options.MaxFrameSize && _options.MaxFragments > 0;
    }

    private WebSocketEvent ReadShortMessage(Span<byte> input, out int consumed, out Span<byte> payload)
    {
        byte first = input[0];
        int length = input[1] & FrameHeader.LengthBits;
        uint key = MemoryMarshal.Read<uint>(input[2..]);
        _frame = new FrameHeader(first, Masked: true, length, key, ShortHeader);
        _compressed = false;
        consumed = ShortHeader + length;
        Span<byte> data = input.Slice(ShortHeader, length);
        payload = data;
        bool ascii = Masking.ApplyShort(data, key);
        if (first == (FrameHeader.FinBit | (int)Opcode.Binary))
        {
            MessageType = WebSocketMessageType.Binary;
            return WebSocketEvent.EndOfMessage;
        }

        MessageType = WebSocketMessageType.Text;
        if (ascii || Utf8Blocks.IsValid(data)) return WebSocketEvent.EndOfMessage;

        (_message, _messageLength) = (Opcode.Text, length); // a message that never ends
        return Fail(ProtocolFault.InvalidUtf8, input, out consumed, out payload);
    }

    private WebSocketEvent ReadInState(Span<byte> input, out int consumed, out Span<byte> payload)
    {
        if (_state == State.Payload) return ReadPayload(input, 0, out consumed, out payload);

        // After a close frame or a violation everything is discarded (sections 1.4, 5.5.1 and 7.1.7).
        consumed = input.Length;
        payload = default;
        return _state == State.Faulted ? WebSocketEvent.Fault : WebSocketEvent.NeedMoreData;
    }

    private WebSocketEvent ReadPayload(Span<byte> input, int headerLength, out int consumed, out Span<byte> payload)
    {
        if (_compressed) return ReadCompressed(input, headerLength, out consumed, out payload);
        int available = (int)Math.Min(input.Length - headerLength, _remaining);
        Span<byte> data = input.Slice(headerLength, available);
        consumed = headerLength + available;
        payload = data;
        if (_frame.Masked)
        {
            Masking.Apply(data, _key);
            _key = Masking.Rotate(_key, available);
        }

        _remaining -= available;
        bool ends = _remaining == 0 && _frame.Fin;
        // Section 8.1; the validator also sees to it that a message does not end inside a code point.
        if (_message == Opcode.Text && (!_utf8.Append(data) || (ends && !_utf8.IsComplete)))
        {
            return Fail(ProtocolFault.InvalidUtf8, input, out consumed, out payload);
        }

        if (_remaining != 0) return available == 0 ? WebSocketEvent.NeedMoreData : WebSocketEvent.Payload;

        return EndFrame(ends);
    }

    private WebSocketEvent ReadCompressed(Span<byte> input, int headerLength, out int consumed, out Span<byte> payload)
    {
        InboundDeflate deflate = _deflate!;
        int available = (int)Math.Min(input.Length - headerLength, _remaining);
        Span<byte> data = input.Slice(headerLength, available);
        if (_frame.Masked)
        {
            Masking.Apply(data[deflate.Unmasked..], _key);
            _key = Masking.Rotate(_key, available - deflate.Unmasked);
        }

        bool last = _frame.Fin && available == _remaining;
        InflateStatus status = deflate.Inflate(data, last, _options.MaxMessageSize, out int used, out payload);
        deflate.Unmasked = available - used;
        consumed = headerLength + used;
        _remaining -= used;
        if (status == InflateStatus.Invalid) return Fail(ProtocolFault.InvalidDeflateData, input, out consumed, out payload);
        if (deflate.IsTooLong) return Fail(ProtocolFault.MessageTooBig, input, out consumed, out payload);

        bool ends = last && status == InflateStatus.Done;
        if (_message == Opcode.Text && (!_utf8.Append(payload) || (ends && !_utf8.IsComplete)))
        {
            return Fail(ProtocolFault.InvalidUtf8, input, out consumed, out payload);
        }

        if (status == InflateStatus.OutputFull) return WebSocketEvent.Payload;
        if (_remaining != 0) return payload.IsEmpty ? WebSocketEvent.NeedMoreData : WebSocketEvent.Payload;
        return EndFrame(ends);
    }

    private WebSocketEvent EndFrame(bool endsMessage)
    {
        _state = State.Header;
        if (!endsMessage) return WebSocketEvent.Payload;

        _message = Opcode.Continuation;
        _messageLength = 0;
        _fragments = 0;
        return WebSocketEvent.EndOfMessage;
    }

    private WebSocketEvent ReadControl(scoped in FrameHeader frame, Span<byte> input, out int consumed, out Span<byte> payload)
    {
        consumed = 0;
        payload = default;
        int length = (int)frame.PayloadLength;
        if (input.Length < frame.Length + length) return WebSocketEvent.NeedMoreData;

        _frame = frame;
        Span<byte> data = input.Slice(frame.Length, length);
        if (frame.Masked) Masking.Apply(data, frame.MaskingKey);
        if (frame.Opcode == Opcode.Close)
        {
            ProtocolFault fault = ClosePayload.Validate(data);
            if (fault != ProtocolFault.None) return Fail(fault, input, out consumed, out payload);
            _state = State.Ended;
        }

        consumed = frame.Length + length;
        payload = data;
        return frame.Opcode switch
        {
            Opcode.Close => WebSocketEvent.Close,
            Opcode.Ping => WebSocketEvent.Ping,
            _ => WebSocketEvent.Pong,
        };
    }

    private WebSocketEvent ReadPartialHeader(Span<byte> input, out int consumed, out Span<byte> payload)
    {
        ProtocolFault fault = FirstFault(input);
        if (fault != ProtocolFault.None) return Fail(fault, input, out consumed, out payload);
        consumed = 0;
        payload = default;
        return WebSocketEvent.NeedMoreData;
    }

    /// <summary>
    /// Judges a header, or what there is of one, byte by byte: a violation is not kept waiting for the bytes behind it, and of several the one
    /// that the earliest byte commits is named, however the bytes came in.
    /// </summary>
    private readonly ProtocolFault FirstFault(ReadOnlySpan<byte> header)
    {
        ProtocolFault fault = ProtocolFault.None;
        for (int length = 1; length <= header.Length && fault == ProtocolFault.None; length++) fault = JudgePrefix(header[..length]);
        return fault;
    }

    private readonly ProtocolFault JudgePrefix(ReadOnlySpan<byte> header)
    {
        if (header.Length == 1) return JudgeFirstByte(header[0]);
        int headerLength = FrameHeader.LengthFrom(header[1]);
        bool masked = (header[1] & FrameHeader.MaskBit) != 0;
        int lengthEnd = headerLength - (masked ? 4 : 0);

        // The least length that these bytes can begin: as if zeros followed, but no less than the form is for.
        Span<byte> padded = stackalloc byte[FrameHeader.MaxLength];
        padded.Clear();
        header.CopyTo(padded);
        long least = FrameHeader.PayloadLengthAt(padded);
        // Six zeros of a 64-bit length show already that 16 bits would have done.
        bool decided = header.Length >= Math.Min(lengthEnd, 8) || least < 0;
        if (!decided) least = Math.Max(least, lengthEnd == 4 ? FrameHeader.Length16 : ushort.MaxValue + 1L);
        return Judge(header[0], masked, least, headerLength);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ProtocolFault Judge(byte first, bool masked, long payloadLength, int headerLength)
    {
        ProtocolFault fault = JudgeFirstByte(first);
        if (fault != ProtocolFault.None) return fault;

        // Section 5.1: "a client MUST mask all frames", "a server MUST NOT mask any frames".
        if (masked != (_options.Role == WebSocketRole.Server))
        {
            return masked ? ProtocolFault.MaskedServerFrame : ProtocolFault.UnmaskedClientFrame;
        }

        if ((first & ControlBit) != 0)
        {
            // Section 5.5: at most 125 bytes, for which the other two forms of a length are never minimal.
            if (headerLength != FrameHeader.LengthFor(0, masked)) return ProtocolFault.ControlFrameTooLong;
            return payloadLength == 1 && (first & FrameHeader.OpcodeBits) == (int)Opcode.Close ? ProtocolFault.TruncatedCloseCode : ProtocolFault.None;
        }

        if (payloadLength < 0) return ProtocolFault.LengthOver63Bits;
        if (headerLength != FrameHeader.LengthFor(payloadLength, masked)) return ProtocolFault.NonMinimalLength;
        if (payloadLength > _options.MaxFrameSize) return ProtocolFault.FrameTooBig;
        long most = (first & FrameHeader.Rsv1Bit) != 0 || (IsInMessage && _compressed) ? _options.MaxCompressedSize : _options.MaxMessageSize;
        return payloadLength > most - _messageLength ? ProtocolFault.MessageTooBig : ProtocolFault.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ProtocolFault JudgeFirstByte(byte first)
    {
        const byte reserved = FrameHeader.Rsv1Bit | FrameHeader.Rsv2Bit | FrameHeader.Rsv3Bit;
        if ((first & reserved) != 0 && !IsCompressedStart(first)) return ProtocolFault.ReservedBitSet;
        var opcode = (Opcode)(first & FrameHeader.OpcodeBits);
        if (opcode <= Opcode.Binary)
        {
            // Section 5.4: fragments of one message are not interleaved with those of another.
            bool continues = opcode == Opcode.Continuation;
            if (continues != IsInMessage) return continues ? ProtocolFault.UnexpectedContinuation : ProtocolFault.ExpectedContinuation;
            return _fragments >= _options.MaxFragments ? ProtocolFault.TooManyFragments : ProtocolFault.None;
        }

        if (opcode is < Opcode.Close or > Opcode.Pong) return ProtocolFault.ReservedOpcode;
        return (first & FrameHeader.FinBit) == 0 ? ProtocolFault.FragmentedControlFrame : ProtocolFault.None;
    }

    // RFC 7692 section 6: RSV1 marks the first fragment of a compressed message, and stands on no other frame.
    private readonly bool IsCompressedStart(byte first) =>
        _deflate is not null && (first & ~FrameHeader.FinBit) is (FrameHeader.Rsv1Bit | (byte)Opcode.Text) or (FrameHeader.Rsv1Bit | (byte)Opcode.Binary);

    private WebSocketEvent Fail(ProtocolFault fault, Span<byte> input, out int consumed, out Span<byte> payload)
    {
        _fault = fault;
        _state = State.Faulted;
        consumed = input.Length;
        payload = default;
        return WebSocketEvent.Fault;
    }
}
