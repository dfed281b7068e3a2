using System.Net.WebSockets;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>
/// Where event loops accept, a WebSocket of the application takes its socket over from Kestrel. What applications see of it is the contract of every other
/// way (UseWebSocketsContractTests, LifetimeTests); here is what is its own.
/// </summary>
public sealed class HandshakeConnectionTests
{
    public enum Way
    {
        TakenOver,
        Logged,
        InPieces,
        Plain,
    }

    [Theory]
    [InlineData(Way.TakenOver, true)]
    [InlineData(Way.Logged, false)] // what the application has put between sees every byte
    [InlineData(Way.InPieces, false)]
    [InlineData(Way.Plain, false)]
    public async Task The_socket_is_taken_over_where_nothing_stands_between(Way way, bool isTakenOver)
    {
        var found = new TaskCompletionSource<HandshakeConnection?>();
        Door door = way == Way.Plain ? Door.Http1 : Door.Listener;
        await using TestApp app = await TestApp.StartAsync(
            door,
            async context =>
            {
                found.TrySetResult(HandshakeConnection.Find(context.Features));
                await Endpoints.Echo()(context);
            },
            app => app.UseTandemWebSockets(),
            builder =>
            {
                // One loop, which comes to its connections in turn.
                builder.Services.Configure<TandemListenerOptions>(listener => listener.Configure = template => template with { Loops = 1 });
                builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen =>
                {
                    if (way == Way.Logged) listen.UseConnectionLogging();
                }));
            });
        using RawClient client = await RawClient.Connect(app.EndPoint);
        byte[] request = Wire.Ascii(Wire.Request());
        if (way == Way.InPieces)
        {
            await client.Send(request.AsMemory(0, 40));
            // A request of another connection is served: this one has been judged.
            Assert.Equal(400, (int)(await app.GetAsync()).StatusCode);
            found = new TaskCompletionSource<HandshakeConnection?>();
            request = request[40..];
        }

        await client.Send(request);
        await client.ReadAccepted();
        HandshakeConnection? connection = await found.Task.InTime();
        Assert.Equal(isTakenOver, connection is not null);
        await client.Send(Wire.Text("here"));
        await client.ReadText("here");
        // Kestrel's way to the bytes is closed.
        if (connection is not null) Assert.Throws<InvalidOperationException>(() => connection.Input.TryRead(out _));
        await client.Send(Wire.Close(1000));
        await client.ReadClose(1000);
        Assert.Equal(Got.End, (await client.Read()).Kind);
    }

    [Fact]
    public async Task Frames_that_came_with_the_request_are_received_first()
    {
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Listener, Endpoints.Echo());
        using RawClient client = await RawClient.Connect(app.EndPoint);
        // Section 4.1 has clients wait for the answer. One that does not must not lose anything, whatever the size of the reads.
        byte[] message = Wire.Noise(3000);
        await client.Send((byte[])[.. Wire.Ascii(Wire.Request()), .. Wire.Text("early"), .. Wire.Binary(message)]);
        await client.ReadAccepted();
        await client.ReadText("early");
        await client.ReadMessage(Got.Binary, message);
        await client.Send(Wire.Text("later"));
        await client.ReadText("later");
    }

    [Fact]
    public async Task A_request_behind_a_refused_handshake_is_answered()
    {
        await using TestApp app = await TestApp.StartAsync(
            Door.Listener,
            context => context.Response.WriteAsync($"{context.Request.Path}, {context.WebSockets.IsWebSocketRequest}"),
            app => app.UseTandemWebSockets());
        using RawClient client = await RawClient.Connect(app.EndPoint);
        await client.Send(Wire.Request("/first") + Wire.Request("/second"));
        await client.Send("GET /third HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        string answers = await client.ReadToEnd();
        Assert.Contains("/first, True", answers, StringComparison.Ordinal);
        Assert.Contains("/second, True", answers, StringComparison.Ordinal);
        Assert.EndsWith("/third, False\r\n0\r\n\r\n", answers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_application_that_never_reads_hears_that_the_client_has_gone()
    {
        var gone = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Listener, async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            context.RequestAborted.Register(gone.SetResult);
            await gone.Task;
        });
        using (RawClient client = await RawClient.Connect(app.EndPoint)) await client.Upgrade();
        await gone.Task.InTime();
    }

    [Fact]
    public async Task And_one_that_reads_no_more_and_one_that_has_not_accepted_yet()
    {
        var gone = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Listener, async context =>
        {
            using WebSocket? socket = context.Request.Path == "/read" ? await context.WebSockets.AcceptWebSocketAsync() : null;
            if (socket is not null)
            {
                await socket.ReceiveAsync(new byte[10].AsMemory(), default);
                await socket.SendAsync("read"u8.ToArray().AsMemory(), WebSocketMessageType.Text, true, default);
            }

            await Record.ExceptionAsync(() => Task.Delay(Timeout.Infinite, context.RequestAborted));
            gone.SetResult();
        });
        using (RawClient client = await RawClient.Connect(app.EndPoint))
        {
            await client.Upgrade("/read");
            await client.Send(Wire.Text("hello"));
            await client.ReadText("read");
        }

        await gone.Task.InTime();
        gone = new TaskCompletionSource();
        using (RawClient client = await RawClient.Connect(app.EndPoint)) await client.Send(Wire.Request("/wait"));
        await gone.Task.InTime();
    }

    [Fact]
    public async Task A_client_that_is_silent_and_one_that_sends_what_nobody_reads_are_not_taken_for_gone()
    {
        int aborted = 0;
        var done = new TaskCompletionSource();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, Door.Listener, async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            context.RequestAborted.Register(() => Interlocked.Increment(ref aborted));
            await done.Task;
            await Endpoints.EchoAsync(socket);
        });
        using RawClient silent = await RawClient.Connect(app.EndPoint);
        await silent.Upgrade();
        using RawClient talks = await RawClient.Connect(app.EndPoint);
        await talks.Upgrade();
        await talks.Send(Wire.Text("unread"));
        // Every connection has been looked at more than once when a third has been found gone.
        for (int i = 0; i < 2; i++)
        {
            int before = Volatile.Read(ref aborted);
            using (RawClient client = await RawClient.Connect(app.EndPoint)) await client.Upgrade();
            await Eventually.True(() => Volatile.Read(ref aborted) > before, "the end of the one that has gone");
        }

        Assert.Equal(2, aborted);
        done.SetResult();
        await talks.ReadText("unread");
        await silent.Send(Wire.Text("spoken"));
        await silent.ReadText("spoken");
    }
}
