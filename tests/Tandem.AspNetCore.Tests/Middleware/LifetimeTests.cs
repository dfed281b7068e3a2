using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Tandem.Protocol.Framing;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>How our connection and the request that carries it end each other.</summary>
public sealed class LifetimeTests
{
    public static TheoryData<Door> Doors => [.. Enum.GetValues<Door>()];

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task A_client_that_resets_its_stream_ends_one_connection_and_no_other(Door door)
    {
        var ended = new TaskCompletionSource<WebSocketConnection>();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await Record.ExceptionAsync(() => Endpoints.EchoAsync(socket));
            if (context.Request.Path == "/gone") ended.SetResult((WebSocketConnection)socket);
        });
        using ClientWebSocket stays = await app.ConnectAsync();
        using ClientWebSocket goes = await app.ConnectAsync(path: "/gone");
        await goes.RoundTrip(WebSocketMessageType.Text, "here"u8.ToArray());
        goes.Abort(); // over HTTP/2 that is RST_STREAM
        WebSocketConnection connection = await ended.Task.InTime();
        Assert.Equal((CloseInitiator.TransportEnd, CloseCause.Abnormal), (connection.CloseCause!.Value.Initiator, connection.CloseCause.Value.Status));
        await stays.RoundTrip(WebSocketMessageType.Text, "still here"u8.ToArray());
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Disposing_while_a_receive_is_pending_ends_it_at_once(Door door)
    {
        Exception? thrown = null;
        var done = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, async context =>
        {
            WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            Task receive = socket.ReceiveAsync(new byte[10].AsMemory(), default).AsTask();
            Assert.False(receive.IsCompleted);
            socket.Dispose();
            thrown = await Record.ExceptionAsync(() => receive.InTime());
            done.SetResult();
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await done.Task.InTime();
        Assert.IsType<WebSocketException>(thrown);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task What_was_sent_before_an_end_in_order_arrives(Door door)
    {
        byte[] message = Wire.Noise(1 << 20);
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, default);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        int count = 0;
        WebSocketReceiveResult received;
        do
        {
            received = await client.ReceiveAsync(new byte[1 << 20], default).InTime();
            count += received.Count;
        }
        while (!received.EndOfMessage);
        Assert.Equal(message.Length, count);
    }

    [Fact]
    public async Task A_client_that_breaks_a_rule_is_told_which()
    {
        var thrown = new TaskCompletionSource<Exception?>();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Http1, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            thrown.SetResult(await Record.ExceptionAsync(() => Endpoints.EchoAsync(socket)));
        });
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Upgrade();
        await client.Send(new byte[] { 0x81, 0x02, (byte)'h', (byte)'i' }); // unmasked
        Received close = await client.ReadClose(1002);
        Assert.Equal(ProtocolFault.UnmaskedClientFrame.Text(), close.Reason);
        var ended = Assert.IsType<ConnectionEndedException>((await thrown.Task.InTime())!.InnerException);
        Assert.Equal(ProtocolFault.UnmaskedClientFrame, ended.Cause.Fault);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task An_answer_to_the_close_of_a_client_that_did_not_wait_is_no_error(Door door)
    {
        var received = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, async context =>
        {
            var gone = new TaskCompletionSource();
            context.RequestAborted.Register(gone.SetResult);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[10].AsMemory(), default);
            received.SetResult();
            await gone.Task.InTime();
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
        await received.Task.InTime();
        client.Abort();
        await app.StopAsync().InTime();
        Assert.Empty(app.Errors);
    }

    [Fact]
    public async Task A_silent_client_is_pinged_and_then_aborted()
    {
        var clock = new ManualClock();
        var options = new TandemWebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(15), KeepAliveTimeout = TimeSpan.FromSeconds(5), TimeProvider = clock };
        var ended = new TaskCompletionSource<(Exception? Exception, CloseCause? Cause)>();
        var aborted = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(
            Door.Http1,
            async context =>
            {
                context.RequestAborted.Register(aborted.SetResult);
                using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                Exception? exception = await Record.ExceptionAsync(() => Endpoints.EchoAsync(socket));
                ended.SetResult((exception, ((WebSocketConnection)socket).CloseCause));
            },
            app => app.UseTandemWebSockets(options));
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Upgrade();
        await client.Send(Wire.Text("once"));
        await client.ReadText("once");
        clock.Advance(15);
        Assert.Equal(Got.Ping, (await client.Read()).Kind);
        await client.Send(Wire.Pong(""));
        await client.Send(Wire.Text("awake"));
        await client.ReadText("awake");
        clock.Advance(15);
        Assert.Equal(Got.Ping, (await client.Read()).Kind);
        // Nobody is dropped for what the application does not read: it may not have come to that yet.
        await Eventually.True(() => EndsAfter(clock, TimeSpan.FromSeconds(5), ended.Task), "the end");
        (Exception? thrown, CloseCause? cause) = await ended.Task.InTime();
        Assert.IsType<OperationCanceledException>(thrown);
        Assert.Equal(CloseInitiator.Timeout, cause!.Value.Initiator);
        await aborted.Task.InTime();
        Got last;
        do last = (await client.Read()).Kind;
        while (last == Got.Ping);
        Assert.Contains(last, new[] { Got.Reset, Got.End });
    }

    [Theory]
    [InlineData(Door.Http1)]
    [InlineData(Door.H2c)]
    public async Task The_acceptance_context_goes_before_the_options(Door door)
    {
        var clock = new ManualClock();
        var accept = new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.Zero, KeepAliveTimeout = TimeSpan.FromSeconds(1) };
        await using TestApp app = await TestApp.StartAsync(door, Endpoints.Echo(accept), app => app.UseTandemWebSockets(new TandemWebSocketOptions { TimeProvider = clock }));
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Text, "no timer"u8.ToArray());
        Assert.Equal(0, clock.Timers); // zero is never, as with UseWebSockets
    }

    [Fact]
    public async Task A_message_above_the_limit_is_refused_with_1009()
    {
        await using TestApp app = await TestApp.StartAsync(
            Door.H2c,
            async context =>
            {
                using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                await Assert.ThrowsAsync<WebSocketException>(() => Endpoints.EchoAsync(socket));
            },
            app => app.UseTandemWebSockets(new TandemWebSocketOptions { MaxMessageSize = 1000 }));
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(1000));
        await client.SendAsync(Wire.Noise(1001), WebSocketMessageType.Binary, true, default).InTime();
        WebSocketReceiveResult received = await client.ReceiveAsync(new byte[10], default).InTime();
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, received.CloseStatus);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task A_message_of_16_MiB_comes_back(Door door)
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, Endpoints.Echo());
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(16 << 20));
    }

    private static bool EndsAfter(ManualClock clock, TimeSpan time, Task end)
    {
        clock.Advance(time.TotalSeconds);
        return end.IsCompleted;
    }
}
