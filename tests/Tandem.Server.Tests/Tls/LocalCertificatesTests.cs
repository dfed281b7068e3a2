using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Tandem.Server.Tls;

namespace Tandem.Server.Tests.Tls;

/// <summary>The machine's own authority and certificate: what they hold, how long they are kept, and what is never touched.</summary>
public sealed class LocalCertificatesTests : IDisposable
{
    private static readonly MachineNames Names = new(["localhost", "desk", "desk.local"], [IPAddress.Loopback, IPAddress.IPv6Loopback, IPAddress.Parse("192.168.1.5")]);

    private readonly TemporaryDirectory _home = new();
    private readonly Calendar _calendar = new();

    [Theory]
    [InlineData("localhost")]
    [InlineData("desk.local")]
    [InlineData("192.168.1.5")]
    [InlineData("::1")]
    public async Task Who_trusts_the_authority_trusts_the_machine_under_each_of_its_names(string name)
    {
        using ServerCertificate made = Make();
        Assert.Equal(SslPolicyErrors.None, await HandshakeAsync(made, name));
    }

    [Fact]
    public async Task Under_another_name_or_without_the_authority_it_is_not_trusted()
    {
        using ServerCertificate made = Make();
        Assert.True((await HandshakeAsync(made, "other.local")).HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.True((await HandshakeAsync(made, "localhost", trusted: false)).HasFlag(SslPolicyErrors.RemoteCertificateChainErrors));
    }

    [Fact]
    public async Task The_authority_cannot_stand_for_the_rest_of_the_world()
    {
        using ServerCertificate made = Make();
        using var authority = X509Certificate2.CreateFromPemFile(_home.File("ca.pem"));
        using X509Certificate2 stolen = LocalAuthority.CreateLeaf(authority, new MachineNames(["bank.example"], []), _calendar.GetUtcNow());
        using var forged = new ServerCertificate(stolen, [X509CertificateLoader.LoadCertificate(authority.RawData)]);
        Assert.True((await HandshakeAsync(forged, "bank.example")).HasFlag(SslPolicyErrors.RemoteCertificateChainErrors));
    }

    [Fact]
    public void It_is_what_browsers_accept()
    {
        using ServerCertificate made = Make();
        X509Certificate2 leaf = made.Certificate;
        Assert.True((leaf.NotAfter - leaf.NotBefore).TotalDays <= 398);
        Assert.Equal("1.3.6.1.5.5.7.3.1", leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages[0].Value);
        Assert.Equal(256, leaf.GetECDsaPublicKey()!.KeySize);
        Assert.False(leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Matches("^([0-9A-F]{2}:){31}[0-9A-F]{2}$", ServerCertificate.Fingerprint(leaf));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Keys_are_for_their_owner_only_and_the_file_to_trust_has_none()
    {
        using ServerCertificate made = Make();
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(owner, File.GetUnixFileMode(_home.File("ca.pem")));
        Assert.Equal(owner, File.GetUnixFileMode(_home.File("localhost.pem")));
        Assert.DoesNotContain("PRIVATE", File.ReadAllText(Store().AuthorityPath), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_right_is_kept()
    {
        using ServerCertificate first = Make();
        _calendar.Days = 300;
        using ServerCertificate second = Make();
        Assert.Equal(first.Certificate.Thumbprint, second.Certificate.Thumbprint);
        Assert.True(second.Certificate.HasPrivateKey);
    }

    [Fact]
    public void Near_its_end_or_for_other_addresses_it_is_renewed_and_the_authority_is_not()
    {
        using ServerCertificate first = Make();
        _calendar.Days = 370;
        using ServerCertificate renewed = Make();
        using ServerCertificate moved = Make(Names with { Addresses = [IPAddress.Loopback] });
        Assert.Equal(3, new[] { first, renewed, moved }.Select(each => each.Certificate.Thumbprint).Distinct().Count());
        Assert.Single(new[] { first, renewed, moved }.Select(each => each.Chain[0].Thumbprint).Distinct());
    }

    [Fact]
    public void A_new_host_name_or_nine_years_take_a_new_authority()
    {
        using ServerCertificate first = Make();
        using ServerCertificate renamed = Make(Names with { Names = ["localhost", "laptop"] });
        _calendar.Days = 9 * 366;
        using ServerCertificate late = Make(Names with { Names = ["localhost", "laptop"] });
        Assert.Equal(3, new[] { first, renamed, late }.Select(each => each.Chain[0].Thumbprint).Distinct().Count());
        using X509Certificate2 exported = X509CertificateLoader.LoadCertificateFromFile(Store().AuthorityPath);
        Assert.Equal(late.Chain[0].Thumbprint, exported.Thumbprint);
    }

    [Theory]
    [InlineData("ca.pem")]
    [InlineData("ca.crt")]
    [InlineData("localhost.pem")]
    public void A_file_that_was_not_made_here_is_never_written_over(string name)
    {
        string path = _home.File(name, "mine");
        ServerCertificateException error = Assert.Throws<ServerCertificateException>(() => Make());
        Assert.StartsWith($"{path} is not a certificate that was made here", error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(path));
    }

    [Fact]
    public void A_place_that_cannot_be_written_to_is_named()
    {
        string blocked = Path.Combine(_home.File("file", "in the way"), "tandem");
        ServerCertificateException error = Assert.Throws<ServerCertificateException>(() => new LocalCertificates(blocked).GetOrCreate());
        Assert.Equal($"The certificates cannot be kept in {blocked}: it cannot be written to.", error.Message);
    }

    [Fact]
    public async Task Several_processes_at_once_agree_on_one()
    {
        ServerCertificate[] made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Make())));
        Assert.Single(made.Select(each => each.Certificate.Thumbprint).Distinct());
        foreach (ServerCertificate each in made) each.Dispose();
    }

    [Fact]
    public void The_machine_as_it_is_has_localhost_and_both_loopback_addresses()
    {
        MachineNames names = MachineNames.Current();
        Assert.Contains("localhost", names.Names);
        Assert.Contains(IPAddress.Loopback, names.Addresses);
        Assert.Contains(IPAddress.IPv6Loopback, names.Addresses);
        Assert.All(names.Addresses, address => Assert.False(address.IsIPv6LinkLocal));
    }

    public void Dispose() => _home.Dispose();

    private LocalCertificates Store() => new(_home.Path, _calendar);

    private ServerCertificate Make(MachineNames? names = null) => Store().GetOrCreate(names ?? Names);

    // What a client finds wrong with the server, over a real connection.
    private static async Task<SslPolicyErrors> HandshakeAsync(ServerCertificate server, string name, bool trusted = true)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        Task connecting = client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using TcpClient accepted = await listener.AcceptTcpClientAsync();
        await connecting;
        await using var serverSide = new SslStream(accepted.GetStream());
        Task answering = serverSide.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(server.Certificate, server.Chain, offline: true),
        });
        SslPolicyErrors found = SslPolicyErrors.None;
        await using var clientSide = new SslStream(client.GetStream());
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, TrustMode = X509ChainTrustMode.CustomRootTrust };
        if (trusted) policy.CustomTrustStore.Add(server.Chain[0]);
        try
        {
            await clientSide.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = name,
                CertificateChainPolicy = policy,
                RemoteCertificateValidationCallback = (_, _, _, errors) => (found = errors) == SslPolicyErrors.None,
            });
            await answering;
        }
        catch (AuthenticationException)
        {
            client.Close();
            await Task.WhenAny(answering);
        }

        return found;
    }
}
