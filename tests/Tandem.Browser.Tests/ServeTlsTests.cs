using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Playwright;

namespace Tandem.Browser.Tests;

/// <summary><c>tandem serve --tls</c> as its users meet it.</summary>
public sealed class ServeTlsTests : IDisposable
{
    private readonly TemporaryDirectory _home = new();

    private (string, string) DataHome => ("XDG_DATA_HOME", _home.Path);

    [Fact]
    public async Task The_certificate_is_told_kept_and_offered_to_phones()
    {
        (TandemProcess first, Uri address) = await StartAsync("serve --tls --port 0", DataHome);
        string[] told;
        await using (first)
        {
            told = [await first.ReadLineAsync(), await first.ReadLineAsync(), await first.ReadLineAsync()];
            using X509Certificate2 presented = await PresentedAsync(address.Port);
            Assert.Equal($"Certificate, SHA-256: {Fingerprint(presented)}", told[0]);
            string authorityPath = Path.Combine(_home.Path, "tandem", "ca.crt");
            Assert.Contains(authorityPath, told[1], StringComparison.Ordinal);
            using X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(authorityPath);
            Assert.EndsWith(Fingerprint(authority), told[2], StringComparison.Ordinal);

            using var client = new HttpClient(new SocketsHttpHandler
            {
                SslOptions = { CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck } },
            });
            using HttpResponseMessage offered = await client.GetAsync(new Uri(address, "/ca.crt"));
            Assert.Equal("application/x-x509-ca-cert", offered.Content.Headers.ContentType?.MediaType);
            Assert.Equal(await File.ReadAllTextAsync(authorityPath), await offered.Content.ReadAsStringAsync());
        }

        (TandemProcess second, _) = await StartAsync("serve --tls --port 0", DataHome);
        await using (second) Assert.Equal(told[0], await second.ReadLineAsync());
    }

    [Fact]
    public async Task Chromium_takes_the_page_over_HTTP_2()
    {
        Assert.SkipUnless(Chromium.IsInstalled, "Chromium is not installed.");
        (TandemProcess tandem, Uri address) = await StartAsync("serve --tls --port 0", DataHome);
        await using (tandem)
        {
            // Chromium is told this one key. To tell it the authority would take NSS's tools, and trust it for every browser of this user.
            using X509Certificate2 presented = await PresentedAsync(address.Port);
            string key = Convert.ToBase64String(SHA256.HashData(presented.PublicKey.ExportSubjectPublicKeyInfo()));
            await using IBrowser browser = await Chromium.LaunchAsync($"--ignore-certificate-errors-spki-list={key}");
            IPage page = await browser.NewPageAsync();
            IResponse? answer = await page.GotoAsync(address.ToString());
            Assert.Equal(200, answer?.Status);
            Assert.Equal("h2", await page.EvaluateAsync<string>("performance.getEntriesByType('navigation')[0].nextHopProtocol"));
            Assert.True(await page.EvaluateAsync<bool>("isSecureContext"));
        }
    }

    [Fact]
    public async Task A_certificate_of_ones_own_is_served_as_Pfx_with_the_password_in_the_environment()
    {
        string path = _home.File("own.pfx");
        using X509Certificate2 own = MakeOwn(DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllBytesAsync(path, own.Export(X509ContentType.Pfx, "secret"));
        (TandemProcess tandem, Uri address) = await StartAsync($"serve --port 0 --cert {path}", ("TANDEM_CERT_PASSWORD", "secret"));
        await using (tandem)
        {
            Assert.Equal("https", address.Scheme);
            using X509Certificate2 presented = await PresentedAsync(address.Port);
            Assert.Equal(own.Thumbprint, presented.Thumbprint);
        }
    }

    [Fact]
    public async Task What_is_wrong_is_one_line_and_exit_code_1()
    {
        string absent = _home.File("absent.pem");
        await AssertFailsAsync($"--cert {absent}", $"tandem: {absent} does not exist.");
        string expired = _home.File("expired.pfx");
        using X509Certificate2 own = MakeOwn(DateTimeOffset.UtcNow.AddDays(-1));
        await File.WriteAllBytesAsync(expired, own.Export(X509ContentType.Pfx, "secret"));
        await AssertFailsAsync($"--cert {expired} --cert-password wrong", $"tandem: {expired} cannot be opened: the password is wrong.");
        await AssertFailsAsync($"--cert {expired} --cert-password secret", $"tandem: The certificate in {expired} expired on {own.NotAfter.ToUniversalTime():yyyy-MM-dd}.");
        await AssertFailsAsync("--key some.pem", "tandem: --key needs --cert.");
        string mine = Path.Combine(Directory.CreateDirectory(Path.Combine(_home.Path, "tandem")).FullName, "localhost.pem");
        await File.WriteAllTextAsync(mine, "mine");
        await AssertFailsAsync("--tls", $"tandem: {mine} is not a certificate that was made here, so it is left alone: move it away, or serve with a certificate of your own.");
    }

    public void Dispose() => _home.Dispose();

    private static async Task<(TandemProcess Process, Uri Address)> StartAsync(string arguments, params (string Name, string Value)[] environment)
    {
        (TandemProcess process, string line) = await TandemProcess.StartAsync(arguments, "https://", environment);
        return (process, new Uri(line[line.IndexOf("https://", StringComparison.Ordinal)..]));
    }

    private async Task AssertFailsAsync(string arguments, string expected)
    {
        (int exitCode, string output, string error) = await TandemProcess.RunAsync($"serve --port 0 {arguments}", DataHome);
        Assert.Equal((1, "", expected), (exitCode, output, error.Trim()));
    }

    private static async Task<X509Certificate2> PresentedAsync(int port)
    {
        using var client = new TcpClient("127.0.0.1", port);
        byte[]? presented = null;
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, _, _) => (presented = certificate?.GetRawCertData()) is not null);
        await tls.AuthenticateAsClientAsync("localhost");
        return X509CertificateLoader.LoadCertificate(presented!);
    }

    private static string Fingerprint(X509Certificate2 certificate) =>
        BitConverter.ToString(certificate.GetCertHash(HashAlgorithmName.SHA256)).Replace('-', ':');

    private static X509Certificate2 MakeOwn(DateTimeOffset end)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(end.AddDays(-5), end);
    }
}
