using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Tandem.Protocol.Handshake;

namespace Tandem.Protocol.Drafts;

/// <summary>The server's answer in hixie-75 and hixie-76.</summary>
internal static class HixieHandshake
{
    /// <summary>
    /// Most bytes of a request's head. The answer repeats host, target and origin with longer names, up to 90 bytes more than the request, and has the bound of a head; the
    /// challenge behind the head has room within that bound, too.
    /// </summary>
    public const int MaxHeadLength = HttpHead.MaxLength - 128;

    /// <summary>The part of the challenge that stands behind the head in hixie-76 (section 1.3), in bytes.</summary>
    public const int ChallengeLength = 8;

    /// <summary>The answer to the challenge, which stands behind the head of the answer, in bytes: an MD5.</summary>
    public const int ResponseLength = 16;

    /// <summary>Reads Sec-WebSocket-Key1 or -Key2 (hixie-76 section 5.2): the number that its digits make, divided by the number of its spaces.</summary>
    /// <param name="key">The value.</param>
    /// <param name="number">The quotient.</param>
    /// <returns>
    /// False without a digit or a space, when the spaces do not divide the number, and when that has more than the 32 bits of section 4.1: no client
    /// of the draft has made such a key.
    /// </returns>
    public static bool TryReadKey(ReadOnlySpan<byte> key, out uint number)
    {
        number = 0;
        ulong digits = 0;
        uint spaces = 0;
        bool any = false;
        foreach (byte b in key)
        {
            if (b == ' ') spaces++;
            if (!char.IsAsciiDigit((char)b)) continue;
            any = true;
            digits = (digits * 10) + (uint)(b - '0');
            if (digits > uint.MaxValue) return false;
        }

        if (!any || spaces == 0 || digits % spaces != 0) return false;
        number = (uint)digits / spaces;
        return true;
    }

    /// <summary>Computes the answer to a challenge (section 5.2): MD5 over both numbers, big-endian, and the eight bytes.</summary>
    /// <param name="first">From Sec-WebSocket-Key1.</param>
    /// <param name="second">From Sec-WebSocket-Key2.</param>
    /// <param name="third">The bytes behind the head; <see cref="ChallengeLength"/>.</param>
    /// <param name="response">Receives <see cref="ResponseLength"/> bytes.</param>
    [SuppressMessage("Security", "CA5351:Do Not Use Broken Cryptographic Algorithms", Justification = "The draft prescribes MD5 here; nothing secret depends on it.")]
    public static void Respond(uint first, uint second, ReadOnlySpan<byte> third, Span<byte> response)
    {
        Span<byte> challenge = stackalloc byte[2 * sizeof(uint) + ChallengeLength];
        BinaryPrimitives.WriteUInt32BigEndian(challenge, first);
        BinaryPrimitives.WriteUInt32BigEndian(challenge[sizeof(uint)..], second);
        third.CopyTo(challenge[(2 * sizeof(uint))..]);
        MD5.HashData(challenge, response);
    }

    /// <summary>Writes the answer that switches protocols; the arguments are those of <see cref="ServerHandshake.WriteAccepted"/>.</summary>
    public static int WriteAccepted(Span<byte> destination, in UpgradeRequest request, string? subprotocol, ReadOnlySpan<KeyValuePair<string, string>> fields)
    {
        bool proves = request.Draft == WebSocketDrafts.Hixie76;
        var writer = new HeadWriter(destination);
        // Clients of hixie-75 compare the first three lines byte by byte (section 3.1).
        writer.Append(proves ? "HTTP/1.1 101 WebSocket Protocol Handshake\r\n"u8 : "HTTP/1.1 101 Web Socket Protocol Handshake\r\n"u8);
        writer.Append("Upgrade: WebSocket\r\nConnection: Upgrade\r\n"u8);
        if (!request.Origin.IsEmpty) AppendField(ref writer, proves ? "Sec-WebSocket-Origin: "u8 : "WebSocket-Origin: "u8, request.Origin);
        writer.Append(proves ? "Sec-WebSocket-Location: ws://"u8 : "WebSocket-Location: ws://"u8);
        writer.Append(request.Host);
        // As the client spelled it: it compares.
        if (request.Target[0] == '/') writer.Append(request.Target);
        else AppendResource(ref writer, in request);
        writer.Append("\r\n"u8);
        if (subprotocol is not null) writer.AppendField(proves ? "Sec-WebSocket-Protocol" : "WebSocket-Protocol", subprotocol);
        foreach ((string name, string value) in fields) writer.AppendField(name, value);
        writer.Append("\r\n"u8);
        if (!proves) return writer.Written;
        request.Head.TryGetSingle("Sec-WebSocket-Key1"u8, out ReadOnlySpan<byte> key1);
        request.Head.TryGetSingle("Sec-WebSocket-Key2"u8, out ReadOnlySpan<byte> key2);
        TryReadKey(key1, out uint first);
        TryReadKey(key2, out uint second);
        Respond(first, second, request.Challenge, writer.Take(ResponseLength));
        return writer.Written;
    }

    private static void AppendField(ref HeadWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        writer.Append(name);
        writer.Append(value);
        writer.Append("\r\n"u8);
    }

    private static void AppendResource(ref HeadWriter writer, in UpgradeRequest request)
    {
        writer.Append(request.Path);
        if (request.Query.IsEmpty) return;
        writer.Append("?"u8);
        writer.Append(request.Query);
    }
}
