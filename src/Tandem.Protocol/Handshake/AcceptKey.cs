using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Tandem.Protocol.Handshake;

/// <summary>
/// Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 sections 1.3 and 4.2.2): accept = base64(SHA-1(key + GUID)). It proves that the
/// server understood a WebSocket handshake, and is no answer out of a cache. It authenticates nobody and encrypts nothing.
/// </summary>
public static class AcceptKey
{
    /// <summary>Characters of a key: base64 of 16 bytes.</summary>
    public const int KeyLength = 24;

    /// <summary>Characters of an accept value: base64 of the 20 bytes of SHA-1.</summary>
    public const int AcceptLength = 28;

    /// <summary>The GUID of section 1.3, which no server sends by accident.</summary>
    public static ReadOnlySpan<byte> ProtocolGuid => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    /// <summary>Whether a key is base64 of 16 bytes (section 4.2.1, item 5).</summary>
    /// <param name="key">The value of Sec-WebSocket-Key.</param>
    /// <returns>True when it is.</returns>
    public static bool IsValid(ReadOnlySpan<byte> key)
    {
        Span<byte> decoded = stackalloc byte[18]; // what 24 characters can decode to
        return key.Length == KeyLength
            && Base64.DecodeFromUtf8(key, decoded, out int consumed, out int written) == OperationStatus.Done
            && consumed == KeyLength
            && written == 16;
    }

    /// <summary>Computes the accept value.</summary>
    /// <param name="key">The value of Sec-WebSocket-Key, 24 characters.</param>
    /// <param name="accept">Receives <see cref="AcceptLength"/> characters.</param>
    /// <exception cref="ArgumentException">The key is not 24 characters long.</exception>
    [SuppressMessage("Security", "CA5350:Do Not Use Weak Cryptographic Algorithms", Justification = "RFC 6455 prescribes SHA-1 here; nothing secret depends on it (section 10.8).")]
    public static void Compute(ReadOnlySpan<byte> key, Span<byte> accept)
    {
        if (key.Length != KeyLength) throw new ArgumentException("A key is 24 characters long.", nameof(key));
        Span<byte> input = stackalloc byte[KeyLength + 36];
        key.CopyTo(input);
        ProtocolGuid.CopyTo(input[KeyLength..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(input, hash);
        Base64.EncodeToUtf8(hash, accept, out _, out _);
    }
}
