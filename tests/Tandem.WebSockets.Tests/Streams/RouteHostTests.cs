using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Connections;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Streams;

/// <summary>A route over connections that something else has accepted: TLS, HTTP/2, memory.</summary>
public sealed class RouteHostTests
{
    private static readonly KeyValuePair<string, string>[] Connect = [new("Host", "localhost"), new("Sec-WebSocket-Version", "13")];

    private static readonly KeyValuePair<string, string>[] Get =
        [.. Connect, new("Upgrade", "websocket"), new("Connection", "Upgrade"), new("Sec-WebSocket-Key", Wire.Key)];

    private readonly TestHandler _handler = TestHandler.Echo();

    [Fact]
    public async Task Over_TLS_messages_make_the_round_trip_and_the_close_is_clean()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var dialing = new TcpClient();
        await dialing.ConnectAsync((IPEndPoint)listener.LocalEndpoint).InTime();
        using TcpClient accepted = await listener.AcceptTcpClientAsync().InTime();
        var theirs = new SslStream(dialing.GetStream());
        var ours = new SslStream(accepted.GetStream());
        var trust = new SslClientAuthenticationOptions { TargetHost = "localhost" };
        Certificates.Trust(trust);
        await Task.WhenAll(
            theirs.AuthenticateAsClientAsync(trust),
            ours.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Certificates.Server })).InTime();

        WebSocketRouteHost host = Host();
        UpgradeResult result = await Upgrade(host, Get, remote: new IPEndPoint(IPAddress.Parse("192.0.2.1"), 99));
        Task running = host.RunAsync(ours, result);
        using var client = new WebSocketConnection(theirs, new WebSocketConnectionOptions { Role = WebSocketRole.Client });
        foreach (int size in (int[])[0, 1, 126, 65_536, 1 << 20]) await RoundTrip(client, Wire.Noise(size));
        Assert.Equal("192.0.2.1:99", _handler.Peer.RemoteEndPoint.ToString());
        Assert.Equal(1, host.ConnectionCount);
        await client.CloseAsync((WebSocketCloseStatus)4321, "bye", CancellationToken.None).InTime();
        await running.InTime();
        Assert.Equal((CloseInitiator.Peer, (WebSocketCloseStatus)4321), (await _handler.CloseCause()) is var cause ? (cause.Initiator, cause.Status) : default);
        Assert.Equal(0, host.ConnectionCount);
        await host.StopAsync().InTime();
    }

    [Theory]
    [InlineData(StreamTraits.None)]
    [InlineData(StreamTraits.OneByteReads)]
    [InlineData(StreamTraits.AsynchronousWrites)]
    [InlineData(StreamTraits.OneByteReads | StreamTraits.AsynchronousWrites)]
    public async Task Over_streams_of_any_manners_what_was_read_with_the_handshake_comes_first(StreamTraits traits)
    {
        (DuplexStream ours, DuplexStream theirs) = DuplexStream.Pair(traits);
        WebSocketRouteHost host = Host();
        byte[] first = Wire.Text("first");
        Task running = host.RunAsync(ours, await Upgrade(host, Get), first.AsMemory());
        first.AsSpan().Clear(); // it was copied
        using var client = new WebSocketConnection(theirs, new WebSocketConnectionOptions { Role = WebSocketRole.Client });
        byte[] buffer = new byte[10];
        Assert.Equal(5, (await client.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None).InTime()).Count);
        foreach (int size in (int[])[0, 1, 126, 70_000]) await RoundTrip(client, Wire.Noise(size));
        client.Abort();
        await running.InTime();
        Assert.Equal(CloseInitiator.TransportEnd, (await _handler.CloseCause()).Initiator);
        Assert.Equal(0, _handler.Nested);
    }

    [Fact]
    public async Task RFC8441_5_an_extended_CONNECT_has_no_key_and_negotiates_all_the_same()
    {
        WebSocketRouteHost host = Host(new WebSocketServerOptions { Deflate = new DeflateOptions() }, "a", "b");
        UpgradeResult result = await host.UpgradeAsync(
            "/ws", [new(":authority", "localhost"), .. Connect, new("Sec-WebSocket-Protocol", "b"), new("Sec-WebSocket-Extensions", "permessage-deflate")],
            remoteEndPoint: null, extendedConnect: true, CancellationToken.None);
        Assert.Equal((true, "b", "permessage-deflate"), (result.IsAccepted, result.Subprotocol, result.Extensions));
        (DuplexStream ours, DuplexStream theirs) = DuplexStream.Pair();
        Task running = host.RunAsync(ours, result);
        using var client = new WebSocketConnection(theirs, new WebSocketConnectionOptions
        {
            Role = WebSocketRole.Client, Deflate = new DeflateParameters(false, false, 15, 15),
        });
        await RoundTrip(client, new byte[100_000]);
        Assert.Equal(("b", IPAddress.None), (_handler.Peer.Subprotocol, _handler.Peer.RemoteEndPoint.Address));
        client.Dispose();
        await running.InTime();
    }

    [Theory]
    [InlineData("7")]
    [InlineData("8")]
    public async Task RFC8441_5_an_extended_CONNECT_is_of_no_draft(string version)
    {
        WebSocketRouteHost host = Host(new WebSocketServerOptions { Drafts = WebSocketDrafts.All });
        KeyValuePair<string, string>[] Of(KeyValuePair<string, string>[] fields) => [.. fields.Where(field => field.Key != "Sec-WebSocket-Version"), new("Sec-WebSocket-Version", version)];
        UpgradeResult refused = await host.UpgradeAsync("/ws", Of(Connect), remoteEndPoint: null, extendedConnect: true, CancellationToken.None);
        Assert.Equal((426, "13"), (refused.StatusCode, refused.Headers.Single(field => field.Key == "Sec-WebSocket-Version").Value));
        Assert.True((await Upgrade(host, Of(Get))).IsAccepted); // as HTTP/1.1
    }

    [Theory]
    [InlineData("no upgrade", 426)]
    [InlineData("no host", 400)]
    [InlineData("two lines", 400)]
    [InlineData("origin", 403)]
    [InlineData("application", 429)]
    [InlineData("exception", 500)]
    [InlineData("no such field", 500)]
    public async Task Refusals_have_status_text_and_fields(string what, int status)
    {
        _handler.Upgrade = (in _, context) =>
        {
            if (what == "exception") throw new InvalidOperationException("as asked");
            context.Headers.Add(what == "no such field" ? new("Retry\r\nAfter", "60") : new("Retry-After", "60"));
            if (what is "application" or "no such field") context.Refuse(429, "slow down");
        };
        WebSocketRouteHost host = Host();
        UpgradeResult result = await Upgrade(host, what switch
        {
            "no upgrade" => Connect,
            "no host" => Get[1..],
            "two lines" => [.. Get, new("X", "a\r\nY: b")],
            "origin" => [.. Get, new("Origin", "http://elsewhere")],
            _ => Get,
        });
        Assert.Equal((false, status), (result.IsAccepted, result.StatusCode));
        if (status == 426) Assert.Equal([new("Sec-WebSocket-Version", "13")], result.Headers);
        if (status == 429) Assert.Equal("slow down", result.Body);
        if (status == 429) Assert.Equal([new("Retry-After", "60")], result.Headers);
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.RunAsync(Stream.Null, result));
    }

    [Fact]
    public async Task A_deferred_decision_is_waited_for_within_the_deadline_and_while_the_client_is_there()
    {
        var gate = new TaskCompletionSource();
        CancellationToken seen = default;
        _handler.Upgrade = (in _, context) => context.Defer(async (_, cancellationToken) =>
        {
            seen = cancellationToken;
            await gate.Task;
        });
        var time = new ManualTime();
        WebSocketRouteHost host = Host(new WebSocketServerOptions { TimeProvider = time, TickInterval = ManualTime.Tick });
        Task<UpgradeResult> late = Upgrade(host, Get);
        await Eventually.True(() => seen.CanBeCanceled, "the decision");
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal((503, HandshakeRefusal.DecisionTimedOut.Text()), (await late.InTime()) is var result ? (result.StatusCode, result.Body) : default);
        await Eventually.True(() => seen.IsCancellationRequested, "the token");

        using var gone = new CancellationTokenSource();
        Task<UpgradeResult> leaving = host.UpgradeAsync("/ws", Get, null, extendedConnect: false, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving.InTime());

        Task<UpgradeResult> accepted = Upgrade(host, Get);
        gate.SetResult();
        Assert.True((await accepted.InTime()).IsAccepted);
        Assert.Equal(0, host.ConnectionCount);
    }

    [Fact]
    public async Task It_has_a_limit_of_connections_and_an_end_and_runs_a_handshake_once()
    {
        WebSocketRouteHost host = Host(new WebSocketServerOptions { MaxConnections = 1 });
        (DuplexStream ours, DuplexStream theirs) = DuplexStream.Pair();
        UpgradeResult result = await Upgrade(host, Get);
        Task running = host.RunAsync(ours, result);
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.RunAsync(ours, result));
        Assert.Equal(503, (await Upgrade(host, Get)).StatusCode);
        using var client = new WebSocketConnection(theirs, new WebSocketConnectionOptions { Role = WebSocketRole.Client });
        await RoundTrip(client, [1, 2, 3]);
        Task stopped = host.StopAsync();
        Assert.Equal(HandshakeRefusal.Stopping.Text(), (await Upgrade(host, Get)).Body);
        ValueWebSocketReceiveResult closing = await client.ReceiveAsync(new byte[10].AsMemory(), CancellationToken.None).AsTask().InTime();
        Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.EndpointUnavailable), (closing.MessageType, client.CloseStatus));
        await client.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, CancellationToken.None).InTime();
        await stopped.InTime();
        await running.InTime();
        Assert.Equal(CloseInitiator.Local, (await _handler.CloseCause()).Initiator);
    }

    [Fact]
    public async Task A_transport_that_takes_nothing_is_told_as_Buffered_and_OnDrain_comes_when_it_does()
    {
        int drains = 0;
        _handler.Drain = _ => Interlocked.Increment(ref drains);
        (DuplexStream ours, DuplexStream theirs) = DuplexStream.Pair();
        WebSocketRouteHost host = Host();
        Task running = host.RunAsync(ours, await Upgrade(host, Get));
        await Eventually.Equal(1, () => _handler.Opened.Count, "OnOpen");
        ours.Stall();
        WebSocketPeer peer = _handler.Peer;
        await Eventually.True(() => peer.Send("waits") == SendStatus.Buffered, "Buffered");
        Assert.Equal(0, drains);
        ours.Resume();
        await Eventually.True(() => Volatile.Read(ref drains) > 0, "OnDrain");
        Assert.Equal(0, peer.BufferedBytes);
        theirs.Dispose();
        await running.InTime();
    }

    private WebSocketRouteHost Host(WebSocketServerOptions? options = null, params string[] subprotocols) =>
        new(new WebSocketRoute("/ws", _handler) { Subprotocols = subprotocols }, (options ?? new WebSocketServerOptions()) with { OnError = _handler.Error });

    private static Task<UpgradeResult> Upgrade(WebSocketRouteHost host, IEnumerable<KeyValuePair<string, string>> fields, IPEndPoint? remote = null) =>
        host.UpgradeAsync("/ws", fields, remote, extendedConnect: false, CancellationToken.None);

    private static async Task RoundTrip(WebSocketConnection client, byte[] payload)
    {
        Task sending = client.SendAsync(new ArraySegment<byte>(payload), WebSocketMessageType.Binary, true, CancellationToken.None);
        byte[] back = new byte[payload.Length + 1];
        int count = 0;
        ValueWebSocketReceiveResult result;
        do
        {
            result = await client.ReceiveAsync(back.AsMemory(count), CancellationToken.None).AsTask().InTime();
            count += result.Count;
        }
        while (!result.EndOfMessage);
        await sending.InTime();
        Assert.True(payload.AsSpan().SequenceEqual(back.AsSpan(0, count)));
    }
}
