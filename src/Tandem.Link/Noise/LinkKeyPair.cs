using System.Security.Cryptography;

namespace Tandem.Link.Noise;

/// <summary>A key pair on P-256: for one handshake, or for one other end that is trusted.</summary>
public sealed class LinkKeyPair : IDisposable
{
    private readonly byte[] _private;
    private readonly byte[] _public;
    private bool _isDisposed;

    private LinkKeyPair(byte[] privateKey, byte[] publicKey)
    {
        _private = privateKey;
        _public = publicKey;
    }

    /// <summary>65 bytes: the uncompressed point of SEC 1.</summary>
    public ReadOnlyMemory<byte> PublicKey => _public;

    /// <summary>Draws a new one.</summary>
    /// <returns>A key pair to be disposed of.</returns>
    public static LinkKeyPair Create()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        return From(key);
    }

    /// <summary>Takes one that was stored.</summary>
    /// <param name="privateKey">What <see cref="ExportPrivateKey"/> gave.</param>
    /// <returns>A key pair to be disposed of.</returns>
    /// <exception cref="CryptographicException">It is not a private key.</exception>
    public static LinkKeyPair Import(ReadOnlySpan<byte> privateKey)
    {
        if (!P256.IsScalar(privateKey)) throw new CryptographicException("A private key is a number of 32 bytes, from 1 to the order of the curve - 1.");
        byte[] scalar = privateKey.ToArray();
        try
        {
            // The public key is computed from the private one.
            using var key = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
            return From(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(scalar);
        }
    }

    /// <summary>The private key, to be stored.</summary>
    /// <returns>32 bytes, most significant first.</returns>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public byte[] ExportPrivateKey()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return [.. _private];
    }

    /// <summary>Erases the private key.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        CryptographicOperations.ZeroMemory(_private);
    }

    internal ECDiffieHellman Open()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = _private, Q = P256.ToPoint(_public) });
    }

    private static LinkKeyPair From(ECDiffieHellman key)
    {
        ECParameters parameters = key.ExportParameters(includePrivateParameters: true);
        return new LinkKeyPair(parameters.D!, P256.ToBytes(parameters.Q));
    }
}
