using System.Net;
using System.Net.WebSockets;
using System.Text;
using Tandem.AspNetCore.Tests.Middleware;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.AspNetCore.Tests.Routes;

/// <summary>One handler, one body of each test: neither it nor its clients can tell by which way the route is served.</summary>
public sealed class RouteTests
{
    private readonly TestHandler _handler = TestHandler.Echo();

    public static TheoryData<Way> Ways => RouteApp.Ways;

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Messages_of_all_sizes_come_back_and_the_close_is_answered(Way way)
    {
        await using TestApp app = await way.StartAsync(_handler);
        using ClientWebSocket client = await app.ConnectAsync();
        foreach (int size in (int[])[0, 1, 125, 126, 65_535, 65_536, 3_000_000]) await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(size));
        await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(10_000));
        await client.CloseAsync((WebSocketCloseStatus)4001, "done", default).InTime();
        Assert.Equal(((WebSocketCloseStatus)4001, "done"), (client.CloseStatus!.Value, client.CloseStatusDescription));
        Assert.Equal(new CloseCause(CloseInitiator.Peer, (WebSocketCloseStatus)4001, "done", default), await _handler.CloseCause());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task The_handler_sees_path_query_fields_cookies_and_where_it_comes_from(Way way)
    {
        UpgradeRequestSnapshot? seen = null;
        IPEndPoint? from = null;
        _handler.Upgrade = (in request, context) => (seen, from) = (request.ToSnapshot(), context.RemoteEndPoint);
        await using TestApp app = await way.StartAsync(_handler);
        using ClientWebSocket client = await app.ConnectAsync(
            options =>
            {
                options.SetRequestHeader("X-Trace", "abc; d=\"e\"");
                options.SetRequestHeader("Cookie", "a=1; session=s%203; b=2");
            },
            "/ws?name=M%C3%BCller&empty=");
        Assert.NotNull(seen);
        Assert.Equal(("/ws", "name=M%C3%BCller&empty="), (seen.Path, seen.Query));
        Assert.Equal(("M\u00FCller", "", null), (seen.GetQuery("name"), seen.GetQuery("empty"), seen.GetQuery("absent")));
        Assert.Equal(("abc; d=\"e\"", "s%203", "2"), (seen.GetHeader("x-trace"), seen.GetCookie("session"), seen.GetCookie("b")));
        Assert.Equal($"127.0.0.1:{app.Port}", seen.Host);
        Assert.Equal(IPAddress.Loopback, from!.Address);
        Assert.NotEqual(0, from.Port);
        await Eventually.Equal(1, () => _handler.Opened.Count, "OnOpen");
        Assert.Equal(from, _handler.Peer.RemoteEndPoint);
    }

    [Theory]
    [InlineData(Way.Loop)]
    [InlineData(Way.WithoutListener)]
    public async Task Fields_come_as_the_bytes_that_were_sent(Way way)
    {
        string? seen = null;
        _handler.Upgrade = (in request, _) => seen = Encoding.UTF8.GetString(request.Head.Value(request.Head.Find("X-Name"u8)));
        await using TestApp app = await way.StartAsync(_handler);
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Encoding.UTF8.GetBytes(Wire.Request("/ws", "X-Name: Ren\u00E9 \u4F60\u597D")));
        await client.ReadHead();
        Assert.Equal("Ren\u00E9 \u4F60\u597D", seen);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_subprotocol_is_chosen_by_the_route_or_by_the_handler_and_fields_are_added(Way way)
    {
        _handler.Upgrade = (in request, context) =>
        {
            if (request.GetQuery("choose") is { } choice) context.Subprotocol = choice;
            context.Headers.Add(new("Set-Cookie", "a=1"));
            context.Headers.Add(new("Set-Cookie", "b=2"));
            context.State = "mine";
        };
        await using TestApp app = await way.StartAsync(_handler, "b", "c");
        void Offer(ClientWebSocketOptions options)
        {
            options.AddSubProtocol("a");
            options.AddSubProtocol("c");
            options.AddSubProtocol("b");
        }

        using ClientWebSocket byRoute = await app.ConnectAsync(Offer);
        await Eventually.Equal(1, () => _handler.Opened.Count, "OnOpen"); // which may run behind the answer
        using ClientWebSocket byHandler = await app.ConnectAsync(Offer, "/ws?choose=a");
        Assert.Equal(("c", "a"), (byRoute.SubProtocol, byHandler.SubProtocol));
        Assert.Equal(["a=1", "b=2"], byRoute.HttpResponseHeaders!["Set-Cookie"]);
        await Eventually.Equal(2, () => _handler.Opened.Count, "OnOpen");
        Assert.Equal([("c", "mine"), ("a", "mine")], _handler.Opened.Select(peer => (peer.Subprotocol, peer.State)));
        Assert.Equal(HttpStatusCode.InternalServerError, await app.RefusedAsync(Offer, "/ws?choose=not-offered"));
        Assert.IsType<ArgumentException>(Assert.Single(_handler.Errors).Exception);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_refusal_has_status_fields_and_a_line_of_text(Way way)
    {
        _handler.Upgrade = (in _, context) =>
        {
            context.Headers.Add(new("Retry-After", "60"));
            context.Refuse(429, "slow down");
        };
        await using TestApp app = await way.StartAsync(_handler);
        using var client = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => app.OpenAsync(client));
        Assert.Equal(HttpStatusCode.TooManyRequests, client.HttpStatusCode);
        Assert.Equal(["60"], client.HttpResponseHeaders!["Retry-After"]);
        Assert.Empty(_handler.Opened);
        _handler.Upgrade = (in _, _) => throw new InvalidOperationException("as asked");
        Assert.Equal(HttpStatusCode.InternalServerError, await app.RefusedAsync());
        Assert.Equal("as asked", Assert.Single(_handler.Errors).Exception.Message);
        _handler.Upgrade = null;
        Assert.Equal(HttpStatusCode.Forbidden, await app.RefusedAsync(options => options.SetRequestHeader("Origin", "http://elsewhere.example")));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_page_of_the_same_host_is_let_in(Way way)
    {
        await using TestApp app = await way.StartAsync(_handler);
        using ClientWebSocket client = await app.ConnectAsync(options => options.SetRequestHeader("Origin", app.Uri("", "http").GetLeftPart(UriPartial.Authority)));
        await client.RoundTrip(WebSocketMessageType.Text, "hello"u8.ToArray());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_decision_may_take_its_time(Way way)
    {
        var asked = new TaskCompletionSource();
        var decided = new TaskCompletionSource<bool>();
        _handler.Upgrade = (in _, context) => context.Defer(async (request, _) =>
        {
            asked.TrySetResult();
            if (!await decided.Task) context.Refuse(401, $"not {request.GetCookie("user")}");
            context.State = request.GetCookie("user");
        });
        await using TestApp app = await way.StartAsync(_handler);
        Task<ClientWebSocket> connecting = app.ConnectAsync(options => options.SetRequestHeader("Cookie", "user=alice"));
        await asked.Task.InTime();
        Assert.False(connecting.IsCompleted);
        decided.SetResult(true);
        using ClientWebSocket client = await connecting;
        await client.RoundTrip(WebSocketMessageType.Text, "hello"u8.ToArray());
        Assert.Equal("alice", _handler.Peer.State);
        decided = new TaskCompletionSource<bool>();
        decided.SetResult(false);
        Assert.Equal(HttpStatusCode.Unauthorized, await app.RefusedAsync());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_leaves_while_it_waits_for_the_decision_cancels_it(Way way)
    {
        var token = new TaskCompletionSource<CancellationToken>();
        _handler.Upgrade = (in _, context) => context.Defer(async (_, cancellationToken) =>
        {
            token.SetResult(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        await using TestApp app = await way.StartAsync(_handler);
        using var client = new ClientWebSocket();
        using var leaving = new CancellationTokenSource();
        Task connecting = app.OpenAsync(client, cancellationToken: leaving.Token);
        CancellationToken waited = await token.Task.InTime();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => connecting);
        await Eventually.True(() => waited.IsCancellationRequested, "the token of the decision");
        Assert.Empty(_handler.Opened);
        Assert.Empty(_handler.Errors);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Compression_is_agreed_on_and_used(Way way)
    {
        await using TestApp app = await way.StartAsync(
            app => app.MapTandem("/ws", _handler), _handler, template => template with { Deflate = new DeflateOptions() });
        using ClientWebSocket client = await app.ConnectAsync(options => options.DangerousDeflateOptions = new WebSocketDeflateOptions());
        Assert.StartsWith("permessage-deflate", Assert.Single(client.HttpResponseHeaders!["Sec-WebSocket-Extensions"]), StringComparison.Ordinal);
        await client.RoundTrip(WebSocketMessageType.Text, Encoding.ASCII.GetBytes(new string('a', 500_000)));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_stop_of_the_host_closes_with_1001_behind_what_was_sent(Way way)
    {
        int sent = 0;
        _handler.Message = (peer, _, _) =>
        {
            peer.Send("sent before");
            Interlocked.Increment(ref sent);
        };
        await using TestApp app = await way.StartAsync(_handler);
        ClientWebSocket[] clients = [await app.ConnectAsync(), await app.ConnectAsync()];
        foreach (ClientWebSocket client in clients) await client.SendAsync("go"u8.ToArray(), WebSocketMessageType.Text, true, default).InTime();
        await Eventually.Equal(2, () => Volatile.Read(ref sent), "answers");
        Task stopped = app.StopAsync();
        foreach (ClientWebSocket client in clients)
        {
            byte[] buffer = new byte[100];
            WebSocketReceiveResult received = await client.ReceiveAsync(buffer, default).InTime();
            Assert.Equal("sent before", Encoding.UTF8.GetString(buffer, 0, received.Count));
            received = await client.ReceiveAsync(buffer, default).InTime();
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, received.CloseStatus);
        }

        Assert.False(stopped.IsCompleted); // it waits for the answers
        foreach (ClientWebSocket client in clients)
        {
            await client.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, default).InTime();
            client.Dispose();
        }

        await stopped.InTime();
        await Eventually.Equal(2, () => _handler.Closed.Count, "OnClose");
        Assert.All(_handler.Closed, closed => Assert.Equal((CloseInitiator.Local, WebSocketCloseStatus.EndpointUnavailable), (closed.Cause.Initiator, closed.Cause.Status)));
        Assert.Empty(_handler.Errors);
        Assert.Equal(0, _handler.Nested);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_is_aborted_or_aborts_is_gone_at_the_other_end_too(Way way)
    {
        _handler.Message = (peer, _, _) => peer.Abort();
        await using TestApp app = await way.StartAsync(_handler);
        using ClientWebSocket aborted = await app.ConnectAsync();
        await aborted.SendAsync("go"u8.ToArray(), WebSocketMessageType.Text, true, default).InTime();
        WebSocketException exception = await Assert.ThrowsAsync<WebSocketException>(() => aborted.ReceiveAsync(new byte[10], default).InTime());
        // RFC 8441 section 5: a connection that is cut off is a stream that is reset.
        if (way is Way.H2 or Way.H2c) Assert.IsType<HttpProtocolException>(exception.GetBaseException());
        Assert.Equal(CloseInitiator.Local, (await _handler.CloseCause()).Initiator);
        using ClientWebSocket aborts = await app.ConnectAsync();
        aborts.Abort();
        await Eventually.Equal(2, () => _handler.Closed.Count, "OnClose");
        Assert.Equal(CloseInitiator.TransportEnd, _handler.Closed.Last().Cause.Initiator);
        Assert.Empty(_handler.Errors);
    }

    [Theory]
    [InlineData(Way.H2c)]
    [InlineData(Way.H2)]
    public async Task A_hundred_WebSockets_share_one_HTTP2_connection(Way way)
    {
        await using TestApp app = await way.StartAsync(_handler);
        ClientWebSocket[] clients = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => app.ConnectAsync()));
        await Task.WhenAll(clients.Select(async (client, i) =>
        {
            for (int round = 0; round < 5; round++) await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(20_000, i));
        })).InTime();
        Assert.Equal(100, _handler.Opened.Count);
        Assert.Single(_handler.Opened.Select(peer => peer.RemoteEndPoint).Distinct());
        foreach (ClientWebSocket client in clients) client.Dispose();
        await Eventually.Equal(100, () => _handler.Closed.Count, "OnClose");
    }
}
