using System.Collections.Concurrent;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>Many WebSockets in one HTTP/2 connection, which is what RFC 8441 is for.</summary>
public sealed class MultiplexTests
{
    [Theory]
    [InlineData(Door.H2c)]
    [InlineData(Door.H2)]
    public async Task One_of_a_hundred_that_does_not_read_holds_up_none_of_the_others(Door door)
    {
        var connections = new ConcurrentDictionary<string, int>();
        var stalled = new TaskCompletionSource<Task>();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, async context =>
        {
            connections.AddOrUpdate(context.Connection.Id, 1, (_, count) => count + 1);
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            if (context.Request.Path != "/stalled")
            {
                await Endpoints.EchoAsync(socket);
                return;
            }

            // More than the windows of HTTP/2 and the server's own buffer hold.
            Task send = socket.SendAsync(new byte[8 << 20].AsMemory(), WebSocketMessageType.Binary, true, default).AsTask();
            stalled.SetResult(send);
            await Record.ExceptionAsync(() => send);
        });

        using ClientWebSocket stalls = await app.ConnectAsync(path: "/stalled");
        Task sending = await stalled.Task.InTime();
        var others = new List<ClientWebSocket>();
        for (int i = 1; i < 100; i++) others.Add(await app.ConnectAsync());
        try
        {
            await Task.WhenAll(others.Select(async (client, i) =>
            {
                for (int round = 0; round < 5; round++) await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(20_000, i));
            })).InTime();
            Assert.False(sending.IsCompleted, "What nobody reads was taken all the same: nothing stalls.");
            Assert.Equal(100, Assert.Single(connections).Value);
            // Once it reads, it goes on.
            int count = 0;
            byte[] buffer = new byte[1 << 20];
            while (count < 8 << 20) count += (await stalls.ReceiveAsync(buffer, default).InTime()).Count;
            await sending.InTime();
        }
        finally
        {
            foreach (ClientWebSocket client in others) client.Dispose();
        }
    }

    [Theory]
    [InlineData(Door.Http1)]
    [InlineData(Door.Http1Tls)]
    [InlineData(Door.H2c)]
    [InlineData(Door.H2)]
    public async Task An_idle_connection_waits_without_a_buffer(Door door)
    {
        var spy = new ReadSpy();
        await using TestApp app = await TestApp.StartAsync(Maker.Tandem, door, Endpoints.Echo(), app => app.Use((context, next) =>
        {
            spy.Watch(context.Features);
            return next(context);
        }));
        using ClientWebSocket client = await app.ConnectAsync();
        await Eventually.Equal((true, 0), () => spy.Pending, "a pending read and its size");
        await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(100_000));
        await Eventually.Equal((true, 0), () => spy.Pending, "a pending read and its size, after a message");
    }
}
