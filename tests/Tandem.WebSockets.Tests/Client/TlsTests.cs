using System.Net.Security;
using System.Security.Authentication;
using Tandem.WebSockets.Client;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>wss: the opening handshake inside TLS, with the platform's judgement of certificates and what a program adds to it.</summary>
public sealed class TlsTests
{
    [Theory]
    [InlineData("wss", "localhost")]
    [InlineData("https", "localhost")]
    [InlineData("wss", "127.0.0.1")]
    public async Task A_trusted_certificate_is_accepted(string scheme, string host)
    {
        await using ScriptedServer server = ScriptedServer.StartTls(Certificates.Server, Switch);
        ClientHandshakeResult result = await Connect(server.Uri(scheme: scheme, host: host), new() { ConfigureTls = Certificates.Trust });
        await using Stream stream = result.Stream;
        var secured = Assert.IsType<SslStream>(stream);
        // The server would rather speak HTTP/2, where no 101 exists (RFC 9113 section 8.6).
        Assert.Equal(SslApplicationProtocol.Http11, secured.NegotiatedApplicationProtocol);
        byte[] behind = new byte[6];
        result.Received.CopyTo(behind, 0);
        await stream.ReadExactlyAsync(behind.AsMemory(result.Received.Length)).AsTask().InTime();
        Assert.Equal("behind"u8, behind);
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_refused()
    {
        await using ScriptedServer server = ScriptedServer.StartTls(Certificates.Server, Switch);
        WebSocketConnectException failure = await Fails(server.Uri(scheme: "wss", host: "localhost"));
        Assert.Equal(WebSocketConnectPhase.Tls, failure.Phase);
        Assert.IsType<AuthenticationException>(failure.InnerException);
        Assert.Contains("certificate chain", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        await using ScriptedServer server = ScriptedServer.StartTls(Certificates.Server, Switch);
        WebSocketConnectException failure = await Fails(
            server.Uri(scheme: "wss", host: "name.example"), new() { ConfigureTls = Certificates.Trust }, Names("127.0.0.1"));
        Assert.Equal(WebSocketConnectPhase.Tls, failure.Phase);
        Assert.Contains("RemoteCertificateNameMismatch", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_may_judge_the_certificate_itself()
    {
        await using ScriptedServer server = ScriptedServer.StartTls(Certificates.Server, Switch);
        SslPolicyErrors errors = default;
        var options = new WebSocketClientOptions
        {
            ConfigureTls = tls => tls.RemoteCertificateValidationCallback = (_, certificate, _, found) =>
            {
                errors = found;
                return certificate!.GetCertHashString() == Certificates.Server.GetCertHashString();
            },
        };
        await using Stream stream = (await Connect(server.Uri(scheme: "wss", host: "name.example"), options, Names("127.0.0.1"))).Stream;
        Assert.Equal(SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch, errors);
    }

    [Fact]
    public async Task A_client_certificate_is_presented()
    {
        string? seen = null;
        await using ScriptedServer server = ScriptedServer.StartTls(
            Certificates.Server,
            async peer =>
            {
                seen = ((SslStream)peer.Stream).RemoteCertificate?.Subject;
                await Switch(peer);
            },
            clientCertificate: true);
        var options = new WebSocketClientOptions
        {
            ConfigureTls = tls =>
            {
                Certificates.Trust(tls);
                tls.ClientCertificates = [Certificates.Client];
            },
        };
        await using Stream stream = (await Connect(server.Uri(scheme: "wss", host: "localhost"), options)).Stream;
        Assert.Equal("CN=alice", seen);
    }

    [Fact]
    public async Task A_server_that_speaks_no_TLS_fails_in_that_step()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.Stream.ReadExactlyAsync(new byte[1]);
            await peer.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
            await peer.End();
        });
        WebSocketConnectException failure = await Fails(server.Uri(scheme: "wss"));
        Assert.Equal(WebSocketConnectPhase.Tls, failure.Phase);
        Assert.NotNull(failure.InnerException);
    }

    [Fact]
    public async Task What_configuring_throws_reaches_the_caller_and_nothing_is_connected()
    {
        var options = new WebSocketClientOptions { ConfigureTls = _ => throw new InvalidOperationException("mine") };
        await Assert.ThrowsAsync<InvalidOperationException>(() => Connect(new Uri("wss://localhost:1/"), options));
    }

    private static async Task Switch(ScriptedPeer peer)
    {
        await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()) + "behind");
        await peer.End();
    }
}
