using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Tandem.Coap;

/// <summary>A message (RFC 7252 section 3): header, token, options, payload. What a peer sent is read without an exception, whatever it is.</summary>
public sealed partial class CoapMessage
{
    /// <summary>The bytes of the header.</summary>
    public const int HeaderLength = 4;

    /// <summary>
    /// The most options of a message that is read: 64. The RFC has no bound; a path of the longest URI that makes sense has a dozen segments, and a
    /// datagram of one-byte options would otherwise make a thousand objects.
    /// </summary>
    public const int MaxOptions = 64;

    /// <summary>The longest value that the encoding of an option has: 65,535 + 269 bytes (section 3.1).</summary>
    internal const int MaxOptionLength = ushort.MaxValue + 269;

    private const byte PayloadMarker = 0xFF;

    /// <summary>A message without options and payload.</summary>
    /// <param name="type">The type.</param>
    /// <param name="code">Method, response code, or <see cref="CoapCode.Empty"/>.</param>
    /// <param name="messageId">The message ID.</param>
    /// <param name="token">The token; none by default.</param>
    public CoapMessage(CoapType type, CoapCode code, ushort messageId, CoapToken token = default)
    {
        Type = type;
        Code = code;
        MessageId = messageId;
        Token = token;
    }

    /// <summary>The type.</summary>
    public CoapType Type { get; }

    /// <summary>Method, response code, or <see cref="CoapCode.Empty"/>.</summary>
    public CoapCode Code { get; }

    /// <summary>What acknowledgements and resets are matched by, and duplicates found (section 4.4).</summary>
    public ushort MessageId { get; }

    /// <summary>What a response is matched by.</summary>
    public CoapToken Token { get; }

    /// <summary>The options.</summary>
    public CoapOptionSet Options { get; init; } = new();

    /// <summary>The payload; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Whether it is an empty message: a ping, or an acknowledgement or reset without more.</summary>
    public bool IsEmpty => Code == CoapCode.Empty;

    /// <summary>Reads a datagram. Never throws for what is in it.</summary>
    /// <param name="datagram">The whole datagram. Token, options and payload are slices of it: it must not change afterwards.</param>
    /// <param name="message">The message, when it is one.</param>
    /// <param name="fault">The first rule that it breaks.</param>
    /// <returns>Whether it is a message.</returns>
    public static bool TryParse(ReadOnlyMemory<byte> datagram, [NotNullWhen(true)] out CoapMessage? message, out CoapFault fault)
    {
        message = null;
        ReadOnlySpan<byte> span = datagram.Span;
        fault = JudgeHeader(span);
        if (fault != CoapFault.None) return false;
        int at = HeaderLength + (span[0] & 0x0F);
        var options = new CoapOptionSet();
        fault = ReadOptions(datagram, ref at, options);
        if (fault != CoapFault.None) return false;
        message = new CoapMessage(TypeOf(span), new CoapCode(span[1]), IdOf(span), new CoapToken(span[HeaderLength..(HeaderLength + (span[0] & 0x0F))]))
        {
            Options = options,
            Payload = datagram[at..],
        };
        return true;
    }

    internal static CoapType TypeOf(ReadOnlySpan<byte> datagram) => (CoapType)((datagram[0] >> 4) & 3);

    internal static ushort IdOf(ReadOnlySpan<byte> datagram) => BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);

    private static CoapFault JudgeHeader(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < HeaderLength) return CoapFault.TooShort;
        if (datagram[0] >> 6 != 1) return CoapFault.UnknownVersion;
        int token = datagram[0] & 0x0F;
        if (token > CoapToken.MaxLength) return CoapFault.ReservedTokenLength;
        var code = new CoapCode(datagram[1]);
        // Section 4.1: an empty message has nothing but its header. It is judged before the token is looked for, which is a fault in itself.
        if (code == CoapCode.Empty && (token != 0 || datagram.Length != HeaderLength)) return CoapFault.EmptyWithContent;
        if (datagram.Length < HeaderLength + token) return CoapFault.TruncatedToken;
        if (code.Class is 1 or 6 or 7) return CoapFault.ReservedCodeClass;
        // Table 1 of section 4.3: which type may be what.
        return TypeOf(datagram) switch
        {
            CoapType.NonConfirmable when code == CoapCode.Empty => CoapFault.NonConfirmableEmpty,
            CoapType.Acknowledgement when code.IsRequest => CoapFault.AcknowledgedRequest,
            CoapType.Reset when code != CoapCode.Empty => CoapFault.ResetNotEmpty,
            _ => CoapFault.None,
        };
    }

    private static CoapFault ReadOptions(ReadOnlyMemory<byte> datagram, ref int at, CoapOptionSet options)
    {
        ReadOnlySpan<byte> span = datagram.Span;
        int number = 0;
        while (at < span.Length)
        {
            byte first = span[at++];
            if (first == PayloadMarker) return at == span.Length ? CoapFault.EmptyPayload : CoapFault.None;
            if (first >> 4 == 15) return CoapFault.ReservedOptionDelta;
            if ((first & 15) == 15) return CoapFault.ReservedOptionLength;
            if (!TryReadExtended(span, ref at, first >> 4, out int delta) || !TryReadExtended(span, ref at, first & 15, out int length)) return CoapFault.TruncatedOption;
            number += delta;
            if (number > ushort.MaxValue) return CoapFault.OptionNumberTooLarge;
            if (length > span.Length - at) return CoapFault.TruncatedOption;
            if (options.Count == MaxOptions) return CoapFault.TooManyOptions;
            options.Add((CoapOptionNumber)number, datagram.Slice(at, length));
            at += length;
        }

        return CoapFault.None;
    }

    /// <summary>Section 3.1: 13 means that one more byte follows, 14 that two do.</summary>
    private static bool TryReadExtended(ReadOnlySpan<byte> span, ref int at, int nibble, out int value)
    {
        value = nibble;
        int more = nibble < 13 ? 0 : nibble - 12;
        if (span.Length - at < more) return false;
        if (more == 1) value = span[at] + 13;
        if (more == 2) value = BinaryPrimitives.ReadUInt16BigEndian(span[at..]) + 269;
        at += more;
        return true;
    }
}
