using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.Interop.Tests.Matrix;

namespace Tandem.Interop.Tests.Peers;

/// <summary>System.Net.WebSockets: Kestrel with its middleware as server, ClientWebSocket as client.</summary>
public sealed class SystemNetWebSockets : Peer
{
    private const int MaxMessage = 16 * 1024 * 1024;

    // It has no way to send a ping but this: with a timeout, its keep-alive is pings.
    private static readonly TimeSpan PingInterval = TimeSpan.FromMilliseconds(100);

    private readonly List<WebApplication> _servers = [];

    public override PeerCard Card { get; } = new("System.Net.WebSockets and Kestrel", "part of .NET", PeerCard.ClientAndServer)
    {
        Faults =
        [
            new(
                "System.Net.WebSockets puts 1005 into the close frame when it is told to send no code, which RFC 6455 section 7.4.1 forbids; we answer 1002.",
                [Scenario.CloseFromPeerWithoutCode],
                Symptom: "the close code must not be sent"),
        ],
        Remarks = ["System.Net.WebSockets reports a close frame without a code as 1000."],
        // Its receive reads a close frame without a code as one with 1000.
        CodeForNone = 1000,
    };

    public override async ValueTask InitializeAsync()
    {
        Version = Environment.Version.ToString();
        var ports = new Dictionary<Profile, int>();
        foreach (Profile profile in Enum.GetValues<Profile>())
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
            WebApplication server = builder.Build();
            server.UseWebSockets();
            server.Run(context => ServeAsync(context, profile));
            await server.StartAsync();
            _servers.Add(server);
            string address = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
            ports[profile] = new Uri(address).Port;
        }

        Ports = ports;
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (WebApplication server in _servers) await server.DisposeAsync();
    }

    public override Task ConnectAsync(string id, Uri uri, string[] subprotocols, Profile profile)
    {
        _ = RunClientAsync(id, uri, subprotocols, profile);
        return Task.CompletedTask;
    }

    public override string[] Asks(Direction direction, Profile profile) => (direction, profile) switch
    {
        (Direction.Client, Profile.NoContext) => ["server_no_context_takeover"],
        (Direction.Client, Profile.Window) => [$"server_max_window_bits={Scenarios.WindowBits}"],
        _ => base.Asks(direction, profile),
    };

    private async Task ServeAsync(HttpContext context, Profile profile)
    {
        var accept = new WebSocketAcceptContext
        {
            SubProtocol = context.WebSockets.WebSocketRequestedProtocols.Contains(Scenarios.Subprotocol) ? Scenarios.Subprotocol : null,
            DangerousEnableCompression = profile != Profile.Plain,
            DisableServerContextTakeover = profile == Profile.NoContext,
            ServerMaxWindowBits = profile == Profile.Window ? Scenarios.WindowBits : 15,
            KeepAliveInterval = PingInterval,
            KeepAliveTimeout = Eventually.Deadline,
        };
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(accept);
        await EchoAsync(socket, context.Request.Path.Value![1..]);
    }

    private async Task RunClientAsync(string id, Uri uri, string[] subprotocols, Profile profile)
    {
        using var socket = new ClientWebSocket();
        foreach (string subprotocol in subprotocols) socket.Options.AddSubProtocol(subprotocol);
        socket.Options.KeepAliveInterval = PingInterval;
        socket.Options.KeepAliveTimeout = Eventually.Deadline;
        int bits = profile == Profile.Window ? Scenarios.WindowBits : 15;
        bool keeps = profile != Profile.NoContext;
        socket.Options.DangerousDeflateOptions = profile == Profile.Plain ? null : new WebSocketDeflateOptions
        {
            ClientContextTakeover = keeps,
            ServerContextTakeover = keeps,
            ClientMaxWindowBits = bits,
            ServerMaxWindowBits = bits,
        };
        try
        {
            await socket.ConnectAsync(uri, CancellationToken.None);
            await EchoAsync(socket, id);
        }
        catch (WebSocketException exception)
        {
            Told(new PeerReport(id, null, 0, null, exception.Message));
        }
    }

    private async Task EchoAsync(WebSocket socket, string id)
    {
        byte[] message = new byte[MaxMessage + 1];
        int count = 0;
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(message.AsMemory(count), CancellationToken.None);
            if (received.MessageType == WebSocketMessageType.Close) break;
            count += received.Count;
            if (!received.EndOfMessage) continue;
            string text = received.MessageType == WebSocketMessageType.Text && count is > 0 and < 200 ? Encoding.UTF8.GetString(message, 0, count) : "";
            if (text.StartsWith('!')) await ObeyAsync(socket, text);
            else await socket.SendAsync(message.AsMemory(0, count), received.MessageType, endOfMessage: true, CancellationToken.None);
            count = 0;
        }

        if (socket.State == WebSocketState.CloseReceived)
        {
            await socket.CloseOutputAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, CancellationToken.None);
        }

        Told(new PeerReport(id, socket.SubProtocol, (int)socket.CloseStatus!, socket.CloseStatusDescription, null));
    }

    private static async Task ObeyAsync(WebSocket socket, string text)
    {
        string[] words = text.Split(' ', 3);
        if (words[0] == "!fragments")
        {
            byte[] part = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("0123456789", 1000)));
            for (int i = 0; i < 3; i++) await socket.SendAsync(part, WebSocketMessageType.Text, i == 2, CancellationToken.None);
        }
        else if (words[0] == "!close")
        {
            bool none = words.Length == 1;
            WebSocketCloseStatus status = none ? WebSocketCloseStatus.Empty : (WebSocketCloseStatus)int.Parse(words[1], CultureInfo.InvariantCulture);
            await socket.CloseOutputAsync(status, none ? null : words[2], CancellationToken.None);
        }
    }
}

public sealed class SystemNetWebSocketsTests(SystemNetWebSockets peer) : PeerTests<SystemNetWebSockets>(peer);
