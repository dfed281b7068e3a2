using System.Buffers.Text;
using System.Globalization;

namespace Tandem.WebSockets.Client;

/// <summary>
/// Where the body of a refusal ends (RFC 9112 section 6.3), and what it is without its chunks. It is for a person to read, from a peer that is
/// about to be left, so it is read loosely: what is malformed ends the body, and nothing is refused.
/// </summary>
internal readonly struct ResponseBody
{
    private const int MaxLength = WebSocketConnectException.MaxBodyLength;

    private readonly bool _chunked;
    private readonly int _length;

    /// <summary>Reads how the body is framed.</summary>
    /// <param name="head">The head before it.</param>
    public ResponseBody(ResponseHead head)
    {
        _chunked = head.Values("Transfer-Encoding").Any(value => value.EndsWith("chunked", StringComparison.OrdinalIgnoreCase));
        string? announced = head.Values("Content-Length").FirstOrDefault();
        bool known = ulong.TryParse(announced, NumberStyles.None, CultureInfo.InvariantCulture, out ulong length);
        // Without either field the body goes on until the peer ends; 204 and 304 have none.
        _length = head.Status is 204 or 304 ? 0 : known ? (int)Math.Min(length, MaxLength) : MaxLength;
    }

    /// <summary>Whether nothing more need be received.</summary>
    /// <param name="received">What has been received behind the head.</param>
    /// <returns>True when the body has ended, or as much as is kept of it is there.</returns>
    public bool IsEnough(ReadOnlySpan<byte> received)
    {
        if (!_chunked || _length == 0) return received.Length >= _length;
        return ReadChunks(received, stackalloc byte[MaxLength], out int length) || length == MaxLength;
    }

    /// <summary>The body.</summary>
    /// <param name="received">What has been received behind the head.</param>
    /// <returns>At most <see cref="WebSocketConnectException.MaxBodyLength"/> bytes.</returns>
    public byte[] Decode(ReadOnlySpan<byte> received)
    {
        if (!_chunked || _length == 0) return received[..Math.Min(received.Length, _length)].ToArray();
        Span<byte> body = stackalloc byte[MaxLength];
        ReadChunks(received, body, out int length);
        return body[..length].ToArray();
    }

    // RFC 9112 section 7.1. From the start each time: what is received is at most one buffer, so there is no state worth keeping.
    private static bool ReadChunks(ReadOnlySpan<byte> rest, Span<byte> body, out int length)
    {
        length = 0;
        while (length < body.Length)
        {
            int end = rest.IndexOf("\r\n"u8);
            if (end < 0) return false;
            // Behind the size there may be an extension (section 7.1.1), which the parser stops at.
            if (!Utf8Parser.TryParse(rest[..end], out uint size, out _, 'x') || size == 0) return true;
            rest = rest[(end + 2)..];
            int taken = (int)Math.Min(size, (uint)Math.Min(rest.Length, body.Length - length));
            rest[..taken].CopyTo(body[length..]);
            length += taken;
            if (size > (uint)taken || rest.Length < taken + 2) return false;
            rest = rest[(taken + 2)..];
        }

        return true;
    }
}
