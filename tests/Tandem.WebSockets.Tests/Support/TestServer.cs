using System.Net;

namespace Tandem.WebSockets.Tests.Support;

/// <summary>
/// A server on a loopback port that the system chooses, with one handler at <c>/ws</c>. At its end it holds the laws that every test
/// relies on: all connections are gone, OnClose came once for each that was opened, and never within another callback.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    public static readonly IReadOnlyList<IPEndPoint> AnyPort = [new IPEndPoint(IPAddress.Loopback, 0)];

    private TestServer(TestHandler handler, WebSocketServer server)
    {
        Handler = handler;
        Server = server;
    }

    public TestHandler Handler { get; }

    public WebSocketServer Server { get; }

    public IPEndPoint EndPoint => Server.EndPoints[0];

    public static TestServer Start(TestHandler handler) => Driver.Loops.Start(handler);

    public static TestServer Start(TestHandler handler, WebSocketServerOptions options, params string[] subprotocols) =>
        Driver.Loops.Start(handler, options, subprotocols);

    public static TestServer Start(TestHandler handler, WebSocketServerOptions options, WebSocketRoute route, Driver driver = Driver.Loops)
    {
        var server = new WebSocketServer(options, onStreams: driver == Driver.Streams);
        server.Map(route);
        server.Start();
        return new TestServer(handler, server);
    }

    /// <summary>A TCP connection without a byte on it.</summary>
    public Task<RawClient> Connect(IPAddress? from = null, int receiveBuffer = 0) => RawClient.Connect(EndPoint, from, receiveBuffer);

    /// <summary>An open WebSocket.</summary>
    public async Task<RawClient> Open(IPAddress? from = null, int receiveBuffer = 0)
    {
        RawClient client = await Connect(from, receiveBuffer);
        await client.Upgrade();
        return client;
    }

    public Task NoConnections() => Eventually.Equal(0, () => Server.ConnectionCount, "ConnectionCount");

    public async ValueTask DisposeAsync()
    {
        await Server.StopAsync().InTime();
        Assert.Equal(0, Server.ConnectionCount);
        Assert.Equal(0, Handler.Nested);
        Assert.Equal(Handler.Opened.Count, Handler.Closed.Count);
        Assert.Equal(Handler.Opened.Count, Handler.Closed.Select(closed => closed.Peer).Distinct().Count());
    }
}
