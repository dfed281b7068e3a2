using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tandem.Protocol.Compression;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>Whose connection an application gets where both middlewares stand in its pipeline, and what the options of ours do.</summary>
public sealed class PrecedenceTests
{
    public static TheoryData<Door, bool> Orders => new()
    {
        { Door.Http1, true },
        { Door.Http1, false },
        { Door.H2c, true },
        { Door.H2c, false },
    };

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task Ours_wins_in_either_order(Door door, bool frameworkFirst)
    {
        WebSocket? accepted = null;
        await using TestApp app = await TestApp.StartAsync(door, Endpoints.Echo(accepted: socket => accepted = socket), app =>
        {
            if (frameworkFirst) app.UseWebSockets();
            app.UseTandemWebSockets();
            if (!frameworkFirst) app.UseWebSockets(); // as MapHub does
        });
        using ClientWebSocket client = await app.ConnectAsync();
        await client.RoundTrip(WebSocketMessageType.Text, "whose?"u8.ToArray());
        Assert.IsType<WebSocketConnection>(accepted);
    }

    [Fact]
    public async Task What_only_the_server_itself_can_accept_is_left_to_it()
    {
        IHttpWebSocketFeature own = new OwnFeature();
        IHttpWebSocketFeature? seen = null;
        await using TestApp app = await TestApp.StartAsync(
            Maker.Tandem,
            Door.Http1,
            context =>
            {
                seen = context.Features.Get<IHttpWebSocketFeature>();
                return Task.CompletedTask;
            },
            app => app.Use((context, next) =>
            {
                context.Features.Set(own);
                return next(context);
            }));
        (await app.GetAsync()).Dispose();
        Assert.Same(own, seen);
    }

    [Theory]
    [InlineData(Door.Http1, false)]
    [InlineData(Door.Http1, true)]
    [InlineData(Door.H2c, false)]
    [InlineData(Door.H2c, true)]
    public async Task Compression_of_the_options_is_for_every_connection_and_the_acceptance_narrows_it(Door door, bool narrowed)
    {
        var options = new TandemWebSocketOptions { Deflate = new DeflateOptions { ServerMaxWindowBits = 12 } };
        var accept = narrowed ? new WebSocketAcceptContext { DisableServerContextTakeover = true, ServerMaxWindowBits = 10 } : null;
        await using TestApp app = await TestApp.StartAsync(door, Endpoints.Echo(accept), app => app.UseTandemWebSockets(options));
        using ClientWebSocket client = await app.ConnectAsync(options => options.DangerousDeflateOptions = new WebSocketDeflateOptions());
        Assert.Equal(
            narrowed ? "permessage-deflate; server_no_context_takeover; server_max_window_bits=10" : "permessage-deflate; server_max_window_bits=12",
            Assert.Single(client.HttpResponseHeaders!["Sec-WebSocket-Extensions"]));
        for (int i = 0; i < 3; i++) await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(50_000));
    }

    [Fact]
    public async Task Our_client_and_the_middleware_compress()
    {
        await using TestApp app = await TestApp.StartAsync(Door.Http1, Endpoints.Echo(), app => app.UseTandemWebSockets(new TandemWebSocketOptions { Deflate = new() }));
        using WebSocketConnection client = await WebSocketClient.ConnectAsync(app.Uri(), new WebSocketClientOptions { Deflate = new() }, default).InTime();
        byte[] message = Wire.TextBytes(50_000);
        await client.SendAsync(message.AsMemory(), WebSocketMessageType.Text, true, default).InTime();
        byte[] back = new byte[message.Length];
        int count = 0;
        while (count < back.Length) count += (await client.ReceiveAsync(back.AsMemory(count), default).AsTask().InTime()).Count;
        Assert.Equal(message, back);
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).InTime();
    }

    [Fact]
    public void Options_out_of_range_are_reported_when_they_are_given()
    {
        WebApplication app = WebApplication.CreateSlimBuilder().Build();
        Refuses("Origins", new TandemWebSocketOptions { Origins = null! });
        Refuses("KeepAliveInterval", new TandemWebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(-5) });
        Refuses("MaxMessageSize", new TandemWebSocketOptions { MaxMessageSize = -1 });
        Refuses("MaxFragments", new TandemWebSocketOptions { MaxFragments = 0 });
        Refuses("DeflateMemoryBudget", new TandemWebSocketOptions { DeflateMemoryBudget = -1 });
        Refuses("Level", new TandemWebSocketOptions { Deflate = new DeflateOptions { Level = 10 } });
        void Refuses(string name, TandemWebSocketOptions options) =>
            Assert.Contains(name, Assert.Throws<ArgumentException>(() => app.UseTandemWebSockets(options)).Message, StringComparison.Ordinal);
    }

    private sealed class OwnFeature : IHttpWebSocketFeature
    {
        public bool IsWebSocketRequest => true;

        public Task<WebSocket> AcceptAsync(WebSocketAcceptContext context) => throw new NotSupportedException();
    }
}
