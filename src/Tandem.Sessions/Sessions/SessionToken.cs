using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Tandem.Sessions;

/// <summary>The two halves of a resume token: the session's id, by which it is found, and its secret, which is compared in constant time.</summary>
internal readonly record struct SessionToken(UInt128 Id, UInt128 Secret)
{
    private const int Half = 16;

    /// <summary>Characters of a half as text.</summary>
    public const int HalfTextLength = 22;

    /// <summary>Characters of a token as text.</summary>
    public const int TextLength = 43;

    public static UInt128 Random()
    {
        Span<byte> bytes = stackalloc byte[Half];
        RandomNumberGenerator.Fill(bytes);
        return MemoryMarshal.Read<UInt128>(bytes);
    }

    public static bool AreEqual(UInt128 first, UInt128 second) =>
        CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in first)), MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in second)));

    public static string Text(UInt128 half) => Base64Url.EncodeToString(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in half)));

    public static bool TryParse(ReadOnlySpan<byte> text, out SessionToken token)
    {
        token = default;
        Span<byte> bytes = stackalloc byte[2 * Half];
        if (text.Length != TextLength || !Base64Url.IsValid(text) || !Base64Url.TryDecodeFromUtf8(text, bytes, out int written) || written != bytes.Length) return false;
        token = new SessionToken(MemoryMarshal.Read<UInt128>(bytes), MemoryMarshal.Read<UInt128>(bytes[Half..]));
        return true;
    }

    public static bool TryParseHalf(ReadOnlySpan<byte> text, out UInt128 half)
    {
        half = default;
        Span<byte> bytes = stackalloc byte[Half];
        if (text.Length != HalfTextLength || !Base64Url.IsValid(text) || !Base64Url.TryDecodeFromUtf8(text, bytes, out int written) || written != Half) return false;
        half = MemoryMarshal.Read<UInt128>(bytes);
        return true;
    }

    /// <summary>The text of a half, in ASCII.</summary>
    public static void Write(UInt128 half, Span<byte> destination) => Base64Url.EncodeToUtf8(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in half)), destination);

    /// <summary>The text of the token, in ASCII.</summary>
    public void Write(Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[2 * Half];
        MemoryMarshal.Write(bytes, Id);
        MemoryMarshal.Write(bytes[Half..], Secret);
        Base64Url.EncodeToUtf8(bytes, destination);
    }
}
