using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.WebSockets.Client;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>Whatever way a connection fails, it leaves no descriptor behind.</summary>
[Collection(nameof(Alone))]
public sealed class DescriptorTests
{
    [Fact]
    public async Task Five_hundred_failures_leave_nothing_open()
    {
        await FailInEveryWay(rounds: 1); // what the runtime opens once and keeps
        int before = Descriptors.Sockets();
        await FailInEveryWay(rounds: 50);
        // Garbage of the tests before this one may be closed meanwhile, so fewer is as good. A leak would be at least 50.
        Assert.InRange(Descriptors.Sockets(), 0, before + 5);
    }

    // Ten failures a round. The servers are closed at the end, so that only what the client forgot would stay.
    private static async Task FailInEveryWay(int rounds)
    {
        await using ScriptedServer refusing = ScriptedServer.AnsweringAnything("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        await using ScriptedServer wrong = ScriptedServer.Answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
        await using ScriptedServer silent = ScriptedServer.Start(peer => peer.End());
        await using ScriptedServer ending = ScriptedServer.AnsweringAnything("");
        await using ScriptedServer garbling = ScriptedServer.AnsweringAnything("garbage\r\n\r\n");
        await using ScriptedServer secure = ScriptedServer.StartTls(Certificates.Server, peer => peer.End());
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Any, 0));
        int dead = ((IPEndPoint)closed.LocalEndPoint!).Port;
        var soon = new WebSocketClientOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(1), TlsTimeout = TimeSpan.FromMilliseconds(1) };
        var proxied = new WebSocketClientOptions { Proxy = new WebProxy(refusing.Uri(scheme: "http")) };
        for (int i = 0; i < rounds; i++)
        {
            await Fail(refusing.Uri());
            await Fail(wrong.Uri());
            await Fail(silent.Uri(), soon);
            await Fail(ending.Uri());
            await Fail(garbling.Uri());
            await Fail(secure.Uri(scheme: "wss")); // not trusted
            await Fail(silent.Uri(scheme: "wss"), soon);
            await Fail(new Uri($"ws://name.example:{dead}/"), dialer: Names("127.0.0.2", "127.0.0.3"));
            await Fail(new Uri("ws://name.example/"), proxied);
            using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Connect(silent.Uri(), cancellationToken: cancel.Token));
        }
    }

    private static async Task Fail(Uri uri, WebSocketClientOptions? options = null, TcpDialer? dialer = null)
    {
        WebSocketException failure = await Assert.ThrowsAsync<WebSocketException>(() => Connect(uri, options, dialer));
        Assert.IsType<WebSocketConnectException>(failure.InnerException);
    }
}
