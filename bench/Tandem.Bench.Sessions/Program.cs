using System.Globalization;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.WebSockets;

// Sessions at /session, and beside them an echo at / whose connections have none: the difference is what a session costs.
if (args.Length != 1 || !ushort.TryParse(args[0], CultureInfo.InvariantCulture, out ushort port))
{
    Console.Error.WriteLine("usage: tandem-sessions PORT");
    return 2;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
builder.WebHost.UseTandemListener(listener => listener.Configure = template => template with { Loops = 1 });

// All else at its default. The generator has one address, and each of its sessions a port of it.
await using var hub = new SessionHub(new EverythingAllowed(), new SessionHubOptions { MaxSessionsPerOwner = 100_000 });
await using WebApplication app = builder.Build();
app.MapTandemSessions(hub);
app.MapTandem("/", new Echo());

try
{
    await app.StartAsync();
}
catch (IOException exception)
{
    Console.Error.WriteLine($"tandem-sessions: {exception.Message}");
    return 1;
}

Console.WriteLine($"sessions at ws://127.0.0.1:{port}/session/websocket, process {Environment.ProcessId}");
await app.WaitForShutdownAsync();
return 0;

internal sealed class EverythingAllowed : SessionApplication
{
    protected override bool May(Session session, SessionAction action, string name) => true;
}

internal sealed class Echo : WebSocketHandler
{
    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);
}
