using System.Buffers.Binary;
using System.Security.Cryptography;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Limits;

/// <summary>
/// The values of the Echo option (RFC 9175 section 2.3, and appendix A's method without state): the second at which it was made, and a code over that and the address.
/// Nothing is kept for an address until one of them has come back from it.
/// </summary>
internal sealed class EchoChallenge
{
    /// <summary>Four bytes of time, eight of the code: short, because a challenge must not be longer than what asked for it. Each try at 64 bits takes a datagram.</summary>
    public const int Length = 12;

    private readonly byte[] _key;
    private readonly TimeSpan _lifetime;

    /// <param name="key">Random; whoever has it can pretend any address.</param>
    /// <param name="lifetime">How long a value is good for.</param>
    public EchoChallenge(ReadOnlySpan<byte> key, TimeSpan lifetime)
    {
        _key = key.ToArray();
        _lifetime = lifetime;
    }

    public byte[] Create(CoapAddress address, TimeSpan now)
    {
        byte[] value = new byte[Length];
        Write(value, address, (uint)now.TotalSeconds);
        return value;
    }

    public bool IsValid(ReadOnlySpan<byte> value, CoapAddress address, TimeSpan now)
    {
        if (value.Length != Length) return false;
        uint made = BinaryPrimitives.ReadUInt32BigEndian(value);
        // Whole seconds, so a value may be judged up to one younger than it is.
        if (made > (uint)now.TotalSeconds || now - TimeSpan.FromSeconds(made) > _lifetime) return false;
        Span<byte> expected = stackalloc byte[Length];
        Write(expected, address, made);
        return CryptographicOperations.FixedTimeEquals(expected, value);
    }

    private void Write(Span<byte> destination, CoapAddress address, uint seconds)
    {
        Span<byte> input = stackalloc byte[26];
        Span<byte> code = stackalloc byte[HMACSHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt32BigEndian(destination, seconds);
        BinaryPrimitives.WriteUInt128BigEndian(input, address.Address);
        BinaryPrimitives.WriteUInt16BigEndian(input[16..], address.Port);
        BinaryPrimitives.WriteUInt32BigEndian(input[18..], address.Scope);
        BinaryPrimitives.WriteUInt32BigEndian(input[22..], seconds);
        HMACSHA256.HashData(_key, input, code);
        code[..(Length - 4)].CopyTo(destination[4..]);
    }
}
