using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tandem.Tests.Support;

/// <summary>Certificates that exist for the length of a run.</summary>
internal static class Certificates
{
    /// <summary>Of a server that is called localhost and 127.0.0.1.</summary>
    public static X509Certificate2 Server { get; } = Create("localhost");

    /// <summary>Of whom it knows as alice.</summary>
    public static X509Certificate2 Client { get; } = Create("alice");

    /// <summary>Trusts the server's certificate and nothing else, by the platform's own rules: chain, dates, name.</summary>
    public static void Trust(SslClientAuthenticationOptions tls)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(Server);
        tls.CertificateChainPolicy = policy;
    }

    private static X509Certificate2 Create(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
