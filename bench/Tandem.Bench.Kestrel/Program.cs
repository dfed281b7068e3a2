using System.Net.WebSockets;
using System.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Bench.Kestrel;

// The baseline: the echo that ASP.NET Core and System.Net.WebSockets are meant to be used for, with their defaults; and a hub of SignalR.
if (ServerOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(ServerOptions.Usage);
    return 2;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls($"http://127.0.0.1:{options.Port}");

if (options.Listens) builder.WebHost.UseTandemListener();

// Only when it is asked for, so that it is no part of the echo's figures.
if (options.HasHub) builder.Services.AddSignalR();

await using WebApplication app = builder.Build();
if (options.IsTandem) app.UseTandemWebSockets();
else app.UseWebSockets();
var broadcast = new Broadcast();
if (options.HasHub)
{
    // Other transports are of no use here: the generator connects by WebSocket, without a negotiation.
    app.MapHub<NewsHub>("/hub", hub => hub.Transports = HttpTransportType.WebSockets);
    app.Map("/", ServeAsync);
}
else
{
    app.Run(ServeAsync);
}

try
{
    await app.StartAsync();
}
catch (IOException exception)
{
    Console.Error.WriteLine($"kestrel-echo: {exception.Message}");
    return 1;
}

Console.WriteLine(
    $"echo at ws://127.0.0.1:{options.Port}/, process {Environment.ProcessId}, ASP.NET Core {Environment.Version} defaults, "
    + $"{options.BufferSize} B receive buffer, GC: {(GCSettings.IsServerGC ? "server" : "workstation")}, {GCSettings.LatencyMode}");
await app.WaitForShutdownAsync();
return 0;

async Task ServeAsync(HttpContext context)
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return;
    }

    // By default permessage-deflate is not negotiated.
    using WebSocket webSocket = options.Deflates
        ? await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { DangerousEnableCompression = true })
        : await context.WebSockets.AcceptWebSocketAsync();
    byte[] buffer = new byte[options.BufferSize];
    if (context.Request.Path == "/broadcast") await broadcast.ServeAsync(webSocket, buffer, context.RequestAborted);
    else await EchoAsync(webSocket, buffer, context.RequestAborted);
}

static async Task EchoAsync(WebSocket webSocket, byte[] buffer, CancellationToken cancellation)
{
    try
    {
        while (true)
        {
            ValueWebSocketReceiveResult received = await webSocket.ReceiveAsync(buffer.AsMemory(), cancellation);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await webSocket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, cancellation);
                return;
            }

            await webSocket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, cancellation);
        }
    }
    catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
    {
        // The client has gone without a closing handshake.
    }
}
