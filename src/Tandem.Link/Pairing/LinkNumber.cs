using System.Buffers.Binary;
using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Pairing;

/// <summary>
/// The number by which the owners see that nobody stands between their ends. It comes from random numbers of both, of which neither is chosen when the other is known:
/// from the transcript alone somebody could try keys until two digits agree.
/// </summary>
internal static class LinkNumber
{
    /// <summary>Two digits.</summary>
    private const int Numbers = 100;

    /// <summary>What the phone shows: the number and two others.</summary>
    private const int Choices = 3;

    public static byte[] Commit(ReadOnlySpan<byte> computerNonce)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("tandem-link-1 commitment"u8);
        hash.AppendData(computerNonce);
        return hash.GetHashAndReset();
    }

    public static int Compute(ReadOnlySpan<byte> handshakeHash, ReadOnlySpan<byte> phoneNonce, ReadOnlySpan<byte> computerNonce)
    {
        Span<byte> material = stackalloc byte[2 * LinkLimits.KeyBytes];
        phoneNonce.CopyTo(material);
        computerNonce.CopyTo(material[LinkLimits.KeyBytes..]);
        Span<byte> output = stackalloc byte[sizeof(ulong)];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, material, output, handshakeHash, "number"u8);
        // The remainder prefers some numbers by one part in 10^17.
        return (int)(BinaryPrimitives.ReadUInt64BigEndian(output) % Numbers);
    }

    /// <summary>The number among others that are drawn at random, in random order.</summary>
    public static int[] Choose(int number)
    {
        Span<int> choices = stackalloc int[Choices];
        choices[0] = number;
        for (int count = 1; count < Choices;)
        {
            int decoy = RandomNumberGenerator.GetInt32(Numbers);
            if (!choices[..count].Contains(decoy)) choices[count++] = decoy;
        }

        RandomNumberGenerator.Shuffle(choices);
        return choices.ToArray();
    }
}
