using System.Buffers.Binary;

namespace Tandem.Coap;

/// <summary>What ties a response to its request (RFC 7252 section 5.3.1): 0 to 8 bytes.</summary>
public readonly record struct CoapToken
{
    /// <summary>The most bytes that a token has.</summary>
    public const int MaxLength = 8;

    private readonly ulong _bytes;

    /// <summary>A token of these bytes.</summary>
    /// <param name="bytes">0 to 8 bytes.</param>
    /// <exception cref="ArgumentException">There are more than 8.</exception>
    public CoapToken(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxLength) throw new ArgumentException("A token has at most 8 bytes.", nameof(bytes));
        Span<byte> all = stackalloc byte[MaxLength];
        bytes.CopyTo(all);
        _bytes = BinaryPrimitives.ReadUInt64BigEndian(all);
        Length = bytes.Length;
    }

    /// <summary>0 to 8.</summary>
    public int Length { get; }

    /// <summary>Writes the bytes.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    public void CopyTo(Span<byte> destination)
    {
        Span<byte> all = stackalloc byte[MaxLength];
        BinaryPrimitives.WriteUInt64BigEndian(all, _bytes);
        all[..Length].CopyTo(destination);
    }

    /// <summary>The bytes in hexadecimal.</summary>
    /// <returns>0 to 16 digits.</returns>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[MaxLength];
        CopyTo(bytes);
        return Convert.ToHexString(bytes[..Length]);
    }
}
