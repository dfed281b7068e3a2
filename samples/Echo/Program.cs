using System.Net;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using Tandem.WebSockets;

int port = args.Length > 0 ? int.Parse(args[0], null) : 1818;
await using var server = new WebSocketServer(new WebSocketServerOptions { EndPoints = [new IPEndPoint(IPAddress.Loopback, port)] });
server.Map(new WebSocketRoute("/echo", new Echo()));
server.Start();
Console.WriteLine($"ws://{server.EndPoints[0]}/echo");

// Ctrl-C and SIGTERM: every connection is closed with 1001 first.
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
await server.Stopped;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    _ = server.StopAsync();
}

internal sealed class Echo : WebSocketHandler
{
    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) =>
        peer.Send(type, payload); // text or binary, sent back as it came
}
