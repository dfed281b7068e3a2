using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;
using System.Text.Unicode;

namespace Tandem.Protocol.Framing;

/// <summary>The body of a close frame (RFC 6455 section 5.5.1): nothing, or a code of two bytes and a UTF-8 reason.</summary>
public static class ClosePayload
{
    /// <summary>Largest reason, in bytes of UTF-8: what a control frame leaves beside the code.</summary>
    public const int MaxReasonLength = FrameHeader.MaxControlPayload - 2;

    /// <summary>Whether a code may appear in a close frame (section 7.4).</summary>
    /// <param name="status">The code.</param>
    /// <returns>
    /// True for 1000-1003 and 1007-1011, for 1012-1014 (registered with IANA since: service restart, try again later, bad gateway), for
    /// 3000-3999 (registered by libraries) and 4000-4999 (private). False for 1004 (reserved), for 1005, 1006 and 1015 (which exist
    /// to be reported, never sent) and for all others.
    /// </returns>
    public static bool IsSendable(WebSocketCloseStatus status) =>
        (int)status is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);

    /// <summary>Judges the payload of a close frame.</summary>
    /// <param name="payload">The unmasked payload.</param>
    /// <returns>The rule that it breaks, or <see cref="ProtocolFault.None"/>.</returns>
    public static ProtocolFault Validate(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty) return ProtocolFault.None;
        if (payload.Length == 1) return ProtocolFault.TruncatedCloseCode;
        if (!IsSendable((WebSocketCloseStatus)BinaryPrimitives.ReadUInt16BigEndian(payload))) return ProtocolFault.InvalidCloseCode;
        return Utf8.IsValid(payload[2..]) ? ProtocolFault.None : ProtocolFault.InvalidUtf8InCloseReason;
    }

    /// <summary>Takes apart a payload that <see cref="Validate"/> has passed.</summary>
    /// <param name="payload">The unmasked payload.</param>
    /// <param name="reason">The reason, UTF-8; empty when there is none.</param>
    /// <returns>The code; <see cref="WebSocketCloseStatus.Empty"/> (1005) when the payload is empty (section 7.1.5).</returns>
    public static WebSocketCloseStatus Read(ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> reason)
    {
        if (payload.Length < 2)
        {
            reason = default;
            return WebSocketCloseStatus.Empty;
        }

        reason = payload[2..];
        return (WebSocketCloseStatus)BinaryPrimitives.ReadUInt16BigEndian(payload);
    }

    /// <summary>Writes a payload.</summary>
    /// <param name="destination">At least <see cref="FrameHeader.MaxControlPayload"/> bytes.</param>
    /// <param name="status">The code; <see cref="WebSocketCloseStatus.Empty"/> writes an empty payload, which has no reason.</param>
    /// <param name="reason">The reason; cut at the last whole code point that fits <see cref="MaxReasonLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The code must not be sent (see <see cref="IsSendable"/>).</exception>
    public static int Write(Span<byte> destination, WebSocketCloseStatus status, ReadOnlySpan<char> reason)
    {
        if (status == WebSocketCloseStatus.Empty) return 0;
        if (!IsSendable(status)) ThrowNotSendable(status);
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)status);
        // FromUtf16 stops before the code point that no longer fits, so a cut reason is still UTF-8; lone surrogates become U+FFFD.
        Utf8.FromUtf16(reason, destination.Slice(2, MaxReasonLength), out _, out int written);
        return 2 + written;
    }

    /// <summary>The reason as text.</summary>
    /// <param name="reason">What <see cref="Read"/> gave.</param>
    /// <returns>The text; the empty string, without allocation, when there is none.</returns>
    public static string ReasonText(ReadOnlySpan<byte> reason) => reason.IsEmpty ? "" : Encoding.UTF8.GetString(reason);

    private static void ThrowNotSendable(WebSocketCloseStatus status) =>
        throw new ArgumentOutOfRangeException(nameof(status), (int)status, "RFC 6455 section 7.4: this close code must not be sent.");
}
