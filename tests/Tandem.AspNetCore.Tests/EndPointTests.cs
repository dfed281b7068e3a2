using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests;

/// <summary>Every way in which Kestrel can be told where to listen: plaintext endpoints serve WebSockets, https endpoints never do so in plaintext.</summary>
public sealed class EndPointTests
{
    [Fact]
    public async Task A_handshake_in_plaintext_at_an_https_endpoint_is_never_answered_with_101()
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        await using OnePort host = await OnePort.StartAsync(builder => builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate))));
        await RefusedInPlaintextAsync(host.Port);
        using HttpClient client = TestCertificate.CreateClient(certificate);
        Assert.Equal("HTTP/2", await client.GetStringAsync(new Uri($"https://127.0.0.1:{host.Port}/protocol")));
    }

    [Fact]
    public async Task Http_and_https_side_by_side_each_keep_to_their_own()
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        await using OnePort host = await OnePort.StartAsync(builder => builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate));
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.IPv6Loopback, 0);
        }));
        int[] ports = [.. host.Urls.Select(url => new Uri(url).Port)];
        await RefusedInPlaintextAsync(ports[0]);
        await ServedAsync(new IPEndPoint(IPAddress.Loopback, ports[1]));
        await ServedAsync(new IPEndPoint(IPAddress.IPv6Loopback, ports[2]));
    }

    [Fact]
    public async Task Endpoints_that_are_https_by_their_defaults_are_known_too()
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        await using OnePort host = await OnePort.StartAsync(builder =>
        {
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.UseHttps(certificate)));
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        });
        await RefusedInPlaintextAsync(host.Port);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("tandem.localhost")]
    public async Task Localhost_is_both_loopback_addresses(string name)
    {
        int port = Ports.Free();
        await using OnePort host = await OnePort.StartAsync(builder => builder.WebHost.UseUrls($"http://{name}:{port}"));
        await ServedAsync(new IPEndPoint(IPAddress.Loopback, port));
        await ServedAsync(new IPEndPoint(IPAddress.IPv6Loopback, port));
    }

    [Fact]
    public async Task Localhost_over_https_is_plaintext_at_neither_of_them()
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        int port = Ports.Free();
        await using OnePort host = await OnePort.StartAsync(builder =>
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port, listen => listen.UseHttps(certificate))));
        await RefusedInPlaintextAsync(port);
        await RefusedInPlaintextAsync(port, IPAddress.IPv6Loopback);
    }

    [Fact]
    public async Task ListenAnyIP_is_IPv4_and_IPv6()
    {
        await using OnePort host = await OnePort.StartAsync(builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(0)));
        await ServedAsync(new IPEndPoint(IPAddress.Loopback, host.Port));
        await ServedAsync(new IPEndPoint(IPAddress.IPv6Loopback, host.Port));
        using var client = new HttpClient();
        Assert.Equal("a page", await client.GetStringAsync(host.Http("/page")));
    }

    [Fact]
    public async Task Endpoints_of_the_configuration_are_served_also_when_they_come_later()
    {
        using var directory = new TemporaryDirectory();
        string pfx = directory.File("own.pfx");
        using X509Certificate2 certificate = TestCertificate.Create();
        await File.WriteAllBytesAsync(pfx, certificate.Export(X509ContentType.Pfx));
        var settings = new ReloadableSettings
        {
            ["Kestrel:Endpoints:Plain:Url"] = "http://127.0.0.1:0",
            ["Kestrel:Endpoints:Secure:Url"] = "https://127.0.0.1:0",
            ["Kestrel:Endpoints:Secure:Certificate:Path"] = pfx,
        };
        await using OnePort host = await OnePort.StartAsync(builder =>
        {
            builder.Configuration.Sources.Add(settings);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Configure(builder.Configuration.GetSection("Kestrel"), reloadOnChange: true));
        });
        await ServedAsync(new IPEndPoint(IPAddress.Loopback, PortOf(host, "http")));
        await RefusedInPlaintextAsync(PortOf(host, "https"));

        int port = Ports.Free();
        settings["Kestrel:Endpoints:Later:Url"] = $"http://127.0.0.1:{port}";
        settings.Reload();
        await Eventually.True(() => host.Urls.Contains($"http://127.0.0.1:{port}"), "the new endpoint is bound");
        await ServedAsync(new IPEndPoint(IPAddress.Loopback, port));
    }

    [Fact]
    public async Task A_Unix_domain_socket_is_Kestrels_alone()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("tandem.sock");
        await using OnePort host = await OnePort.StartAsync(builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path)));
        Assert.StartsWith("HTTP/1.1 200", await AskAsync("GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 101", await AskAsync(Wire.Request("/echo")), StringComparison.Ordinal);

        async Task<string> AskAsync(string request)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync(Wire.Ascii(request));
            return await OnePort.ReadUntilAsync(stream, "\r\n\r\n");
        }
    }

    [Fact]
    public async Task A_path_that_has_a_route_already_is_refused_where_it_is_mapped()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => OnePort.StartAsync(
            _ => { },
            map: app => app.MapTandem(new WebSocketRoute("/echo", new OnePort.EchoHandler()))));
        Assert.Equal("The path /echo has a route already.", error.Message);
    }

    // Kestrel takes what is no TLS record for the end of the connection.
    private static async Task RefusedInPlaintextAsync(int port, IPAddress? address = null)
    {
        using RawClient client = await RawClient.Connect(new IPEndPoint(address ?? IPAddress.Loopback, port));
        await client.Send(Wire.Request("/echo"));
        Received end = await client.Read();
        Assert.True(end.Kind is Got.End or Got.Reset, $"{end.Kind}: {end.Text}");
    }

    private static async Task ServedAsync(IPEndPoint endPoint)
    {
        using RawClient client = await RawClient.Connect(endPoint);
        await client.Upgrade("/echo");
    }

    private static int PortOf(OnePort host, string scheme) => host.Urls.Select(url => new Uri(url)).Single(uri => uri.Scheme == scheme).Port;

    private sealed class ReloadableSettings : ConfigurationProvider, IConfigurationSource
    {
        public string this[string key]
        {
            set => Set(key, value);
        }

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public void Reload() => OnReload();
    }
}
