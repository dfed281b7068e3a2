using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Tandem.WebSockets;

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>Servers, one for each setting and driver, which all cases share; a case has a connection of its own.</summary>
internal static class ServerEcho
{
    private static readonly ConcurrentDictionary<(Subject Subject, SubjectOptions Options), Lazy<WebSocketServer>> Servers = new();
    private static readonly byte[] Command = Encoding.UTF8.GetBytes(SubjectOptions.CloseCommand);

    public static ConcurrentQueue<Exception> Errors { get; } = new();

    public static IPEndPoint EndPoint(Subject subject, SubjectOptions options) =>
        Servers.GetOrAdd((subject, options), key => new(() => Start(key.Subject, key.Options))).Value.EndPoints[0];

    /// <summary>At the end of all cases every connection must be gone by itself, whatever its tester did.</summary>
    public static async Task StopAsync()
    {
        foreach (WebSocketServer server in Servers.Values.Select(server => server.Value))
        {
            await Eventually.Equal(0, () => server.ConnectionCount, "the number of connections after all cases");
            await server.StopAsync().InTime();
        }

        Assert.Empty(Errors);
    }

    private static WebSocketServer Start(Subject subject, SubjectOptions options)
    {
        var server = new WebSocketServer(new WebSocketServerOptions
        {
            EndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Loops = 1,
            Deflate = options.Deflate,
            MaxMessageSize = options.MaxMessageSize,
            OnError = (_, exception) => Errors.Enqueue(exception),
        }, onStreams: subject == Subject.Sockets);
        server.Map(new WebSocketRoute("/ws", new EchoHandler()));
        server.Start();
        return server;
    }

    private sealed class EchoHandler : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
        {
            if (payload.SequenceEqual(Command)) peer.Close((WebSocketCloseStatus)SubjectOptions.OwnCloseCode, SubjectOptions.OwnCloseReason);
            else peer.Send(type, payload);
        }
    }
}
