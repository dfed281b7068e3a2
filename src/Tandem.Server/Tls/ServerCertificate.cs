using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tandem.Server.Tls;

/// <summary>What a TLS server proves itself with.</summary>
/// <param name="certificate">Its own certificate, with the private key.</param>
/// <param name="chain">The certificates that lead from it to one that clients know, as far as there are any.</param>
public sealed class ServerCertificate(X509Certificate2 certificate, X509Certificate2Collection chain) : IDisposable
{
    /// <summary>Its own certificate, with the private key.</summary>
    public X509Certificate2 Certificate { get; } = certificate;

    /// <summary>The certificates that lead from it to one that clients know, as far as there are any.</summary>
    public X509Certificate2Collection Chain { get; } = chain;

    /// <summary>The SHA-256 fingerprint of a certificate, as browsers and phones show it: pairs of digits with colons between.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <returns>95 characters.</returns>
    public static string Fingerprint(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return string.Join(':', certificate.GetCertHash(HashAlgorithmName.SHA256).Select(value => value.ToString("X2", null)));
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Certificate.Dispose();
        foreach (X509Certificate2 other in Chain) other.Dispose();
    }
}
