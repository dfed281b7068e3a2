using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Tandem.Coap;
using Tandem.Server.Mobile;

namespace Tandem.Cli;

/// <summary><c>tandem gateway</c>: the mobile server alone, in front of a hub that is elsewhere.</summary>
internal static class GatewayCommand
{
    public static Command Create()
    {
        var hub = new Option<Uri>("--hub")
        {
            Description = "The server with the links: ws://HOST:PORT or wss://HOST:PORT. It should be told that this gateway is a --known-proxy, or all its phones are one address there.",
            HelpName = "URL",
            Required = true,
            CustomParser = result => CommonOptions.ReadUrl(result, url => url is { Scheme: "ws" or "wss", Fragment: "" }, text => $"--hub: '{text}' is not ws://HOST:PORT or wss://HOST:PORT.")!,
        };
        Option<IPAddress> host = CommonOptions.Host();
        Option<int?> port = MobileServers.PortOption($"Default {CoapServer.DefaultPort}.");
        Option<int> ackTimeout = MobileServers.AckTimeoutOption();
        var command = new Command("gateway", "Serve phones without a browser over CoAP (UDP), in front of a server that is elsewhere.") { hub, host, port, ackTimeout };
        command.SetAction((result, cancellation) => RunAsync(
            result.GetRequiredValue(hub), new IPEndPoint(result.GetValue(host)!, result.GetValue(port) ?? CoapServer.DefaultPort), result.GetValue(ackTimeout), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Uri hub, IPEndPoint endPoint, int ackTimeout, CancellationToken cancellation)
    {
        MobileServer server;
        try
        {
            server = MobileServers.Start(hub, endPoint, ackTimeout);
        }
        catch (SocketException exception)
        {
            return Startup.Fail($"cannot listen on UDP {endPoint}: {Startup.DescribeListenError(exception)}.");
        }

        await using (server)
        {
            MobileServers.Announce(server);
            await Startup.UntilStopped(cancellation);
        }

        return 0;
    }
}
