using System.Globalization;
using System.Net.WebSockets;
using System.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.Bench.Kestrel;

// The baseline: the echo that ASP.NET Core and System.Net.WebSockets are meant to be used for, with their defaults; and a hub of SignalR.
if (args.Length is not (1 or 2 or 3)
    || !ushort.TryParse(args[0], CultureInfo.InvariantCulture, out ushort port)
    || !int.TryParse(args.ElementAtOrDefault(1) ?? "4096", CultureInfo.InvariantCulture, out int bufferSize)
    || bufferSize is < 1 or > 1 << 24
    || args.ElementAtOrDefault(2) is not (null or "hub"))
{
    Console.Error.WriteLine("usage: kestrel-echo PORT [BUFFER-BYTES [hub]]");
    return 2;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls($"http://127.0.0.1:{port}");

// Only when it is asked for, so that it is no part of the echo's figures.
bool hasHub = args.Length == 3;
if (hasHub) builder.Services.AddSignalR();

await using WebApplication app = builder.Build();
app.UseWebSockets();
if (hasHub)
{
    // Other transports are of no use here: the generator connects by WebSocket, without a negotiation.
    app.MapHub<NewsHub>("/hub", options => options.Transports = HttpTransportType.WebSockets);
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
    $"echo at ws://127.0.0.1:{port}/, process {Environment.ProcessId}, ASP.NET Core {Environment.Version} defaults, "
    + $"{bufferSize} B receive buffer, GC: {(GCSettings.IsServerGC ? "server" : "workstation")}, {GCSettings.LatencyMode}");
await app.WaitForShutdownAsync();
return 0;

async Task ServeAsync(HttpContext context)
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return;
    }

    // Without options: permessage-deflate is not negotiated.
    using WebSocket webSocket = await context.WebSockets.AcceptWebSocketAsync();
    await EchoAsync(webSocket, new byte[bufferSize], context.RequestAborted);
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
