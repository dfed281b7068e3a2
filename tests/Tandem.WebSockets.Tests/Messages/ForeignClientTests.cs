using System.Net.WebSockets;
using System.Text;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Messages;

/// <summary>Against a client that this project has not written: the one of the base class library.</summary>
public abstract class ForeignClientTests(Driver driver)
{
    [Fact]
    public async Task Messages_of_all_sizes_make_the_round_trip_and_the_close_is_clean()
    {
        await using TestServer server = driver.Start(TestHandler.Echo(), new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 2 }, "tandem");
        using var client = new ClientWebSocket();
        client.Options.AddSubProtocol("other");
        client.Options.AddSubProtocol("tandem");
        await client.ConnectAsync(Url(server), CancellationToken.None).InTime();
        Assert.Equal("tandem", client.SubProtocol);
        foreach (int size in (int[])[0, 1, 125, 126, 65_535, 65_536, 1 << 20])
        {
            await client.RoundTrip(WebSocketMessageType.Binary, Wire.Noise(size));
            await client.RoundTrip(WebSocketMessageType.Text, Wire.TextBytes(size));
        }

        await client.CloseAsync((WebSocketCloseStatus)4321, "bye", CancellationToken.None).InTime();
        Assert.Equal((WebSocketState.Closed, (WebSocketCloseStatus)4321, "bye"), (client.State, client.CloseStatus, client.CloseStatusDescription));
        CloseCause cause = await server.Handler.CloseCause();
        Assert.Equal((CloseInitiator.Peer, (WebSocketCloseStatus)4321, "bye"), (cause.Initiator, cause.Status, cause.Reason));
        await server.NoConnections();
    }

    [Fact]
    public async Task The_client_sees_the_close_of_the_server()
    {
        var handler = new TestHandler { Message = (peer, _, _) => peer.Close(WebSocketCloseStatus.PolicyViolation, "enough") };
        await using TestServer server = driver.Start(handler);
        using var client = new ClientWebSocket();
        await client.ConnectAsync(Url(server), CancellationToken.None).InTime();
        await client.SendAsync("x"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None).InTime();
        WebSocketReceiveResult result = await client.ReceiveAsync(new ArraySegment<byte>(new byte[10]), CancellationToken.None).InTime();
        Assert.Equal((WebSocketMessageType.Close, WebSocketCloseStatus.PolicyViolation, "enough"), (result.MessageType, result.CloseStatus, result.CloseStatusDescription));
        await client.CloseOutputAsync(WebSocketCloseStatus.PolicyViolation, null, CancellationToken.None).InTime();
        Assert.Equal(CloseInitiator.Local, (await handler.CloseCause()).Initiator);
        await server.NoConnections();
    }

    [Fact]
    public async Task Offered_compression_is_declined_and_the_connection_works_without()
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using var client = new ClientWebSocket();
        client.Options.DangerousDeflateOptions = new WebSocketDeflateOptions();
        await client.ConnectAsync(Url(server), CancellationToken.None).InTime();
        await client.RoundTrip(WebSocketMessageType.Text, Encoding.UTF8.GetBytes(new string('a', 10_000)));
    }

    [Fact]
    public async Task Its_pings_are_answered()
    {
        await using TestServer server = driver.Start(TestHandler.Echo());
        using var client = new ClientWebSocket();
        client.Options.KeepAliveInterval = TimeSpan.FromMilliseconds(10);
        client.Options.KeepAliveTimeout = Eventually.Deadline;
        await client.ConnectAsync(Url(server), CancellationToken.None).InTime();
        // Without an answer to its ping this receive would fail.
        Task<WebSocketReceiveResult> receiving = client.ReceiveAsync(new ArraySegment<byte>(new byte[100]), CancellationToken.None);
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync("x"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None).InTime();
            Assert.Equal(1, (await receiving.InTime()).Count);
            receiving = client.ReceiveAsync(new ArraySegment<byte>(new byte[100]), CancellationToken.None);
        }
    }

    private static Uri Url(TestServer server) => new($"ws://{server.EndPoint}/ws");
}

public sealed class ForeignClientOnLoops() : ForeignClientTests(Driver.Loops);

public sealed class ForeignClientOnStreams() : ForeignClientTests(Driver.Streams);
