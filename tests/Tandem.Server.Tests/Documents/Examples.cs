using System.Net;
using System.Net.WebSockets;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Tandem.AspNetCore;
using Tandem.Coap;
using Tandem.Protocol.Handshake;
using Tandem.Server.Inspector;
using Tandem.Server.Link;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

#pragma warning disable CA1852, CA1822 // it is written as an application would

namespace Tandem.Server.Tests.Documents;

/// <summary>README.md.</summary>
internal static class ReadmeExamples
{
    public static async Task Server()
    {
        await using var server = new WebSocketServer(new WebSocketServerOptions()); // ws://127.0.0.1:1818
        server.Map(new WebSocketRoute("/echo", new Echo()));
        server.Start();
        await server.Stopped;
    }

    public static void AspNetCore(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.WebHost.UseTandemListener();
        var app = builder.Build();
        app.MapTandem("/echo", new Echo());
        app.Run();
    }

    public static void Middleware(WebApplication app)
    {
        app.UseTandemWebSockets(); // instead of UseWebSockets, or before MapHub
    }

    internal sealed class Echo : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) =>
            peer.Send(type, payload); // text or binary, sent back as it came
    }
}

/// <summary>docs/aspnetcore.md.</summary>
internal static class AspNetCoreExamples
{
    public static void MapTandem(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.WebHost.UseTandemListener();
        var app = builder.Build();
        app.MapTandem("/echo", new Echo());
        app.Run();
    }

    public static void OneLine(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        var app = builder.Build();
        app.UseTandemWebSockets(); // instead of UseWebSockets
        app.Map("/echo", async (HttpContext context) =>
        {
            if (!context.WebSockets.IsWebSocketRequest)
            {
                context.Response.StatusCode = 400; // a bare 400 for a broken handshake is replaced by the reason
                return;
            }

            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[4096];
            while (true)
            {
                ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), default);
                if (received.MessageType == WebSocketMessageType.Close) break;
                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
            }

            await socket.CloseAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, default);
        });
        app.Run();
    }

    public static void AsFastAsItGoes(WebApplicationBuilder builder)
    {
        builder.WebHost.UseTandemListener();
    }

    public static void SignalR(WebApplicationBuilder builder)
    {
        builder.Services.AddSignalR();
        var app = builder.Build();
        app.UseTandemWebSockets(); // before MapHub
        app.MapHub<ChatHub>("/chat");
    }

    public static void BehindAProxy(WebApplication app)
    {
        app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedProto });
    }

    internal sealed class Echo : WebSocketHandler
    {
        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);
    }

    public abstract class Deferring(Users users) : WebSocketHandler
    {
        public override void OnUpgrade(in UpgradeRequest request, UpgradeContext context) =>
            context.Defer(async (snapshot, cancellationToken) =>
            {
                User? user = await users.FindAsync(snapshot.GetCookie("session"), cancellationToken);
                if (user is null) context.Refuse(401, "log in first");
                else context.State = user;
            });
    }

    public sealed class ChatHub : Hub;
}

/// <summary>docs/sessions.md.</summary>
internal static class SessionExamples
{
    public static async Task Server(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.WebHost.UseTandemListener();
        await using var hub = new SessionHub(new Chat());
        await using var app = builder.Build();
        app.MapTandemSessions(hub);
        await app.RunAsync();
    }

    public static async Task Client()
    {
        await using var session = new WebSocketSession(new Uri("ws://127.0.0.1:1818/session/websocket"));
        await session.ConnectAsync();
        await session.SubscribeAsync("lab/chat");
        await session.PublishAsync("lab/chat", "hello"u8.ToArray(), MessageFlags.Text);
        await foreach (SessionNotice notice in session.ReadAllAsync())
        {
            if (notice is TopicEventReceived found) Console.WriteLine(Encoding.UTF8.GetString(found.Payload.Span));
            if (notice is TopicGap gap) Console.WriteLine($"{gap.Missed} missed");
        }
    }

    public static void WhoMayConnect(WebApplication app, SessionHub hub, Users users)
    {
        app.MapTandemSessions(hub, new TandemSessionsOptions
        {
            Origins = OriginPolicy.SameHostOr("https://www.example.org"),
            Authenticate = async (request, cancellationToken) =>
            {
                User? user = await users.FindAsync(request.GetCookie("login"), cancellationToken);
                return user is null ? null : new SessionIdentity(user, user.Name);
            },
        });
    }

    internal sealed class Chat : SessionApplication
    {
        protected override bool May(Session session, SessionAction action, string name) => name.StartsWith("chat/", StringComparison.Ordinal);
    }
}

/// <summary>docs/serving.md.</summary>
internal static class ServingExamples
{
    public static void Inspector(WebApplication app, SessionHub hub)
    {
        app.MapTandemInspector(new TandemInspectorOptions
        {
            Page = app.Environment.WebRootFileProvider.GetFileInfo("inspect.html"), // with /assets of the same build as static files
            Sessions = hub,
            Links = app.MapTandemLink(), // where there are links
            Token = app.Configuration["InspectorToken"], // null: this machine only
        }).RequireAuthorization("operators"); // besides, if you like
    }

    public static void Health(WebApplicationBuilder builder)
    {
        builder.Services.AddTandemHealth(options => options.DrainDelay = TimeSpan.FromSeconds(5)); // returns the IHealthChecksBuilder, for more checks
        var app = builder.Build();
        app.MapTandemHealth();
    }
}

/// <summary>docs/link-login.md.</summary>
internal static class LinkLoginExamples
{
    public static void Server(WebApplicationBuilder builder, WebApplication app)
    {
        builder.WebHost.UseTandemListener();
        // ...
        app.UseAuthentication();
        app.MapTandemLink(new TandemLinkOptions
        {
            Login = new LinkLoginOptions { OnLinked = (context, phone) => context.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(phone.Claims, "scan"))) },
        });
    }
}

/// <summary>docs/bench.md.</summary>
internal static class BenchExamples
{
    public static async Task Generator()
    {
        await using var loop = new WebSocketClientLoop(
            new Uri("ws://127.0.0.1:9001/"), new IPEndPoint(IPAddress.Loopback, 9001), new PingPong(), new WebSocketClientOptions());
        for (int i = 0; i < 1000; i++) loop.Connect();
        await Task.Delay(TimeSpan.FromSeconds(10));
    }

    internal sealed class PingPong : WebSocketClientHandler
    {
        public override void OnOpen(WebSocketPeer peer) => peer.Send("hello");

        public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload) => peer.Send(type, payload);

        public override void OnConnectFailed(object? state, WebSocketConnectException failure) => Console.Error.WriteLine(failure.Message);
    }
}

/// <summary>docs/coap.md. It is run by a test of Tandem.Coap.</summary>
internal static class CoapExamples
{
    public static async Task ServerAndClient()
    {
        await using var server = new CoapServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 5683) });

        // Claim: POST. The body is whole, the handler is called once.
        server.Map("claim", (request, cancellation) => ValueTask.FromResult(new CoapResponse(CoapCode.Created) { Options = { LocationPath = "phones/7" } }));

        // Upstream: PUT, in the order of the client's calls. Downstream: Observe, the latest state.
        string state = "nothing yet";
        CoapResource phones = server.Map(
            "phones/*",
            (request, cancellation) =>
            {
                if (request.Method == CoapCode.Get) return ValueTask.FromResult(CoapResponse.Text(CoapCode.Content, state));
                if (request.Method != CoapCode.Put) return ValueTask.FromResult(new CoapResponse(CoapCode.MethodNotAllowed));
                state = Encoding.UTF8.GetString(request.Payload.Span);
                return ValueTask.FromResult(new CoapResponse(CoapCode.Changed));
            },
            new CoapResourceOptions { IsObservable = true, OnObservationEnded = (request, why) => Console.WriteLine($"{request.RemoteEndPoint}: {why}") });
        server.Start();

        await using CoapClient client = await CoapClient.CreateAsync(new Uri("coap://127.0.0.1:5683"));
        CoapResponse claimed = await client.SendAsync(new CoapRequest(CoapCode.Post, "claim"));
        string phone = claimed.Options.LocationPath;
        await foreach (CoapResponse seen in client.ObserveAsync(new CoapRequest(CoapCode.Get, phone)))
        {
            Console.WriteLine(seen.ReadText());
            if (seen.ReadText() == "hello") break;
            await client.SendAsync(new CoapRequest(CoapCode.Put, phone) { Payload = "hello"u8.ToArray() });
            phones.Notify(phone);
        }
    }
}

/// <summary>docs/tutorial.md.</summary>
internal static class TutorialExamples
{
    public static async Task Client(string[] args)
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("chat");
        await socket.ConnectAsync(new Uri(args[0]), CancellationToken.None);
        Console.WriteLine($"{socket.State}, subprotocol {socket.SubProtocol}");
        await socket.SendAsync(Encoding.UTF8.GetBytes("beston"), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        byte[] buffer = new byte[1024];
        WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, CancellationToken.None);
        Console.WriteLine($"{received.MessageType}, {received.Count} bytes, end of message {received.EndOfMessage}: {Encoding.UTF8.GetString(buffer, 0, received.Count)}");
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
        Console.WriteLine($"{socket.State}, {(int)socket.CloseStatus!} {socket.CloseStatusDescription}");
    }
}

/// <summary>What an application knows its users by.</summary>
internal sealed record User(string Name);

/// <summary>Where an application has its users.</summary>
internal abstract class Users
{
    public abstract ValueTask<User?> FindAsync(string? cookie, CancellationToken cancellationToken);
}
