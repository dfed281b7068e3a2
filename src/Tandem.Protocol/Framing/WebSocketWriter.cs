using System.Net.WebSockets;

namespace Tandem.Protocol.Framing;

/// <summary>
/// The sending half of a connection (RFC 6455 sections 5 and 6.1): frames written into memory that the driver owns. It remembers only
/// whether a message is in progress, so that its next frame is a continuation (section 5.4).
/// </summary>
/// <remarks>A mutable struct: keep it in a field. Misuse by this program throws; nothing here depends on the peer.</remarks>
public struct WebSocketWriter
{
    private readonly bool _masks;
    private Opcode _message; // Text or Binary while a message is in progress, else Continuation

    /// <summary>Creates a writer for one connection.</summary>
    /// <param name="role">A client masks every frame, a server none (section 5.1).</param>
    public WebSocketWriter(WebSocketRole role) => _masks = role == WebSocketRole.Client;

    /// <summary>Whether a message has begun and its last fragment has not been written.</summary>
    public readonly bool IsInMessage => _message != Opcode.Continuation;

    /// <summary>Checks that a frame of this type may come next, as writing it would: for those who prepare its payload before.</summary>
    /// <param name="type">Text or binary.</param>
    /// <exception cref="InvalidOperationException">A message of the other type is in progress.</exception>
    public readonly void EnsureNext(WebSocketMessageType type)
    {
        if (IsInMessage && _message != (type == WebSocketMessageType.Text ? Opcode.Text : Opcode.Binary)) ThrowTypeChanged();
    }

    /// <summary>Bytes of a whole frame: header and payload.</summary>
    /// <param name="payloadLength">Bytes of payload.</param>
    /// <returns>What <see cref="WriteFrame"/> and its kin need as destination.</returns>
    public readonly int FrameLength(int payloadLength) => FrameHeader.LengthFor(payloadLength, _masks) + payloadLength;

    /// <summary>
    /// Writes the header of a data frame whose payload the driver sends itself, in as many pieces as it likes: the way to send what does not
    /// fit in memory. A client masks that payload with <see cref="Masking"/>.
    /// </summary>
    /// <param name="destination">At least <see cref="FrameHeader.MaxLength"/> bytes.</param>
    /// <param name="type">Text or binary, the same for all fragments of a message.</param>
    /// <param name="payloadLength">Bytes of payload in this frame, 0 to 2^63-1.</param>
    /// <param name="endOfMessage">Whether this is the last fragment.</param>
    /// <param name="maskingKey">For a client: fresh from a strong source of randomness for every frame (section 5.3). Ignored for a server.</param>
    /// <param name="compressed">Whether the message is compressed (RFC 7692 section 6); its first fragment says so.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The type is neither text nor binary.</exception>
    /// <exception cref="InvalidOperationException">A message of the other type is in progress.</exception>
    public int WriteHeader(
        Span<byte> destination, WebSocketMessageType type, long payloadLength, bool endOfMessage, uint maskingKey, bool compressed = false)
    {
        Opcode opcode = type switch
        {
            WebSocketMessageType.Text => Opcode.Text,
            WebSocketMessageType.Binary => Opcode.Binary,
            _ => throw new ArgumentException("A data frame is text or binary; WriteClose writes a close frame.", nameof(type)),
        };
        bool continues = IsInMessage;
        EnsureNext(type);
        byte first = (byte)((endOfMessage ? FrameHeader.FinBit : 0) | (byte)(continues ? Opcode.Continuation : opcode));
        if (compressed && !continues) first |= FrameHeader.Rsv1Bit;
        int written = FrameHeader.Write(destination, first, payloadLength, _masks, maskingKey);
        _message = endOfMessage ? Opcode.Continuation : opcode;
        return written;
    }

    /// <summary>Writes a whole data frame.</summary>
    /// <param name="destination">At least <see cref="FrameLength"/> bytes; does not overlap the payload.</param>
    /// <param name="type">Text or binary, the same for all fragments of a message. Text is UTF-8, which is the caller's to ensure.</param>
    /// <param name="payload">The payload; it is not changed, a client masks its copy.</param>
    /// <param name="endOfMessage">Whether this is the last fragment.</param>
    /// <param name="maskingKey">For a client: fresh from a strong source of randomness. Ignored for a server.</param>
    /// <param name="compressed">Whether the message is compressed (RFC 7692 section 6).</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The type is neither text nor binary, or the destination is too short.</exception>
    /// <exception cref="InvalidOperationException">A message of the other type is in progress.</exception>
    public int WriteFrame(
        Span<byte> destination, WebSocketMessageType type, ReadOnlySpan<byte> payload, bool endOfMessage, uint maskingKey, bool compressed = false)
    {
        // Before the header: a frame that was not written must not leave a message begun.
        if (destination.Length < FrameLength(payload.Length)) ThrowTooShort();
        int header = WriteHeader(destination, type, payload.Length, endOfMessage, maskingKey, compressed);
        WritePayload(destination[header..], payload, maskingKey);
        return header + payload.Length;
    }

    /// <summary>Writes a ping or a pong. Control frames may stand between the fragments of a message (section 5.4).</summary>
    /// <param name="destination">At least <see cref="FrameLength"/> bytes.</param>
    /// <param name="opcode">Ping or pong; <see cref="WriteClose"/> writes a close frame.</param>
    /// <param name="payload">At most 125 bytes (section 5.5).</param>
    /// <param name="maskingKey">For a client: fresh from a strong source of randomness. Ignored for a server.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">Another opcode, or a payload over 125 bytes.</exception>
    public readonly int WriteControl(Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint maskingKey)
    {
        if (opcode is not (Opcode.Ping or Opcode.Pong)) throw new ArgumentException("Only pings and pongs.", nameof(opcode));
        return WriteControlFrame(destination, opcode, payload, maskingKey);
    }

    /// <summary>Writes a close frame (section 5.5.1). No data frame may follow it.</summary>
    /// <param name="destination">At least <see cref="FrameHeader.MaxLength"/> + <see cref="FrameHeader.MaxControlPayload"/> bytes.</param>
    /// <param name="status">The code; <see cref="WebSocketCloseStatus.Empty"/> for none.</param>
    /// <param name="reason">The reason, cut at 123 bytes of UTF-8.</param>
    /// <param name="maskingKey">For a client: fresh from a strong source of randomness. Ignored for a server.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The code must not be sent (section 7.4).</exception>
    public readonly int WriteClose(Span<byte> destination, WebSocketCloseStatus status, ReadOnlySpan<char> reason, uint maskingKey)
    {
        Span<byte> payload = stackalloc byte[FrameHeader.MaxControlPayload];
        int length = ClosePayload.Write(payload, status, reason);
        return WriteControlFrame(destination, Opcode.Close, payload[..length], maskingKey);
    }

    private readonly int WriteControlFrame(Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint maskingKey)
    {
        if (payload.Length > FrameHeader.MaxControlPayload)
        {
            throw new ArgumentException("RFC 6455 section 5.5: a control frame has at most 125 bytes of payload.", nameof(payload));
        }

        int header = FrameHeader.Write(destination, (byte)(FrameHeader.FinBit | (byte)opcode), payload.Length, _masks, maskingKey);
        WritePayload(destination[header..], payload, maskingKey);
        return header + payload.Length;
    }

    private readonly void WritePayload(Span<byte> destination, ReadOnlySpan<byte> payload, uint maskingKey)
    {
        if (_masks) Masking.Apply(payload, destination, maskingKey);
        else payload.CopyTo(destination);
    }

    private static void ThrowTooShort() => throw new ArgumentException("The destination is shorter than the frame.", "destination");

    private static void ThrowTypeChanged() =>
        throw new InvalidOperationException("RFC 6455 section 5.4: the message in progress has another type; end it first.");
}
