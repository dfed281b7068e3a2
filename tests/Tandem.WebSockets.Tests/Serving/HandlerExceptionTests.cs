using System.Net.WebSockets;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>An exception of a handler costs its own connection, with 1011, and nobody else; it is reported. And handlers are never called within their own calls.</summary>
public abstract class HandlerExceptionTests(Driver driver)
{
    private static readonly InvalidOperationException Failure = new("the handler failed");

    [Theory]
    [InlineData("OnOpen")]
    [InlineData("OnMessage")]
    [InlineData("OnMessage in fragments")]
    [InlineData("OnPong")]
    [InlineData("OnDrain")]
    public async Task Closes_with_1011_is_reported_and_harms_nobody_else(string where)
    {
        WebSocketPeer? victim = null;
        void Fail(WebSocketPeer peer)
        {
            if (peer == victim) throw Failure;
        }

        var handler = new TestHandler
        {
            Open = peer =>
            {
                if (!"first".Equals(peer.State)) return;
                victim = peer;
                if (where == "OnOpen") Fail(peer);
            },
            Message = (peer, type, payload) =>
            {
                if (where.StartsWith("OnMessage", StringComparison.Ordinal)) Fail(peer);
                if (where == "OnDrain" && peer == victim) peer.Send(WebSocketMessageType.Binary, new byte[16 << 20]);
                else peer.Send(type, payload);
            },
            Pong = (peer, _, _) => Fail(peer),
            Drain = Fail,
            Upgrade = (in UpgradeRequest request, UpgradeContext context) => context.State = request.GetQuery("is"),
        };
        await using TestServer server = driver.Start(handler);
        using RawClient other = await server.Open();
        using RawClient client = await server.Connect();
        await client.Send(Wire.Ascii(Wire.Request("/ws?is=first")));
        await client.ReadAccepted();
        if (where == "OnMessage in fragments") await client.Send(Wire.Fragments(WebSocketMessageType.Text, "ab"u8, 1));
        else if (where is "OnMessage" or "OnDrain") await client.Send(Wire.Concat([Wire.Text("a"), Wire.Text("not delivered")]));
        else if (where == "OnPong") await client.Send(Wire.Concat([Wire.Pong("a"), Wire.Text("not delivered")]));
        if (where == "OnDrain")
        {
            Assert.Equal(16 << 20, (await client.Read()).Payload.Length);
            Assert.Equal(16 << 20, (await client.Read()).Payload.Length);
        }

        await client.ReadClose(1011);
        await client.Send(Wire.Close(1011));
        await client.ReadEnd();
        Assert.Equal((CloseInitiator.HandlerError, WebSocketCloseStatus.InternalServerError), ((await handler.CloseCause()) is var cause ? (cause.Initiator, cause.Status) : default));
        Assert.Equal((victim, (Exception)Failure), Assert.Single(handler.Errors));
        await other.Send(Wire.Text("x"));
        await other.ReadText("x");
    }

    [Fact]
    public async Task In_OnClose_it_is_reported_and_the_connection_ends_as_it_was_about_to()
    {
        TestHandler handler = TestHandler.Echo();
        handler.Close = (_, _) => throw Failure;
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Close(1000));
        await client.ReadClose(1000);
        await client.ReadEnd();
        await Eventually.Equal(1, () => handler.Errors.Count, "errors");
        client.Dispose();
        await server.NoConnections();
        using RawClient other = await server.Open();
        await other.Send(Wire.Text("x"));
        await other.ReadText("x");
    }

    [Fact]
    public async Task In_OnUpgrade_it_is_500_and_reported_without_a_peer()
    {
        var handler = new TestHandler
        {
            Upgrade = (in UpgradeRequest request, UpgradeContext _) =>
            {
                if (!request.Query.IsEmpty) throw Failure;
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request("/ws?fail"));
        Assert.StartsWith("HTTP/1.1 500 ", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.Equal(((WebSocketPeer?)null, (Exception)Failure), Assert.Single(handler.Errors));
        using RawClient other = await server.Open();
    }

    [Fact]
    public async Task After_the_handler_has_closed_the_close_stands_and_the_exception_is_reported()
    {
        var handler = new TestHandler
        {
            Message = (peer, _, _) =>
            {
                peer.Close((WebSocketCloseStatus)4000, "mine");
                throw Failure;
            },
        };
        await using TestServer server = driver.Start(handler);
        using RawClient client = await server.Open();
        await client.Send(Wire.Text("x"));
        await client.AnswerClose(4000);
        Assert.Single(handler.Errors);
        Assert.Equal(CloseInitiator.Local, (await handler.CloseCause()).Initiator);
    }

    [Fact]
    public async Task An_OnError_that_throws_itself_is_ignored()
    {
        TestHandler handler = TestHandler.Echo();
        handler.Open = _ => throw Failure;
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnError = (_, _) => throw Failure });
        using RawClient client = await server.Open();
        await client.ReadClose(1011);
        handler.Open = null;
        using RawClient other = await server.Open();
        await other.Send(Wire.Text("x"));
        await other.ReadText("x");
    }

    [Fact]
    public async Task A_broadcast_over_peers_that_overflow_close_and_abort_is_never_interrupted_by_a_callback()
    {
        bool broadcasting = false;
        int within = 0;
        var handler = new TestHandler();
        handler.Message = (peer, _, _) =>
        {
            broadcasting = true;
            byte[] payload = new byte[100_000];
            for (int i = 0; i < 200; i++)
            {
                int index = 0;
                foreach (WebSocketPeer other in handler.Opened)
                {
                    if (i == 5 && index % 4 == 1) other.Close();
                    if (i == 10 && index % 4 == 2) other.Abort();
                    other.Send(WebSocketMessageType.Binary, payload); // overflows those that do not read
                    index++;
                }
            }

            broadcasting = false;
        };
        handler.Close = (_, _) => within += broadcasting ? 1 : 0;
        handler.Drain = _ => within += broadcasting ? 1 : 0;
        await using TestServer server = driver.Start(handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnError = handler.Error, MaxBufferedBytes = 1 << 20,
        });
        var clients = new List<RawClient>();
        for (int i = 0; i < 12; i++) clients.Add(await server.Open(receiveBuffer: 32 * 1024));
        await Eventually.Equal(12, () => handler.Opened.Count, "OnOpen");
        await clients[0].Send(Wire.Text("go"));
        await Eventually.True(() => handler.Closed.Count(closed => closed.Cause.Initiator == CloseInitiator.Overflow) >= 6, "overflows");
        await Eventually.True(() => handler.Closed.Count(closed => closed.Cause.Initiator == CloseInitiator.Local) >= 3, "aborts");
        foreach (RawClient client in clients) client.Dispose();
        await server.NoConnections();
        if (driver == Driver.Loops) Assert.Equal(0, within); // one loop: everything happens one after the other
        Assert.Equal(12, handler.Closed.Count);
        Assert.Empty(handler.Errors);
    }
}

public sealed class HandlerExceptionOnLoops() : HandlerExceptionTests(Driver.Loops);

public sealed class HandlerExceptionOnStreams() : HandlerExceptionTests(Driver.Streams);
