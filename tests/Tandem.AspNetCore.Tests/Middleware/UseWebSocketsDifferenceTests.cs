using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>
/// Where <c>UseTandemWebSockets</c> differs from <c>UseWebSockets</c> on purpose: both behaviours. The list is in docs/aspnetcore.md; which
/// handshakes only one of them accepts is in <see cref="HandshakeTests"/>.
/// </summary>
public sealed class UseWebSocketsDifferenceTests
{
    [Theory]
    [InlineData(Maker.Framework, 101)]
    [InlineData(Maker.Tandem, 403)]
    public async Task Pages_of_other_hosts(Maker maker, int status)
    {
        await using TestApp app = await TestApp.StartAsync(maker, Door.Http1, Endpoints.Echo());
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/ws", "Origin: http://evil.example"));
        Assert.StartsWith($"HTTP/1.1 {status}", await client.ReadHead(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Maker.Framework)]
    [InlineData(Maker.Tandem)]
    public async Task A_subprotocol_that_was_not_offered(Maker maker)
    {
        Exception? thrown = null;
        await using TestApp app = await TestApp.StartAsync(maker, Door.Http1, async context =>
            thrown = await Record.ExceptionAsync(() => context.WebSockets.AcceptWebSocketAsync("chat")));
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/ws", "Sec-WebSocket-Protocol: superchat"));
        string head = await client.ReadHead();
        Assert.Equal(maker == Maker.Framework, head.Contains("Sec-WebSocket-Protocol: chat\r\n", StringComparison.Ordinal));
        if (maker == Maker.Tandem) Assert.Contains("did not offer", Assert.IsType<ArgumentException>(thrown).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Maker.Framework)]
    [InlineData(Maker.Tandem)]
    public async Task Accepting_over_HTTP_2_after_the_response_has_started(Maker maker)
    {
        var thrown = new TaskCompletionSource<Exception?>();
        await using TestApp app = await TestApp.StartAsync(maker, Door.H2c, async context =>
        {
            await context.Response.StartAsync();
            thrown.SetResult(await Record.ExceptionAsync(() => context.WebSockets.AcceptWebSocketAsync()));
        });
        using ClientWebSocket client = await app.ConnectAsync();
        Exception? found = await thrown.Task.InTime();
        if (maker == Maker.Framework) Assert.Null(found);
        else Assert.IsType<InvalidOperationException>(found);
    }

    [Theory]
    [InlineData(Maker.Framework, Door.Http1)]
    [InlineData(Maker.Framework, Door.H2c)]
    [InlineData(Maker.Tandem, Door.Http1)]
    [InlineData(Maker.Tandem, Door.H2c)]
    public async Task Sending_to_a_client_that_has_gone(Maker maker, Door door)
    {
        var thrown = new TaskCompletionSource<(Exception? Exception, WebSocketState State)>();
        await using TestApp app = await TestApp.StartAsync(maker, door, async context =>
        {
            var gone = new TaskCompletionSource();
            context.RequestAborted.Register(gone.SetResult);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await gone.Task.InTime();
            Exception? exception = await Record.ExceptionAsync(() =>
                socket.SendAsync("anybody?"u8.ToArray().AsMemory(), WebSocketMessageType.Text, true, default).AsTask());
            thrown.SetResult((exception, socket.State));
        });
        using ClientWebSocket client = await app.ConnectAsync();
        client.Abort();
        (Exception? found, WebSocketState state) = await thrown.Task.InTime();
        if (maker == Maker.Framework)
        {
            Assert.Equal((null, WebSocketState.Open), (found, state));
            return;
        }

        var ended = Assert.IsType<ConnectionEndedException>(Assert.IsType<WebSocketException>(found).InnerException);
        Assert.Equal((CloseInitiator.TransportEnd, WebSocketState.Aborted), (ended.Cause.Initiator, state));
    }

    [Theory]
    [InlineData(Maker.Framework, WebSocketState.Open)]
    [InlineData(Maker.Tandem, WebSocketState.Closed)]
    public async Task A_connection_that_its_request_did_not_close(Maker maker, WebSocketState state)
    {
        WebSocket? left = null;
        await using TestApp app = await TestApp.StartAsync(maker, Door.H2c, async context => left = await context.WebSockets.AcceptWebSocketAsync());
        using ClientWebSocket client = await app.ConnectAsync();
        await Assert.ThrowsAsync<WebSocketException>(() => client.ReceiveAsync(new byte[10], default).InTime());
        await Eventually.Equal(state, () => left!.State, "the state");
    }

    [Theory]
    [InlineData(Maker.Framework)]
    [InlineData(Maker.Tandem)]
    public async Task A_receive_when_the_host_gives_up_waiting(Maker maker)
    {
        var ended = new TaskCompletionSource<Exception>();
        await using TestApp app = await TestApp.StartAsync(maker, Door.Http1, async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            ended.SetResult((await Record.ExceptionAsync(() => socket.ReceiveAsync(new byte[10].AsMemory(), default).AsTask()))!);
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await app.StopAsync(new CancellationToken(canceled: true)).InTime();
        Exception exception = await ended.Task.InTime();
        Assert.Equal(maker == Maker.Tandem, exception is WebSocketException);
    }

    [Theory]
    [InlineData(Maker.Framework, "HTTP/1.1 400", false)]
    [InlineData(Maker.Tandem, "HTTP/1.1 426", true)]
    public async Task A_bare_400_for_a_bad_handshake(Maker maker, string status, bool explained)
    {
        await using TestApp app = await TestApp.StartAsync(maker, Door.Http1, context =>
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        });
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/ws", "Connection: close").Replace("Version: 13", "Version: 7", StringComparison.Ordinal));
        string answer = await client.ReadToEnd();
        Assert.StartsWith(status, answer, StringComparison.Ordinal);
        Assert.Equal(explained, answer.Contains("Sec-WebSocket-Version must be 13", StringComparison.Ordinal));
    }
}
