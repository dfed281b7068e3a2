using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tandem.Server.Tls;

namespace Tandem.Server.Tests.Tls;

/// <summary>Certificates from files: every usual form is read, and what is wrong with one is said in a sentence that names the file.</summary>
public sealed class CertificateFileTests : IDisposable
{
    private static readonly PbeParameters Pbe = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, iterationCount: 1000);

    private readonly TemporaryDirectory _files = new();
    private readonly Calendar _calendar = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _certificate;

    public CertificateFileTests()
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=authority", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        _authority = authority.CreateSelfSigned(now.AddDays(-2), now.AddDays(100));
        _certificate = Issue("1.3.6.1.5.5.7.3.1");
    }

    private string Pem => _certificate.ExportCertificatePem() + "\n" + _authority.ExportCertificatePem() + "\n";

    [Fact]
    public void Pem_with_chain_and_key_in_one_file() => AssertWhole(CertificateFile.Load(_files.File("all.pem", Pem + _key.ExportPkcs8PrivateKeyPem())));

    [Fact]
    public void Pem_with_the_key_in_a_file_of_its_own() =>
        AssertWhole(CertificateFile.Load(_files.File("cert.pem", Pem), _files.File("key.pem", _key.ExportECPrivateKeyPem())));

    [Fact]
    public void Pem_with_an_encrypted_key()
    {
        string path = _files.File("all.pem", Pem + _key.ExportEncryptedPkcs8PrivateKeyPem("secret", Pbe));
        AssertWhole(CertificateFile.Load(path, password: "secret"));
        AssertFails($"{path} cannot be used with the private key in {path}: the password is wrong, or the key is not the certificate's.", path, password: "wrong");
        AssertFails($"The private key in {path} is encrypted, and there is no password.", path);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("secret")]
    public void Pfx(string? password)
    {
        string path = WritePfx(password);
        AssertWhole(CertificateFile.Load(path, password: password));
    }

    [Fact]
    public void What_is_wrong_with_a_Pfx()
    {
        string path = WritePfx("secret");
        AssertFails($"{path} cannot be opened: the password is wrong.", path, password: "wrong");
        AssertFails($"{path} is protected, and there is no password.", path);
        AssertFails($"{path} is no PEM file, so there can be no key in a file of its own.", path, keyPath: path);
        string bare = _files.File("bare.pfx");
        File.WriteAllBytes(bare, X509CertificateLoader.LoadCertificate(_certificate.RawData).Export(X509ContentType.Pfx));
        AssertFails($"{bare} holds no private key.", bare);
    }

    [Fact]
    public void What_is_wrong_with_a_file()
    {
        string absent = _files.File("absent.pem");
        AssertFails($"{absent} does not exist.", absent);
        AssertFails($"{_files.Path} cannot be read.", _files.Path);
        string noise = _files.File("noise", "neither");
        AssertFails($"{noise} is neither PEM nor PFX.", noise);
        string keyOnly = _files.File("key.pem", _key.ExportPkcs8PrivateKeyPem());
        AssertFails($"{keyOnly} holds no certificate.", keyOnly);
        string certificate = _files.File("cert.pem", Pem);
        AssertFails($"{certificate} holds no private key, and no key file was named.", certificate);
        AssertFails($"{certificate} holds no private key.", certificate, keyPath: certificate);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string otherKey = _files.File("other.pem", other.ExportPkcs8PrivateKeyPem());
        AssertFails($"{certificate} cannot be used with the private key in {otherKey}: the key is not the certificate's, or one of them is damaged.", certificate, keyPath: otherKey);
        string large = _files.File("large", new string('x', 2_000_000));
        AssertFails($"{large} is larger than 1048576 bytes, which no certificate is.", large);
    }

    [Fact]
    public void What_is_wrong_with_a_certificate()
    {
        string path = _files.File("all.pem", Pem + _key.ExportPkcs8PrivateKeyPem());
        _calendar.Days = 20;
        AssertFails($"The certificate in {path} expired on {_certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}.", path);
        _calendar.Days = -20;
        AssertFails($"The certificate in {path} is not valid before {_certificate.NotBefore.ToUniversalTime():yyyy-MM-dd}.", path);
        _calendar.Days = 0;
        using X509Certificate2 client = Issue("1.3.6.1.5.5.7.3.2");
        string forClients = _files.File("client.pem", client.ExportCertificatePem() + "\n" + _key.ExportPkcs8PrivateKeyPem());
        AssertFails($"The certificate in {forClients} is not for servers: serverAuth is not among its extended key usages.", forClients);
    }

    public void Dispose()
    {
        _files.Dispose();
        _certificate.Dispose();
        _authority.Dispose();
        _key.Dispose();
    }

    private X509Certificate2 Issue(string usage)
    {
        var request = new CertificateRequest("CN=localhost", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        return request.Create(_authority, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10), RandomNumberGenerator.GetBytes(8));
    }

    private string WritePfx(string? password)
    {
        using X509Certificate2 withKey = _certificate.CopyWithPrivateKey(_key);
        var all = new X509Certificate2Collection { withKey, X509CertificateLoader.LoadCertificate(_authority.RawData) };
        string path = _files.File("all.pfx");
        File.WriteAllBytes(path, all.Export(X509ContentType.Pfx, password)!);
        return path;
    }

    private void AssertWhole(ServerCertificate read)
    {
        using (read)
        {
            Assert.Equal(_certificate.Thumbprint, read.Certificate.Thumbprint);
            Assert.True(read.Certificate.HasPrivateKey);
            Assert.Equal(_authority.Thumbprint, Assert.Single(read.Chain).Thumbprint);
        }
    }

    private void AssertFails(string expected, string path, string? keyPath = null, string? password = null) =>
        Assert.Equal(expected, Assert.Throws<ServerCertificateException>(() => CertificateFile.Load(path, keyPath, password, _calendar)).Message);
}
