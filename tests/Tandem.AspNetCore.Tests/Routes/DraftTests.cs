using System.Net;
using Tandem.AspNetCore.Tests.Middleware;
using Tandem.Protocol.Drafts;
using Tandem.WebSockets;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.AspNetCore.Tests.Routes;

/// <summary>The drafts before RFC 6455 on a route of an application: hixie-75 and hixie-76 where the event loops have it, hybi-07 to hybi-12 everywhere.</summary>
public sealed class DraftTests
{
    private const string Hixie75 = "GET /ws HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n";

    private readonly TestHandler _handler = TestHandler.Echo();

    [Fact]
    public async Task Hixie75_on_the_event_loop()
    {
        await using TestApp app = await StartAsync(Way.Loop, WebSocketDrafts.All);
        using RawClient client = await Send(app, Hixie75);
        Assert.StartsWith("HTTP/1.1 101 Web Socket Protocol Handshake\r\n", await client.ReadHead(), StringComparison.Ordinal);
        await client.Send((byte[])[0x00, .. "hello"u8, 0xFF]);
        Assert.Equal([0x00, .. "hello"u8, 0xFF], await client.ReadBytes(7));
    }

    [Theory]
    [InlineData(Way.Loop, WebSocketDrafts.None, "13")]
    [InlineData(Way.WithoutListener, WebSocketDrafts.None, "13")]
    [InlineData(Way.WithoutListener, WebSocketDrafts.All, "13, 8, 7")] // an answer that Kestrel cannot write
    public async Task Hixie75_is_refused_elsewhere_with_the_versions_that_are_spoken(Way way, WebSocketDrafts drafts, string versions)
    {
        await using TestApp app = await StartAsync(way, drafts);
        using RawClient client = await Send(app, Hixie75);
        string head = await client.ReadHead();
        Assert.StartsWith("HTTP/1.1 426 ", head, StringComparison.Ordinal);
        Assert.Contains($"\r\nSec-WebSocket-Version: {versions}\r\n", head, StringComparison.Ordinal);
        Assert.Empty(_handler.Opened);
    }

    [Theory]
    [InlineData(Way.Loop, 7)]
    [InlineData(Way.Loop, 8)]
    [InlineData(Way.WithoutListener, 7)]
    [InlineData(Way.WithoutListener, 8)]
    public async Task Hybi_is_spoken_by_every_way_and_its_origin_judged(Way way, int version)
    {
        await using TestApp app = await StartAsync(way, WebSocketDrafts.Hybi);
        using (RawClient stranger = await Send(app, Hybi(version, "http://elsewhere"))) Assert.StartsWith("HTTP/1.1 403 ", await stranger.ReadHead(), StringComparison.Ordinal);
        using RawClient client = await Send(app, Hybi(version, "http://localhost"));
        await client.ReadAccepted();
        await client.Send(Wire.Text("hello"));
        await client.ReadText("hello");
    }

    private static string Hybi(int version, string origin) =>
        Wire.Request("/ws", $"Sec-WebSocket-Origin: {origin}").Replace("Version: 13", $"Version: {version}", StringComparison.Ordinal);

    private static async Task<RawClient> Send(TestApp app, string request)
    {
        RawClient client = await RawClient.Connect(new IPEndPoint(IPAddress.Loopback, app.Port));
        await client.Send(request);
        return client;
    }

    private Task<TestApp> StartAsync(Way way, WebSocketDrafts drafts) =>
        way.StartAsync(app => app.MapTandem(new WebSocketRoute("/ws", _handler)), _handler, options => options with { Drafts = drafts });
}
