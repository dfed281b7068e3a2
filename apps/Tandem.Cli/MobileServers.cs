using System.CommandLine;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Tandem.Coap;
using Tandem.Server.Mobile;
using Tandem.Sessions.Client;
using Tandem.WebSockets;

namespace Tandem.Cli;

/// <summary>The mobile server, in <c>tandem serve</c> and as <c>tandem gateway</c>.</summary>
internal static class MobileServers
{
    // Where links are: the default of TandemLinkOptions.Path, and a carrier of theirs.
    private const string SessionPath = "/link/websocket";

    public static Option<int?> PortOption(string otherwise)
    {
        var option = new Option<int?>("--coap-port") { Description = $"UDP port for phones without a browser; 0 lets the system choose. {otherwise}", HelpName = "PORT" };
        option.Validators.Add(result => CommonOptions.CheckRange(result, 0, ushort.MaxValue));
        return option;
    }

    /// <summary>Both ends should have the same, so a gateway and its phones have the option.</summary>
    public static Option<int> AckTimeoutOption()
    {
        var option = new Option<int>("--ack-timeout")
        {
            Description = "Milliseconds after which a datagram is sent again that was not acknowledged; less than 2000 is for networks that are fast throughout. Gateway and phones should have the same.",
            HelpName = "MILLISECONDS",
            DefaultValueFactory = _ => 2000,
        };
        option.Validators.Add(result => CommonOptions.CheckRange(result, 10, 60_000));
        return option;
    }

    /// <summary>The timers that follow from it.</summary>
    public static CoapTransmissionOptions Timers(int ackTimeout) => new()
    {
        AckTimeout = TimeSpan.FromMilliseconds(ackTimeout),
        AckDelay = TimeSpan.FromMilliseconds(ackTimeout / 2.0),
        // As patient as the defaults: the wait doubles, and 4 repetitions of 2 s are 62 s.
        MaxRetransmit = 4 + Math.Max(0, (int)Math.Ceiling(Math.Log2(2000.0 / ackTimeout))),
        NStart = 2,
    };

    /// <summary>Says where phones reach it: on all addresses, at each of this machine's.</summary>
    public static void Announce(MobileServer server) =>
        Console.WriteLine($"Phones without a browser: {string.Join(' ', ServeAddresses.Of([$"coap://{server.LocalEndPoint}"]).Select(address => address.GetLeftPart(UriPartial.Authority)))}");

    /// <summary>Binds the port and begins.</summary>
    /// <exception cref="SocketException">The port cannot be had.</exception>
    public static MobileServer Start(Uri hub, IPEndPoint endPoint, int ackTimeout, string? key = null, Action<SslClientAuthenticationOptions>? tls = null)
    {
        var options = new MobileServerOptions
        {
            Hub = new UriBuilder(hub) { Path = hub.AbsolutePath == "/" ? SessionPath : hub.AbsolutePath }.Uri,
            GatewayKey = key,
            EndPoint = endPoint,
            Transmission = Timers(ackTimeout),
            Session = new WebSocketSessionOptions { MaxDelay = TimeSpan.FromSeconds(5), Connection = new WebSocketClientOptions { ConfigureTls = tls } },
            OnError = exception => Console.Error.WriteLine($"tandem: {exception}"),
        };
        var server = new MobileServer(options);
        server.Start();
        return server;
    }
}
