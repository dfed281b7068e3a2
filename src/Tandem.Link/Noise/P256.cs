using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Noise;

/// <summary>The curve NIST P-256 (FIPS 186-4, D.1.2.3): points as SEC 1 writes them, uncompressed.</summary>
internal static class P256
{
    private const int CoordinateBytes = 32;
    private const byte Uncompressed = 4;

    private static readonly BigInteger P = Parse("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    private static readonly BigInteger N = Parse("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    private static readonly BigInteger B = Parse("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    /// <summary>
    /// Whether these bytes are a point of the curve. Checked here, too, and not by the platform's library alone: a point of another curve would tell whoever sent it
    /// about the private key (invalid curve attacks), and what is accepted must not depend on the platform. The cofactor is 1, so every point will do.
    /// </summary>
    public static bool IsPoint(ReadOnlySpan<byte> key)
    {
        if (key.Length != LinkLimits.PublicKeyBytes || key[0] != Uncompressed) return false;
        var x = new BigInteger(key.Slice(1, CoordinateBytes), isUnsigned: true, isBigEndian: true);
        var y = new BigInteger(key[(1 + CoordinateBytes)..], isUnsigned: true, isBigEndian: true);
        return x < P && y < P && (((y * y) - (x * x * x) + (3 * x) - B) % P).IsZero;
    }

    /// <summary>Whether these bytes are a private key: a number from 1 to the order of the curve - 1. Libraries differ in what else they take.</summary>
    public static bool IsScalar(ReadOnlySpan<byte> key) =>
        key.Length == CoordinateBytes && key.ContainsAnyExcept((byte)0) && new BigInteger(key, isUnsigned: true, isBigEndian: true) < N;

    /// <summary>The shared secret: the x coordinate, 32 bytes.</summary>
    /// <exception cref="CryptographicException">The public key is not a point of the curve.</exception>
    public static void Agree(LinkKeyPair own, ReadOnlySpan<byte> other, Span<byte> secret)
    {
        if (!IsPoint(other)) throw new CryptographicException(LinkFault.InvalidPoint.Text());
        using ECDiffieHellman key = own.Open();
        using var peer = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = ToPoint(other) });
        using ECDiffieHellmanPublicKey publicKey = peer.PublicKey;
        byte[] agreed = key.DeriveRawSecretAgreement(publicKey);
        agreed.CopyTo(secret);
        CryptographicOperations.ZeroMemory(agreed);
    }

    public static ECPoint ToPoint(ReadOnlySpan<byte> key) =>
        new() { X = key.Slice(1, CoordinateBytes).ToArray(), Y = key[(1 + CoordinateBytes)..].ToArray() };

    public static byte[] ToBytes(ECPoint point) => [Uncompressed, .. point.X!, .. point.Y!];

    private static BigInteger Parse(string hex) => BigInteger.Parse("0" + hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
