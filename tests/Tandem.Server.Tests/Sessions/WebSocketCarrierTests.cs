using System.Net;
using System.Text;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Tests.Sessions;

/// <summary>docs/session-protocol.md, WebSocket: how carriers begin and end, byte by byte.</summary>
public sealed class WebSocketCarrierTests
{
    private const string Offer = $"Sec-WebSocket-Protocol: {ProtocolLimits.Subprotocol}";

    [Fact]
    public async Task Without_the_subprotocol_the_handshake_is_refused()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        using RawClient client = await Dial(site);
        await client.Send(Wire.Request("/session/websocket"));
        byte[] answer = new byte[12];
        await client.Socket.ReceiveAsync(answer);
        Assert.Equal("HTTP/1.1 400", Encoding.ASCII.GetString(answer));
    }

    [Fact]
    public async Task A_session_that_is_closed_says_CLOSE_and_the_WebSocket_ends_with_1000_or_4000_and_the_code()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        foreach ((SessionCode code, int expected) in ((SessionCode, int)[])[(SessionCode.Ok, 1000), (SessionCode.Forbidden, 4005)])
        {
            using RawClient client = await Open(site);
            site.Told.Opened.Last().Close(code, "enough");
            Assert.Equal(code, Close(await client.Read()));
            Assert.Equal((expected, "enough"), await CloseFrame(client));
        }
    }

    [Fact]
    public async Task A_newer_carrier_ends_the_older_with_4011_and_no_CLOSE()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        using RawClient older = await Dial(site);
        string token = await Begin(older, "");
        using RawClient newer = await Dial(site);
        await Begin(newer, token);
        Assert.Equal(4011, (await CloseFrame(older)).Status);
        Assert.Equal(1, site.Hub.Sessions);
    }

    [Fact]
    public async Task A_text_message_is_a_broken_rule_and_so_is_a_first_frame_that_is_not_OPEN()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        using RawClient text = await Open(site);
        await text.Send(Wire.Text("hello"));
        Assert.Equal(SessionCode.ProtocolError, Close(await text.Read()));
        Assert.Equal(4001, (await CloseFrame(text)).Status);
        using RawClient ack = await Dial(site);
        await ack.Upgrade("/session/websocket", Offer);
        await ack.Send(Wire.Binary([3, 0]));
        Assert.Equal(SessionCode.ProtocolError, Close(await ack.Read()));
        Assert.Equal(4001, (await CloseFrame(ack)).Status);
        using RawClient first = await Dial(site);
        await first.Upgrade("/session/websocket", Offer);
        await first.Send(Wire.Text("hello"));
        Assert.Equal(4001, (await CloseFrame(first)).Status);
        await Eventually.Equal(0, () => site.Hub.Sessions, "sessions");
    }

    [Fact]
    public async Task A_message_above_the_bound_ends_the_session_with_1009()
    {
        await using SessionSite site = await SessionSite.StartAsync(new SessionHubOptions { MaxFrameBytes = 4096 });
        using RawClient client = await Open(site);
        await client.Send(Wire.Binary(new byte[4097]));
        Assert.Equal(1009, (await CloseFrame(client)).Status);
        await Eventually.Equal(1, () => site.Told.Closed.Count, "the end");
        Assert.Equal(SessionCode.FrameTooLarge, site.Told.Closed.Single().Code);
    }

    [Fact]
    public async Task Who_does_not_send_OPEN_within_10_seconds_or_is_silent_for_two_heartbeats_is_given_up_with_4012()
    {
        var clock = new ManualClock();
        await using SessionSite site = await SessionSite.StartAsync(new SessionHubOptions { TimeProvider = clock, Heartbeat = TimeSpan.FromSeconds(5) });
        using RawClient client = await Dial(site);
        await client.Upgrade("/session/websocket", Offer);
        using RawClient silent = await Open(site);
        clock.Advance(6);
        Assert.Equal((byte)FrameType.Ping, (await silent.Read()).Payload[0]);
        clock.Advance(6);
        Assert.Equal(4012, (await CloseFrame(silent)).Status);
        Assert.Equal(4012, (await CloseFrame(client)).Status);
        // The session goes on for its time to live.
        Assert.Equal(1, site.Hub.Sessions);
    }

    [Fact]
    public async Task A_lost_connection_detaches_the_session_at_once()
    {
        await using SessionSite site = await SessionSite.StartAsync();
        RawClient client = await Open(site);
        Session session = site.Told.Opened.Single();
        Assert.NotNull(session.Carrier);
        client.Socket.Close(0);
        await Eventually.True(() => session.Carrier is null, "the session without carrier");
        Assert.False(session.IsOver);
    }

    private static Task<RawClient> Dial(SessionSite site) => RawClient.Connect(new IPEndPoint(IPAddress.Loopback, site.Port));

    private static async Task<RawClient> Open(SessionSite site)
    {
        RawClient client = await Dial(site);
        await Begin(client, "");
        return client;
    }

    private static async Task<string> Begin(RawClient client, string token)
    {
        await client.Upgrade("/session/websocket", Offer);
        await client.Send(Wire.Binary(new OpenFrame { Version = 1, Publisher = 7, Token = Encoding.ASCII.GetBytes(token) }.ToShared().Span.ToArray()));
        Assert.Equal(SessionFault.None, OpenedFrame.Read((await client.Read()).Payload, out OpenedFrame opened));
        Assert.Equal(token.Length > 0, (opened.Flags & OpenedFlags.Resumed) != 0);
        return Encoding.ASCII.GetString(opened.Token);
    }

    private static SessionCode Close(Received received)
    {
        Assert.Equal(SessionFault.None, Tandem.Sessions.Protocol.CloseFrame.Read(received.Payload, out CloseFrame close));
        return close.Code;
    }

    private static async Task<(int Status, string Reason)> CloseFrame(RawClient client)
    {
        Received received = await client.Read();
        Assert.Equal(Got.Close, received.Kind);
        return (received.Status, received.Reason);
    }
}
