using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Tandem.AspNetCore;
using Tandem.Server.Lab;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.Sessions.Client;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>What <c>tandem serve</c> lets everybody try.</summary>
public sealed class LabTests
{
    [Fact]
    public async Task Topics_below_lab_are_for_everybody_others_and_mailboxes_for_nobody_and_messages_come_back()
    {
        await using var hub = new SessionHub(new LabApplication(), LabApplication.HubOptions);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTandemListener();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication app = builder.Build();
        app.MapTandemSessions(hub);
        await app.StartAsync();
        await using var session = new WebSocketSession(new Uri($"ws://127.0.0.1:{new Uri(app.Urls.First()).Port}/session/websocket"));
        await session.ConnectAsync().InTime();
        Assert.Equal(SessionCode.Ok, await session.SubscribeAsync("lab/a").InTime());
        Assert.Equal(SessionCode.Ok, await session.PublishAsync("lab/a", "hello"u8.ToArray()).InTime());
        Assert.Equal(SessionCode.Forbidden, await session.SubscribeAsync("other/a").InTime());
        Assert.Equal(SessionCode.Forbidden, await session.PublishAsync("labor", default).InTime());
        Assert.Equal(SessionCode.InvalidName, await session.SendToMailboxAsync("lab/box", default).InTime());
        await session.SendAsync("there and back"u8.ToArray()).InTime();
        List<string> told = [];
        await foreach (SessionNotice notice in session.ReadAllAsync())
        {
            if (notice is TopicEventReceived found) told.Add(Encoding.UTF8.GetString(found.Payload.Span));
            if (notice is MessageReceived message) told.Add(Encoding.UTF8.GetString(message.Payload.Span));
            if (told.Count == 2) break;
        }

        Assert.Equal(["hello", "there and back"], told);
    }
}
