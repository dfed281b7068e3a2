using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>
/// What applications rely on behind <c>UseWebSockets</c>: each behaviour is one test body, run against the framework's middleware and ours,
/// over HTTP/1.1 and HTTP/2, with TLS and without. Where the two differ on purpose, see <see cref="UseWebSocketsDifferenceTests"/>.
/// </summary>
public sealed class UseWebSocketsContractTests
{
    public static TheoryData<Maker, Door> Cases
    {
        get
        {
            var cases = new TheoryData<Maker, Door>();
            foreach (Maker maker in Enum.GetValues<Maker>())
            {
                foreach (Door door in Enum.GetValues<Door>()) cases.Add(maker, door);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Messages_go_both_ways_and_the_client_closes(Maker maker, Door door)
    {
        await using TestApp app = await TestApp.StartAsync(maker, door, Endpoints.Echo());
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Text, "hello"u8.ToArray());
        await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(1 << 20));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default).InTime();
        Assert.Equal((WebSocketCloseStatus.NormalClosure, "bye", WebSocketState.Closed), (client.CloseStatus!.Value, client.CloseStatusDescription, client.State));
        Assert.Empty(app.Errors);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task An_answer_arrives_although_more_was_waiting_and_the_endpoint_returns_without_a_word(Maker maker, Door door)
    {
        var sent = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await sent.Task.InTime();
            await socket.ReceiveAsync(new byte[10].AsMemory(), default);
            await socket.SendAsync("answer"u8.ToArray().AsMemory(), WebSocketMessageType.Text, true, default);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        for (int i = 0; i < 10; i++) await client.SendAsync(new byte[1].AsMemory(), WebSocketMessageType.Binary, true, default);
        sent.SetResult();
        byte[] buffer = new byte[10];
        WebSocketReceiveResult received = await client.ReceiveAsync(buffer, default).InTime();
        Assert.Equal("answer"u8.ToArray(), buffer[..received.Count]);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_server_closes(Maker maker, Door door)
    {
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.CloseAsync((WebSocketCloseStatus)4001, "enough", default).InTime();
        });
        using ClientWebSocket client = await app.ConnectAsync();
        WebSocketReceiveResult received = await client.ReceiveAsync(new byte[10], default).InTime();
        Assert.Equal((WebSocketMessageType.Close, (WebSocketCloseStatus)4001, "enough"), (received.MessageType, received.CloseStatus!.Value, received.CloseStatusDescription));
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
        await Eventually.True(() => client.State == WebSocketState.Closed, "closed");
        Assert.Empty(app.Errors);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_page_is_no_WebSocket_request(Maker maker, Door door)
    {
        bool? asked = null;
        Exception? thrown = null;
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            asked = context.WebSockets.IsWebSocketRequest;
            Assert.Empty(context.WebSockets.WebSocketRequestedProtocols);
            thrown = await Record.ExceptionAsync(() => context.WebSockets.AcceptWebSocketAsync());
            await context.Response.WriteAsync("a page");
        });
        using HttpResponseMessage answer = await app.GetAsync();
        Assert.Equal("a page", await answer.Content.ReadAsStringAsync());
        Assert.False(asked);
        Assert.IsType<InvalidOperationException>(thrown);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_page_where_there_is_a_WebSocket_gets_the_answer_of_the_application(Maker maker, Door door)
    {
        await using TestApp app = await TestApp.StartAsync(maker, door, Endpoints.Echo());
        using HttpResponseMessage answer = await app.GetAsync();
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_subprotocol_is_chosen_among_those_that_are_offered(Maker maker, Door door)
    {
        string? offered = null;
        string? serverSide = null;
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            offered = string.Join('|', context.WebSockets.WebSocketRequestedProtocols);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync("superchat");
            serverSide = socket.SubProtocol;
            await Endpoints.EchoAsync(socket);
        });
        using ClientWebSocket client = await app.ConnectAsync(options =>
        {
            options.AddSubProtocol("chat");
            options.AddSubProtocol("superchat");
        });
        Assert.Equal("superchat", client.SubProtocol);
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
        Assert.Equal(("chat|superchat", "superchat"), (offered, serverSide));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task No_subprotocol_is_chosen_unless_the_application_does(Maker maker, Door door)
    {
        await using TestApp app = await TestApp.StartAsync(maker, door, Endpoints.Echo(new WebSocketAcceptContext { SubProtocol = "" }));
        using ClientWebSocket client = await app.ConnectAsync(options => options.AddSubProtocol("chat"));
        Assert.Null(client.SubProtocol);
        Assert.False(client.HttpResponseHeaders!.ContainsKey("Sec-WebSocket-Protocol"));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_answer_has_the_fields_of_its_HTTP_version_and_those_of_the_application(Maker maker, Door door)
    {
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            context.Response.Headers["X-Mine"] = "1";
            await Endpoints.Echo()(context);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        IReadOnlyDictionary<string, IEnumerable<string>> fields = client.HttpResponseHeaders!;
        Assert.Equal("1", Assert.Single(fields["X-Mine"]));
        // RFC 8441 section 5: 200, and none of these three, where RFC 6455 section 4.2.2 has 101 and all of them.
        Assert.Equal(app.IsHttp2 ? HttpStatusCode.OK : HttpStatusCode.SwitchingProtocols, client.HttpStatusCode);
        foreach (string name in new[] { "Upgrade", "Connection", "Sec-WebSocket-Accept" }) Assert.Equal(!app.IsHttp2, fields.ContainsKey(name));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Accepting_twice_is_a_mistake(Maker maker, Door door)
    {
        Exception? thrown = null;
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            Assert.True(context.WebSockets.IsWebSocketRequest);
            thrown = await Record.ExceptionAsync(() => context.WebSockets.AcceptWebSocketAsync());
            await Endpoints.EchoAsync(socket);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Text, "unharmed"u8.ToArray());
        Assert.IsType<InvalidOperationException>(thrown);
    }

    [Theory]
    [InlineData(Maker.Framework, Door.Http1)]
    [InlineData(Maker.Tandem, Door.Http1)]
    public async Task Accepting_after_the_response_has_started_is_a_mistake(Maker maker, Door door)
    {
        Exception? thrown = null;
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            await context.Response.StartAsync();
            thrown = await Record.ExceptionAsync(() => context.WebSockets.AcceptWebSocketAsync());
        });
        await Record.ExceptionAsync(() => app.ConnectAsync());
        Assert.IsType<InvalidOperationException>(thrown);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_transport_ends_when_the_pipeline_returns(Maker maker, Door door)
    {
        WebSocket? serverSide = null;
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            serverSide = await context.WebSockets.AcceptWebSocketAsync();
            await serverSide.SendAsync("last words"u8.ToArray().AsMemory(), WebSocketMessageType.Text, true, default);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        // What was sent before still arrives.
        Assert.Equal(10, (await client.ReceiveAsync(new byte[100], default).InTime()).Count);
        WebSocketException end = await Assert.ThrowsAsync<WebSocketException>(() => client.ReceiveAsync(new byte[100], default).InTime());
        Assert.Equal(WebSocketError.ConnectionClosedPrematurely, end.WebSocketErrorCode);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Abort_aborts_the_request(Maker maker, Door door)
    {
        var aborted = new TaskCompletionSource();
        var waits = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[10].AsMemory(), default); // the client has its answer
            Task receive = socket.ReceiveAsync(new byte[10].AsMemory(), default).AsTask();
            socket.Abort();
            Assert.Equal(WebSocketState.Aborted, socket.State);
            await Assert.ThrowsAnyAsync<Exception>(() => receive).InTime();
            await waits.Task; // the end must come before the pipeline's
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await client.SendAsync("here"u8.ToArray(), WebSocketMessageType.Text, true, default).InTime();
        await aborted.Task.InTime();
        await Assert.ThrowsAsync<WebSocketException>(() => client.ReceiveAsync(new byte[100], default).InTime());
        waits.SetResult();
        Assert.Empty(app.Errors);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_client_that_goes_away_ends_a_receive_and_aborts_the_request(Maker maker, Door door)
    {
        var aborted = new TaskCompletionSource();
        var thrown = new TaskCompletionSource<Exception>();
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            thrown.SetResult((await Record.ExceptionAsync(() => socket.ReceiveAsync(new byte[10].AsMemory(), default).AsTask()))!);
            await aborted.Task.InTime(); // Kestrel tells it a moment later, and not at all once the request has ended
        });
        using ClientWebSocket client = await app.ConnectAsync();
        client.Abort();
        WebSocketException exception = Assert.IsType<WebSocketException>(await thrown.Task.InTime());
        Assert.Equal(WebSocketError.ConnectionClosedPrematurely, exception.WebSocketErrorCode);
        await aborted.Task.InTime();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task RequestAborted_ends_a_receive_that_was_given_it(Maker maker, Door door)
    {
        var ended = new TaskCompletionSource<Exception>();
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            ended.SetResult((await Record.ExceptionAsync(() => socket.ReceiveAsync(new byte[10].AsMemory(), context.RequestAborted).AsTask()))!);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        client.Abort();
        Assert.True(await ended.Task.InTime() is WebSocketException or OperationCanceledException);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_hosts_stop_aborts_what_is_open_after_its_deadline(Maker maker, Door door)
    {
        var ended = new TaskCompletionSource<Exception?>();
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            ended.SetResult(await Record.ExceptionAsync(() => socket.ReceiveAsync(new byte[10].AsMemory(), default).AsTask()));
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await app.StopAsync(new CancellationToken(canceled: true)).InTime();
        Assert.NotNull(await ended.Task.InTime());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_request_timeout_ends_with_the_handshake(Maker maker, Door door)
    {
        var timeout = new SpyTimeout();
        await using TestApp app = await TestApp.StartAsync(
            maker,
            door,
            Endpoints.Echo(),
            before => before.Use((context, next) =>
            {
                context.Features.Set<IHttpRequestTimeoutFeature>(timeout);
                return next(context);
            }));
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Text, "open"u8.ToArray());
        Assert.Equal(1, timeout.Disabled);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Compression_is_off_unless_the_application_asks_for_it(Maker maker, Door door)
    {
        await using TestApp app = await TestApp.StartAsync(maker, door, Endpoints.Echo());
        using ClientWebSocket client = await app.ConnectAsync(options => options.DangerousDeflateOptions = new WebSocketDeflateOptions());
        Assert.False(client.HttpResponseHeaders!.ContainsKey("Sec-WebSocket-Extensions"));
        await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(100_000));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Compression_is_negotiated_where_the_application_asks_for_it(Maker maker, Door door)
    {
        var accept = new WebSocketAcceptContext { DangerousEnableCompression = true, DisableServerContextTakeover = true, ServerMaxWindowBits = 11 };
        await using TestApp app = await TestApp.StartAsync(maker, door, Endpoints.Echo(accept));
        using (ClientWebSocket client = await app.ConnectAsync(options => options.DangerousDeflateOptions = new WebSocketDeflateOptions { ClientMaxWindowBits = 10 }))
        {
            string[] answer = Assert.Single(client.HttpResponseHeaders!["Sec-WebSocket-Extensions"]).Split("; ");
            Assert.Equal(
                ["client_max_window_bits=10", "permessage-deflate", "server_max_window_bits=11", "server_no_context_takeover"],
                answer.Order(StringComparer.Ordinal));
            for (int i = 0; i < 3; i++) await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(100_000 + i));
            await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(100_000));
        }

        // A client that offers nothing is not forced.
        using ClientWebSocket plain = await app.ConnectAsync();
        Assert.False(plain.HttpResponseHeaders!.ContainsKey("Sec-WebSocket-Extensions"));
        await plain.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(100_000));
    }

    private sealed class SpyTimeout : IHttpRequestTimeoutFeature
    {
        public int Disabled { get; private set; }

        public CancellationToken RequestTimeoutToken => default;

        public void DisableTimeout() => Disabled++;
    }
}
