using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tandem.Server.Tls;

/// <summary>
/// How the certificates of a machine's own authority are made: one authority, which people tell their devices to trust, and what it signs,
/// which may then change as often as the machine's addresses do.
/// </summary>
/// <remarks>
/// The authority may name local hosts only (RFC 5280 section 4.2.1.10), so its key, were it stolen, could not stand for a bank.
/// Addresses it may name all: those of a machine change, and sites that people trust go by names.
/// </remarks>
internal static class LocalAuthority
{
    /// <summary>In the subject of everything made here, and so the mark by which a file is known not to be someone else's.</summary>
    private const string Organization = "Tandem local certificates";

    /// <summary>Browsers accept no longer validity than 398 days (CA/Browser Forum Baseline Requirements, 6.3.2).</summary>
    private static readonly TimeSpan LeafValidity = TimeSpan.FromDays(397);

    private static readonly TimeSpan AuthorityValidity = TimeSpan.FromDays(3650);

    /// <summary>A leaf is renewed this long before its end, and an authority when its end would cut the validity of a leaf.</summary>
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    /// <summary>Clocks of phones are wrong, by minutes mostly.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    // RFC 6761 and 6762, RFC 8375, and the two that home routers use.
    private static readonly string[] LocalDomains = ["localhost", "local", "home.arpa", "lan", "internal"];

    public static X509Certificate2 CreateAuthority(MachineNames names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Tandem local authority {now:yyyy-MM-dd}, O={Organization}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLengthConstraint: 0));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(NameConstraints(names));
        return request.CreateSelfSigned(now - ClockSkew, now + AuthorityValidity);
    }

    public static X509Certificate2 CreateLeaf(X509Certificate2 authority, MachineNames names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=localhost, O={Organization}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false)); // serverAuth
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (string name in names.Names) alternatives.AddDnsName(name);
        foreach (IPAddress address in names.Addresses) alternatives.AddIpAddress(address);
        request.CertificateExtensions.Add(alternatives.Build());

        byte[] serial = RandomNumberGenerator.GetBytes(16); // RFC 5280 section 4.1.2.2: at most 20 bytes, positive
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        using X509Certificate2 certificate = request.Create(authority, now - ClockSkew, now - ClockSkew + LeafValidity, serial);
        return certificate.CopyWithPrivateKey(key);
    }

    public static bool IsOurs(X509Certificate2 certificate) =>
        certificate.SubjectName.EnumerateRelativeDistinguishedNames().Any(part =>
            !part.HasMultipleElements && part.GetSingleElementType().Value == "2.5.4.10" && part.GetSingleElementValue() == Organization);

    /// <summary>Whether it may name this machine, and what it signs now would not outlive it.</summary>
    public static bool IsAuthorityGood(X509Certificate2 authority, MachineNames names, DateTimeOffset now) =>
        authority.NotBefore <= now.LocalDateTime
        && authority.NotAfter >= (now + LeafValidity).LocalDateTime
        && authority.Extensions.FirstOrDefault(extension => extension.Oid?.Value == NameConstraintsOid)?.RawData is { } constraints
        && constraints.AsSpan().SequenceEqual(NameConstraints(names).RawData);

    /// <summary>Whether it names this machine as it is, is the authority's, and will be valid for a while.</summary>
    public static bool IsLeafGood(X509Certificate2 leaf, X509Certificate2 authority, MachineNames names, DateTimeOffset now)
    {
        if (leaf.NotAfter < (now + RenewBefore).LocalDateTime) return false;
        X509SubjectAlternativeNameExtension? alternatives = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        if (alternatives is null || !names.Names.ToHashSet().SetEquals(alternatives.EnumerateDnsNames())) return false;
        if (!names.Addresses.ToHashSet().SetEquals(alternatives.EnumerateIPAddresses())) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        return chain.Build(leaf);
    }

    private const string NameConstraintsOid = "2.5.29.30";

    // NameConstraints ::= SEQUENCE { permittedSubtrees [0] SEQUENCE OF SEQUENCE { base GeneralName } }, dNSName being [2] IA5String.
    private static X509Extension NameConstraints(MachineNames names)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
        {
            foreach (string domain in LocalDomains.Concat(names.Names).Distinct().Order(StringComparer.Ordinal))
            {
                using (writer.PushSequence()) writer.WriteCharacterString(UniversalTagNumber.IA5String, domain, new Asn1Tag(TagClass.ContextSpecific, 2));
            }
        }

        return new X509Extension(NameConstraintsOid, writer.Encode(), critical: true);
    }
}
