using System.Buffers.Text;
using System.CommandLine;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using Tandem.Coap;
using Tandem.Server.Mobile;

namespace Tandem.Cli;

/// <summary>The mobile server of <c>tandem serve</c>: over loopback to the server that it belongs to.</summary>
internal sealed class ServedPhones
{
    private readonly Option<int?> _port = MobileServers.PortOption($"Default {CoapServer.DefaultPort}, unless that is in use.");
    private readonly Option<bool> _off = new("--no-coap") { Description = "Serve no phones without a browser." };
    private readonly Option<int> _ackTimeout = MobileServers.AckTimeoutOption();

    /// <summary>What the gateway here is known by; of this process alone.</summary>
    public string Key { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public void AddTo(Command command)
    {
        command.Add(_port);
        command.Add(_off);
        command.Add(_ackTimeout);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_off) && result.GetResult(_port) is { Implicit: false }) result.AddError($"{_port.Name} and {_off.Name} exclude each other.");
        });
    }

    /// <summary>Begins, and says where; null: it is switched off, or the port that nobody asked for is in use.</summary>
    /// <exception cref="SocketException">The port that was asked for cannot be had.</exception>
    public MobileServer? Start(ParseResult result, string url, IPEndPoint endPoint, ServerTls? tls)
    {
        if (result.GetValue(_off)) return null;
        int? port = result.GetValue(_port);
        IPAddress own = endPoint.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : endPoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : endPoint.Address;
        var hub = new UriBuilder(url) { Scheme = tls is null ? "ws" : "wss", Host = own.ToString() };
        // The certificate need not have this address in it, nor its authority be known here: it is this process's own, or nobody's.
        Action<SslClientAuthenticationOptions>? configure = tls is null ? null : options => options.RemoteCertificateValidationCallback =
            (_, certificate, _, _) => certificate is not null && certificate.GetRawCertData().AsSpan().SequenceEqual(tls.Certificate.Certificate.RawDataMemory.Span);
        try
        {
            MobileServer server = MobileServers.Start(hub.Uri, new IPEndPoint(endPoint.Address, port ?? CoapServer.DefaultPort), result.GetValue(_ackTimeout), Key, configure);
            MobileServers.Announce(server);
            return server;
        }
        catch (SocketException) when (port is null)
        {
            Console.Error.WriteLine($"tandem: UDP port {CoapServer.DefaultPort} is in use, so there is none for phones without a browser; --coap-port chooses another.");
            return null;
        }
    }
}
