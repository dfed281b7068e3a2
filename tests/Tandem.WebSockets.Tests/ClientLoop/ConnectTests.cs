using System.Net;
using System.Net.Sockets;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Client;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.ClientLoop;

/// <summary>The way to an open connection on a client's loop, and everything that can end it before (RFC 6455 section 4.1).</summary>
public sealed class ConnectTests
{
    [Fact]
    public async Task The_request_is_the_one_of_the_options_with_a_key_of_its_own_for_each_connection()
    {
        List<string> heads = [];
        await using var server = ScriptedServer.Start(async peer =>
        {
            string head = await peer.ReadHead();
            lock (heads) heads.Add(head);
            await peer.Send(ScriptedPeer.Switching(head, "Sec-WebSocket-Protocol: chat"));
            await peer.Silence();
        });
        await using LoopClient client = new LoopClient().Start(
            new Uri($"ws://user:secret@{server.EndPoint}/path?query"),
            server.EndPoint,
            new WebSocketClientOptions { Subprotocols = ["chat"], Headers = [new("X-Own", "1")], Origin = "https://example.org", Connection = new() { CloseTimeout = TimeSpan.FromMilliseconds(50) } });
        for (int i = 0; i < 20; i++) client.Loop.Connect(i);
        await Eventually.Equal(20, () => client.Opened.Count, "open connections");

        Assert.All(heads, head => Assert.StartsWith($"GET /path?query HTTP/1.1\r\nHost: {server.EndPoint}\r\n", head, StringComparison.Ordinal));
        Assert.All(heads, head => Assert.Equal("1", ScriptedPeer.Field(head, "X-Own")));
        Assert.All(heads, head => Assert.Equal("https://example.org", ScriptedPeer.Field(head, "Origin")));
        Assert.All(heads, head => Assert.Equal("Basic dXNlcjpzZWNyZXQ=", ScriptedPeer.Field(head, "Authorization")));
        Assert.Equal(20, heads.Select(head => ScriptedPeer.Field(head, "Sec-WebSocket-Key")).Distinct().Count());
        Assert.All(client.Opened, peer => Assert.Equal("chat", peer.Subprotocol));
        Assert.Equal(Enumerable.Range(0, 20), client.Opened.Select(peer => (int)peer.State!).Order());
        Assert.All(client.Opened, peer => Assert.Equal(server.EndPoint, peer.RemoteEndPoint));
    }

    [Fact]
    public async Task A_refusal_keeps_status_fields_and_what_came_of_the_body()
    {
        await using var server = ScriptedServer.Answering("HTTP/1.1 503 Full\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\ncome back");
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketConnectException failure = await client.ConnectInVain();
        Assert.Equal((WebSocketConnectPhase.Handshake, 503, ClientHandshakeFault.UnexpectedStatus), (failure.Phase, failure.Status, failure.Fault));
        Assert.Contains(failure.Headers, field => field is { Key: "Retry-After", Value: "7" });
        Assert.Equal("come back"u8, failure.Body.Span);
    }

    [Fact]
    public async Task Our_own_server_refuses_an_unknown_path_with_404()
    {
        await using TestServer server = Driver.Loops.Start(TestHandler.Echo());
        await using LoopClient client = new LoopClient().Start(new Uri($"ws://{server.EndPoint}/nowhere"), server.EndPoint);
        Assert.Equal(404, (await client.ConnectInVain()).Status);
    }

    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", ClientHandshakeFault.WrongAccept)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n", ClientHandshakeFault.NotAnUpgrade)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", ClientHandshakeFault.UnofferedExtension)]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n\r\n", ClientHandshakeFault.InvalidHead)]
    public async Task An_answer_that_breaks_a_rule_is_refused_and_the_rule_named(string answer, ClientHandshakeFault fault)
    {
        await using var server = ScriptedServer.Answering(answer);
        await using LoopClient client = new LoopClient().Start(server);
        Assert.Equal(fault, (await client.ConnectInVain()).Fault);
    }

    [Fact]
    public async Task An_answer_may_come_byte_by_byte_behind_an_interim_one_and_with_frames_right_behind_it()
    {
        await using var server = ScriptedServer.Start(async peer =>
        {
            string answer = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ScriptedPeer.Switching(await peer.ReadHead());
            foreach (char c in answer[..^1]) await peer.Send([(byte)c]);
            await peer.Send([(byte)answer[^1], 0x81, 2, (byte)'h', (byte)'i', 0x88, 0]);
            await peer.Stream.ReadExactlyAsync(new byte[6]); // its close frame; then this end ends TCP
        });
        await using LoopClient client = new LoopClient().Start(server);
        await client.Connect();
        Assert.Equal("hi", await client.Text());
        Assert.Equal(CloseInitiator.Peer, (await client.End()).Initiator);
    }

    [Fact]
    public async Task A_port_where_nobody_listens_fails_the_dial_and_the_loop_lives_on()
    {
        var endPoint = new IPEndPoint(IPAddress.Loopback, Ports.Free());
        await using LoopClient client = new LoopClient().Start(new Uri($"ws://{endPoint}/"), endPoint);
        for (int i = 0; i < 5; i++) client.Loop.Connect(i);
        await Eventually.Equal(5, () => client.Failures.Count, "failures");
        Assert.All(client.Failures, failure => Assert.Equal((WebSocketConnectPhase.Dial, "No connection could be made: Connection refused"), (failure.Failure.Phase, failure.Failure.Message)));
        Assert.Equal(0, client.Loop.ConnectionCount);
    }

    [Fact]
    public async Task An_end_before_the_answer_is_whole_fails_the_handshake()
    {
        await using var server = ScriptedServer.Answering("HTTP/1.1 101 Switching Prot");
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketConnectException failure = await client.ConnectInVain();
        Assert.Equal(WebSocketConnectPhase.Handshake, failure.Phase);
        Assert.IsType<EndOfStreamException>(failure.InnerException);
    }

    [Fact]
    public async Task An_answer_that_does_not_come_or_does_not_end_is_waited_for_until_the_deadline()
    {
        int heads = 0;
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            await peer.Send("HTTP/1.1 101 ");
            Interlocked.Increment(ref heads);
            await peer.Silence();
        });
        var time = new ManualClock();
        await using LoopClient client = new LoopClient().Start(server, new WebSocketClientOptions { TimeProvider = time, HandshakeTimeout = TimeSpan.FromSeconds(3) });
        client.Loop.Connect("its state");
        await Eventually.Equal(1, () => Volatile.Read(ref heads), "the request");
        time.Advance(2.5);
        await client.Turns(2);
        Assert.Empty(client.Failures);
        time.Advance(1);
        WebSocketConnectException failure = await Fails(client);
        Assert.Equal((WebSocketConnectPhase.Handshake, "The server's answer to the opening handshake was not complete after 3 s (Handshake)."), (failure.Phase, failure.Message));
        Assert.IsType<TimeoutException>(failure.InnerException);
    }

    [Fact]
    public async Task A_dial_that_nobody_answers_is_given_up_at_its_deadline()
    {
        // A listener whose backlog is full drops what comes: connecting to it goes on until the deadline.
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var endPoint = new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndPoint!).Port);
        var time = new ManualClock();
        await using LoopClient client = new LoopClient().Start(new Uri($"ws://{endPoint}/"), endPoint, new WebSocketClientOptions { TimeProvider = time, DialTimeout = TimeSpan.FromSeconds(1), HandshakeTimeout = TimeSpan.FromHours(1) });
        for (int i = 0; i < 8; i++) client.Loop.Connect(i);
        await client.Turns(2);
        time.Advance(1.5);
        WebSocketConnectException failure = await Fails(client);
        Assert.Equal((WebSocketConnectPhase.Dial, "No connection could be made after 1 s (Dial)."), (failure.Phase, failure.Message));
    }

    [Fact]
    public async Task What_is_being_opened_when_the_loop_stops_fails_and_so_does_what_comes_later()
    {
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            await peer.End();
        });
        await using LoopClient client = new LoopClient().Start(server);
        client.Loop.Connect("early");
        await client.Turns(2);
        await client.Loop.StopAsync().InTime();
        client.Loop.Connect("late");
        Assert.Equal(["early", "late"], client.Failures.Select(failure => failure.State));
        Assert.All(client.Failures, failure => Assert.IsType<OperationCanceledException>(failure.Failure.InnerException));
    }

    [Fact]
    public async Task Who_connects_again_out_of_a_failure_is_not_called_within_the_call()
    {
        int depth = 0, deepest = 0, tries = 0;
        await using var server = ScriptedServer.Answering("HTTP/1.1 503 Full\r\n\r\n");
        LoopClient client = new();
        client.Failed = _ =>
        {
            deepest = Math.Max(deepest, ++depth);
            if (++tries < 10) client.Loop.Connect();
            depth--;
        };
        await using LoopClient started = client.Start(server);
        client.Loop.Connect();
        await Eventually.Equal(10, () => client.Failures.Count, "failures");
        Assert.Equal(1, deepest);
    }

    [Fact]
    public async Task Connections_come_from_the_address_that_is_given()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Driver.Loops.Start(handler);
        await using LoopClient client = new LoopClient().Start(server);
        client.Loop.Connect(from: IPAddress.Parse("127.0.0.77"));
        await Eventually.True(() => !handler.Opened.IsEmpty, "the connection");
        Assert.Equal("127.0.0.77", handler.Peer.RemoteEndPoint.Address.ToString());
    }

    [Fact]
    public void What_a_loop_cannot_do_is_refused_before_it_starts()
    {
        var here = new IPEndPoint(IPAddress.Loopback, 1);
        Assert.Throws<ArgumentException>(() => new LoopClient().Start(new Uri("wss://localhost/"), here));
        Assert.Throws<ArgumentException>(() => new LoopClient().Start(new Uri("ws://localhost/#x"), here));
        Assert.Throws<ArgumentException>(() => new LoopClient().Start(new Uri("ws://localhost/"), here, new WebSocketClientOptions { Cookies = new() }));
        Assert.Throws<ArgumentException>(() => new LoopClient().Start(new Uri("ws://localhost/"), here, new WebSocketClientOptions { OnHandshake = _ => { } }));
        Assert.Throws<ArgumentException>(() => new LoopClient().Start(new Uri("ws://localhost/"), here, new WebSocketClientOptions { DialTimeout = TimeSpan.Zero }));
    }

    private static async Task<WebSocketConnectException> Fails(LoopClient client)
    {
        await Eventually.True(() => !client.Failures.IsEmpty, "OnConnectFailed");
        return client.Failures.First().Failure;
    }
}
