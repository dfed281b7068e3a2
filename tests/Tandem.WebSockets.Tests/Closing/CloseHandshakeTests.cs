using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Closing;

/// <summary>RFC 6455 section 7: the closing handshake from either end, from any thread, and with neither end's messages lost or delivered late.</summary>
public abstract class CloseHandshakeTests(Driver driver)
{
    [Theory]
    [InlineData(1000, "")]
    [InlineData(1001, "going away")]
    [InlineData(3000, "é€𝄞")]
    [InlineData(4999, "private")]
    public async Task RFC6455_5_5_1_the_close_of_the_client_is_echoed_and_reported(int status, string reason)
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Concat([Wire.Text("last"), Wire.Close(status, reason), Wire.Text("too late")]));
        await client.ReadText("last");
        Assert.Equal(reason, (await client.ReadClose(status)).Reason);
        await client.ReadEnd(); // section 7.1.1: the server ends TCP first
        Assert.Equal(new CloseCause(CloseInitiator.Peer, (WebSocketCloseStatus)status, reason, ProtocolFault.None), await handler.CloseCause());
        Assert.Equal(WebSocketState.Closed, handler.Peer.ConnectionState);
        client.EndSending();
        await server.NoConnections();
    }

    [Fact]
    public async Task RFC6455_7_1_5_a_close_without_a_code_is_1005_and_answered_without_one()
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Frame(0x88));
        Received close = await client.Read();
        Assert.Equal((Got.Close, 0), (close.Kind, close.Payload.Length));
        await client.ReadEnd();
        Assert.Equal(new CloseCause(CloseInitiator.Peer, WebSocketCloseStatus.Empty, "", ProtocolFault.None), await handler.CloseCause());
    }

    [Fact]
    public async Task The_close_of_the_server_goes_behind_what_was_sent_and_stops_delivery()
    {
        int messages = 0;
        int pongs = 0;
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                messages++;
                peer.Send("first");
                peer.Close(WebSocketCloseStatus.NormalClosure, "done");
                Assert.Equal(SendStatus.Closed, peer.Send("not sent"));
                Assert.Equal(SendStatus.Closed, peer.Ping());
                peer.Close(WebSocketCloseStatus.PolicyViolation, "again"); // does nothing
            },
            Pong = (_, _, _) => pongs++,
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Concat([Wire.Text("a"), Wire.Text("b"), Wire.Pong("c"), Wire.Ping("d")]));
        await client.ReadText("first");
        Assert.Equal("done", (await client.ReadClose(1000)).Reason);
        await client.Send(Wire.Concat([Wire.Text("e"), Wire.Fragments(WebSocketMessageType.Binary, new byte[100_000], 20_000), Wire.Close(1000, "mine")]));
        await client.ReadEnd();
        Assert.Equal(new CloseCause(CloseInitiator.Local, WebSocketCloseStatus.NormalClosure, "done", ProtocolFault.None), await handler.CloseCause());
        Assert.Equal((1, 0), (messages, pongs));
        client.Dispose();
        await server.NoConnections();
    }

    [Fact]
    public async Task A_close_without_a_code_and_reasons_that_are_too_long()
    {
        var handler = new TestHandler
        {
            Message = (peer, _, payload) =>
            {
                if (payload.Length == 0) peer.Close(WebSocketCloseStatus.Empty, "ignored");
                else peer.Close((WebSocketCloseStatus)4000, new string('é', 100));
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient first = await server.Open();
        await first.Send(Wire.Text(""));
        Assert.Empty((await first.Read()).Payload);
        using RawClient second = await server.Open();
        await second.Send(Wire.Text("x"));
        Assert.Equal(new string('é', 61), (await second.ReadClose(4000)).Reason); // 122 of the 123 bytes: no half character
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1004)]
    [InlineData(1006)]
    [InlineData(1015)]
    [InlineData(2000)]
    [InlineData(5000)]
    public async Task RFC6455_7_4_codes_that_must_not_be_sent_are_refused_to_the_application(int status)
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        Assert.Throws<ArgumentOutOfRangeException>(nameof(status), () => handler.Peer.Close((WebSocketCloseStatus)status));
        Assert.Equal(WebSocketState.Open, handler.Peer.ConnectionState);
    }

    [Fact]
    public async Task Both_ends_close_at_the_same_time()
    {
        var handler = new TestHandler { Message = (peer, _, _) => peer.Close(WebSocketCloseStatus.NormalClosure, "server") };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        // One write: the handler closes, and the client's own close frame is there already.
        await client.Send(Wire.Concat([Wire.Text("x"), Wire.Close(4001, "client")]));
        Assert.Equal("server", (await client.ReadClose(1000)).Reason);
        await client.ReadEnd();
        CloseCause cause = await handler.CloseCause();
        Assert.Equal((CloseInitiator.Local, "server"), (cause.Initiator, cause.Reason));
        Assert.Equal(WebSocketState.Closed, handler.Peer.ConnectionState);
    }

    [Fact]
    public async Task Close_from_another_thread_comes_behind_what_that_thread_sent()
    {
        var handler = new TestHandler();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        WebSocketPeer peer = handler.Peer;
        for (int i = 0; i < 100; i++) Assert.Equal(SendStatus.Sent, peer.Send($"{i}"));
        peer.Close((WebSocketCloseStatus)4002, "from outside");
        for (int i = 0; i < 100; i++) await client.ReadText($"{i}");
        Assert.Equal("from outside", (await client.ReadClose(4002)).Reason);
        await client.Send(Wire.Close(4002));
        await client.ReadEnd();
        Assert.Equal((CloseInitiator.Local, (WebSocketCloseStatus)4002), ((await handler.CloseCause()) is var cause ? (cause.Initiator, cause.Status) : default));
        Assert.Equal(SendStatus.Closed, peer.Send("after"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Abort_drops_the_connection_without_a_close_frame(bool onLoop)
    {
        var handler = new TestHandler();
        if (onLoop) handler.Message = (peer, _, _) => peer.Abort();
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await Eventually.Equal(1, () => handler.Opened.Count, "OnOpen");
        if (onLoop) await client.Send(Wire.Concat([Wire.Text("x"), Wire.Text("y")]));
        else handler.Peer.Abort();
        Assert.Contains((await client.Read()).Kind, new[] { Got.End, Got.Reset });
        Assert.Equal(new CloseCause(CloseInitiator.Local, Tandem.WebSockets.CloseCause.Abnormal, "", ProtocolFault.None), await handler.CloseCause());
        Assert.Equal(WebSocketState.Aborted, handler.Peer.ConnectionState);
        await server.NoConnections();
        handler.Peer.Abort(); // does nothing any more
        handler.Peer.Close();
    }
}

public sealed class CloseHandshakeOnLoops() : CloseHandshakeTests(Driver.Loops);

public sealed class CloseHandshakeOnStreams() : CloseHandshakeTests(Driver.Streams);
