using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Protocol.Drafts;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Drafts;

/// <summary>The end of connections of hixie-75, which is TCP's, and of hixie-76 (section 5.3: <c>FF 00</c>), and their deadlines.</summary>
public abstract class HixieEndTests(Driver driver)
{
    private readonly TestHandler _handler = TestHandler.Echo();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Hixie76_the_clients_close_is_answered_and_has_no_code()
    {
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, WebSocketDrafts.Hixie76);
        await client.Send([.. HixieClient.Text("last"), 0xFF, 0x00]);
        await client.ReadText("last");
        Assert.Equal("FF00", await client.ReadToEnd());
        client.Dispose();
        await ExpectCause(CloseInitiator.Peer, WebSocketCloseStatus.Empty);
        await server.NoConnections();
    }

    [Fact]
    public async Task Hixie75_the_clients_end_of_TCP_is_its_close()
    {
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, WebSocketDrafts.Hixie75);
        await client.Send("last");
        client.Raw.EndSending();
        await client.ReadText("last");
        Assert.Equal("", await client.ReadToEnd());
        await ExpectCause(CloseInitiator.Peer, WebSocketCloseStatus.Empty);
        await server.NoConnections();
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75, "0061")] // within a message
    [InlineData(WebSocketDrafts.Hixie75, "80")]
    [InlineData(WebSocketDrafts.Hixie76, "")] // without FF 00
    [InlineData(WebSocketDrafts.Hixie76, "FF")]
    public async Task An_end_of_TCP_that_closes_nothing_is_a_connection_cut_off(WebSocketDrafts draft, string hex)
    {
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send(Convert.FromHexString(hex));
        client.Raw.EndSending();
        await ExpectCause(CloseInitiator.TransportEnd, CloseCause.Abnormal);
    }

    [Fact]
    public async Task Hixie76_the_server_closes_with_FF_00_and_its_own_side_remembers_the_code()
    {
        _handler.Message = (peer, _, _) => peer.Close((WebSocketCloseStatus)4000, "enough");
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, WebSocketDrafts.Hixie76);
        await client.Send("go");
        Assert.Equal("FF00", Convert.ToHexString(await client.Raw.ReadBytes(2)));
        Assert.Empty(_handler.Closed);
        await client.Send(0xFF, 0x00);
        Assert.Equal("", await client.ReadToEnd());
        await ExpectCause(CloseInitiator.Local, (WebSocketCloseStatus)4000);
    }

    [Fact]
    public async Task Hixie75_the_server_closes_by_ending_TCP_and_waits_for_the_clients_end()
    {
        _handler.Message = (peer, type, payload) =>
        {
            peer.Send(type, payload);
            peer.Close((WebSocketCloseStatus)4000, "enough");
        };
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, WebSocketDrafts.Hixie75);
        await client.Send("go");
        await client.ReadText("go");
        Assert.Equal("", await client.ReadToEnd());
        Assert.Empty(_handler.Closed);
        await client.Send("still on its way");
        client.Raw.EndSending();
        await ExpectCause(CloseInitiator.Local, (WebSocketCloseStatus)4000);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75)]
    [InlineData(WebSocketDrafts.Hixie76)]
    public async Task A_close_within_a_message_ends_TCP_and_not_the_message(WebSocketDrafts draft)
    {
        _handler.Message = (peer, type, _) =>
        {
            peer.Send(type, "Hel"u8, WebSocketMessageFlags.None);
            peer.Close();
        };
        await using TestServer server = Start();
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send("go");
        Assert.Equal("0048656C", await client.ReadToEnd());
        client.Dispose();
        await ExpectCause(CloseInitiator.Local, WebSocketCloseStatus.NormalClosure);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75)]
    [InlineData(WebSocketDrafts.Hixie76)]
    public async Task Nobody_is_pinged_nor_dropped_for_being_silent(WebSocketDrafts draft)
    {
        await using TestServer server = Start(options => options with { KeepAliveInterval = TimeSpan.FromSeconds(30), KeepAliveTimeout = TimeSpan.FromSeconds(20) });
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send("hello");
        await client.ReadText("hello");
        for (int i = 0; i < 4; i++) await _time.AdvanceAndSweep(TimeSpan.FromSeconds(40));
        Assert.False(client.Raw.Socket.Poll(0, SelectMode.SelectRead));
        await client.Send("still there");
        await client.ReadText("still there");
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75, "")]
    [InlineData(WebSocketDrafts.Hixie76, "FF00")]
    public async Task Who_says_nothing_for_IdleTimeout_is_closed(WebSocketDrafts draft, string end)
    {
        await using TestServer server = Start(options => options with { IdleTimeout = TimeSpan.FromSeconds(60) });
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send("hello");
        await client.ReadText("hello");
        await _time.AdvanceAndSweep(TimeSpan.FromSeconds(59));
        Assert.False(client.Raw.Socket.Poll(0, SelectMode.SelectRead));
        _time.Advance(TimeSpan.FromSeconds(2));
        if (end.Length != 0) Assert.Equal(end, Convert.ToHexString(await client.Raw.ReadBytes(2)));
        if (end.Length != 0) await client.Send(0xFF, 0x00);
        Assert.Equal("", await client.ReadToEnd());
        client.Dispose();
        await ExpectCause(CloseInitiator.Timeout, WebSocketCloseStatus.EndpointUnavailable);
    }

    [Theory]
    [InlineData(WebSocketDrafts.Hixie75)]
    [InlineData(WebSocketDrafts.Hixie76)]
    public async Task Who_does_not_answer_a_close_is_dropped_after_CloseTimeout(WebSocketDrafts draft)
    {
        _handler.Message = (peer, _, _) => peer.Close();
        await using TestServer server = Start(options => options with { CloseTimeout = TimeSpan.FromSeconds(3) });
        using HixieClient client = await HixieClient.Open(server, draft);
        await client.Send("go");
        if (draft == WebSocketDrafts.Hixie76) await client.Raw.ReadBytes(2);
        else await client.ReadToEnd();
        await _time.AdvanceAndSweep(TimeSpan.FromSeconds(2.9));
        Assert.Empty(_handler.Closed);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        await ExpectCause(CloseInitiator.Timeout, CloseCause.Abnormal);
        await server.NoConnections();
    }

    [Fact]
    public async Task When_the_server_stops_everybody_is_closed_and_waited_for()
    {
        await using TestServer server = Start();
        using HixieClient old = await HixieClient.Open(server, WebSocketDrafts.Hixie75);
        using HixieClient newer = await HixieClient.Open(server, WebSocketDrafts.Hixie76);
        using RawClient current = await server.Open();
        await Eventually.Equal(3, () => _handler.Opened.Count, "OnOpen");
        Task stopped = server.Server.StopAsync();
        Assert.Equal("", await old.ReadToEnd());
        Assert.Equal("FF00", Convert.ToHexString(await newer.Raw.ReadBytes(2)));
        await current.AnswerClose(1001);
        current.Dispose();
        Assert.False(stopped.IsCompleted);
        old.Raw.EndSending();
        Assert.False(stopped.IsCompleted);
        await newer.Send(0xFF, 0x00);
        newer.Dispose();
        await stopped.InTime();
        Assert.All(_handler.Closed, closed => Assert.Equal((CloseInitiator.Local, WebSocketCloseStatus.EndpointUnavailable), (closed.Cause.Initiator, closed.Cause.Status)));
    }

    [Fact]
    public async Task Who_does_not_end_with_the_server_is_dropped_after_StopTimeout()
    {
        await using TestServer server = Start(options => options with { StopTimeout = TimeSpan.FromSeconds(8), CloseTimeout = TimeSpan.FromSeconds(100) });
        using HixieClient client = await HixieClient.Open(server, WebSocketDrafts.Hixie76);
        Task stopped = server.Server.StopAsync();
        await client.Raw.ReadBytes(2);
        Assert.False(stopped.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(9));
        await stopped.InTime();
        await ExpectCause(CloseInitiator.Timeout, CloseCause.Abnormal);
    }

    private TestServer Start(Func<WebSocketServerOptions, WebSocketServerOptions>? change = null)
    {
        var options = new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = _handler.Error, Drafts = WebSocketDrafts.All, TimeProvider = _time, TickInterval = ManualTime.Tick,
        };
        return driver.Start(_handler, change?.Invoke(options) ?? options);
    }

    private async Task ExpectCause(CloseInitiator initiator, WebSocketCloseStatus status)
    {
        CloseCause cause = await _handler.CloseCause();
        Assert.Equal((initiator, status), (cause.Initiator, cause.Status));
        Assert.Empty(_handler.Errors);
    }
}

public sealed class HixieEndOnLoops() : HixieEndTests(Driver.Loops);

public sealed class HixieEndOnStreams() : HixieEndTests(Driver.Streams);
