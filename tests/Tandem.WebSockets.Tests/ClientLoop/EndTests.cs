using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.WebSockets.Tests.Client;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.ClientLoop;

/// <summary>The end of a connection of a client's loop (RFC 6455 section 7): both ways in order, and all others.</summary>
public sealed class EndTests
{
    [Fact]
    public async Task Our_close_is_answered_and_both_ends_are_gone()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Driver.Loops.Start(handler);
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketPeer peer = await client.Connect();
        peer.Close((WebSocketCloseStatus)4000, "enough");
        CloseCause cause = await client.End();
        Assert.Equal((CloseInitiator.Local, 4000), (cause.Initiator, (int)cause.Status));
        Assert.Equal(WebSocketState.Closed, peer.ConnectionState);
        cause = await handler.CloseCause();
        Assert.Equal((CloseInitiator.Peer, 4000, "enough"), (cause.Initiator, (int)cause.Status, cause.Reason));
        await Eventually.Equal(0, () => client.Loop.ConnectionCount, "ConnectionCount");
        await server.NoConnections();
    }

    [Fact]
    public async Task After_both_close_frames_this_end_waits_for_the_server_to_end_TCP_section_7_1_1()
    {
        var closed = new TaskCompletionSource();
        int ended = -1;
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Stream.ReadExactlyAsync(new byte[8]);
            await peer.Send([0x88, 2, 0x03, 0xE8]);
            await closed.Task;
            // A FIN makes a socket readable without bytes to read.
            ended = ((NetworkStream)peer.Stream).Socket.Poll(0, SelectMode.SelectRead) ? 1 : 0;
        });
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketPeer peer = await client.Connect();
        peer.Close();
        await client.End();
        Assert.Equal(WebSocketState.Closed, peer.ConnectionState);
        await client.Turns(2); // what it has to say, it has said
        Assert.Equal(1, client.Loop.ConnectionCount);
        closed.SetResult();
        await Eventually.Equal(0, () => client.Loop.ConnectionCount, "ConnectionCount");
        Assert.Equal(0, ended);
    }

    [Fact]
    public async Task The_server_s_close_is_answered_with_its_code()
    {
        TestHandler handler = TestHandler.Echo();
        handler.Open = peer => peer.Close(WebSocketCloseStatus.EndpointUnavailable, "going");
        await using TestServer server = Driver.Loops.Start(handler);
        await using LoopClient client = new LoopClient().Start(server);
        await client.Connect();
        CloseCause cause = await client.End();
        Assert.Equal((CloseInitiator.Peer, WebSocketCloseStatus.EndpointUnavailable, "going"), (cause.Initiator, cause.Status, cause.Reason));
        Assert.Equal(CloseInitiator.Local, (await handler.CloseCause()).Initiator);
        await server.NoConnections();
    }

    [Fact]
    public async Task A_server_that_does_not_answer_our_close_is_left_at_the_deadline()
    {
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.End();
            await peer.Silence();
        });
        await using LoopClient client = new LoopClient().Start(server, new WebSocketClientOptions { Connection = new() { CloseTimeout = TimeSpan.FromMilliseconds(50) } });
        (await client.Connect()).Close();
        Assert.Equal(CloseInitiator.Timeout, (await client.End()).Initiator);
        await Eventually.Equal(0, () => client.Loop.ConnectionCount, "ConnectionCount");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_transport_that_ends_or_is_reset_is_reported_with_1006(bool reset)
    {
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.Stream.ReadExactlyAsync(new byte[1]);
            if (reset) ((NetworkStream)peer.Stream).Socket.LingerState = new LingerOption(true, 0);
        });
        await using LoopClient client = new LoopClient().Start(server);
        WebSocketPeer peer = await client.Connect();
        peer.Send(WebSocketMessageType.Text, "now"u8);
        CloseCause cause = await client.End();
        Assert.Equal((CloseInitiator.TransportEnd, CloseCause.Abnormal), (cause.Initiator, cause.Status));
    }

    [Fact]
    public async Task An_abort_resets_so_that_no_port_is_kept_in_TIME_WAIT()
    {
        var end = new TaskCompletionSource<SocketError>();
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            try
            {
                await peer.End();
                end.SetResult(SocketError.Success);
            }
            catch (IOException exception)
            {
                end.SetResult(((SocketException)exception.InnerException!).SocketErrorCode);
            }
        });
        await using LoopClient client = new LoopClient().Start(server);
        (await client.Connect()).Abort();
        Assert.Equal(SocketError.ConnectionReset, await end.Task.InTime());
        Assert.Equal(CloseInitiator.Local, (await client.End()).Initiator);
    }

    [Fact]
    public async Task Stopping_closes_every_connection_with_1000()
    {
        TestHandler handler = TestHandler.Echo();
        await using TestServer server = Driver.Loops.Start(handler);
        await using LoopClient client = new LoopClient().Start(server);
        for (int i = 0; i < 10; i++) await client.Connect();
        await client.Loop.StopAsync().InTime();
        Assert.Equal(0, client.Loop.ConnectionCount);
        Assert.All(client.Closed, closed => Assert.Equal((CloseInitiator.Local, WebSocketCloseStatus.NormalClosure), (closed.Cause.Initiator, closed.Cause.Status)));
        await Eventually.Equal(10, () => handler.Closed.Count, "OnClose at the server");
        Assert.All(handler.Closed, closed => Assert.Equal((CloseInitiator.Peer, WebSocketCloseStatus.NormalClosure), (closed.Cause.Initiator, closed.Cause.Status)));
    }

    [Fact]
    public async Task A_silent_server_is_pinged_and_left_when_it_stays_silent()
    {
        await using var server = ScriptedServer.Start(async peer =>
        {
            await peer.Send(ScriptedPeer.Switching(await peer.ReadHead()));
            await peer.End();
            await peer.Silence();
        });
        await using LoopClient client = new LoopClient().Start(
            server,
            new WebSocketClientOptions { Connection = new() { KeepAliveInterval = TimeSpan.FromMilliseconds(20), KeepAliveTimeout = TimeSpan.FromMilliseconds(20) } });
        await client.Connect();
        Assert.Equal(CloseInitiator.Timeout, (await client.End()).Initiator);
    }
}
