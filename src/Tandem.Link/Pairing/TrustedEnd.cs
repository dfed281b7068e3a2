using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Tandem.Link.Noise;
using Tandem.Link.Protocol;

namespace Tandem.Link.Pairing;

/// <summary>Another end with which this one links without a code: a key pair that is for it alone, and its public key.</summary>
public sealed class TrustedEnd : IDisposable
{
    private readonly byte[] _otherPublicKey;
    private readonly byte[] _routingId = new byte[LinkLimits.RoutingIdBytes];

    private TrustedEnd(LinkKeyPair own, ReadOnlySpan<byte> otherPublicKey)
    {
        Own = own;
        _otherPublicKey = otherPublicKey.ToArray();
        Span<byte> secret = stackalloc byte[LinkLimits.KeyBytes];
        P256.Agree(own, otherPublicKey, secret);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, _routingId, "tandem-link-1 trusted"u8, "routing"u8);
        CryptographicOperations.ZeroMemory(secret);
    }

    /// <summary>This end's key pair for the other one.</summary>
    public LinkKeyPair Own { get; }

    /// <summary>65 bytes.</summary>
    public ReadOnlyMemory<byte> OtherPublicKey => _otherPublicKey;

    /// <summary>16 bytes: the ticket that the computer keeps open for this phone.</summary>
    public ReadOnlyMemory<byte> RoutingId => _routingId;

    /// <summary>Joins what TRUST has brought.</summary>
    /// <param name="own">This end's key pair, which becomes this object's to dispose of.</param>
    /// <param name="otherPublicKey">The other end's public key.</param>
    /// <param name="trusted">The other end.</param>
    /// <returns>False: the public key is not a point of the curve.</returns>
    public static bool TryCreate(LinkKeyPair own, ReadOnlySpan<byte> otherPublicKey, [NotNullWhen(true)] out TrustedEnd? trusted)
    {
        trusted = P256.IsPoint(otherPublicKey) ? new TrustedEnd(own, otherPublicKey) : null;
        return trusted != null;
    }

    /// <summary>Erases the private key: this end no longer trusts the other.</summary>
    public void Dispose() => Own.Dispose();
}
