using System.Net;
using System.Net.Sockets;
using System.Text;
using Tandem.Coap.Observe;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Observe;

/// <summary>RFC 7641 at the client.</summary>
public sealed class Rfc7641_ClientTests
{
    [Theory]
    [InlineData(0, 1, 0, true)]
    [InlineData(1, 0, 0, false)]
    [InlineData(5, 5, 0, false)]
    [InlineData(0, 0x7F_FFFF, 0, true)]
    [InlineData(0, 0x80_0000, 0, false)]
    [InlineData(0xFF_FFFF, 0, 0, true)]
    [InlineData(0x80_0001, 0, 0, true)]
    [InlineData(0x80_0000, 0, 0, false)]
    [InlineData(5, 4, 128, false)]
    [InlineData(5, 4, 129, true)]
    public void Section3_4_which_notification_is_fresher(uint first, uint second, double secondsLater, bool isFresher) =>
        Assert.Equal(isFresher, NotificationOrder.IsFresher(first, TimeSpan.FromSeconds(10), second, TimeSpan.FromSeconds(10 + secondsLater)));

    [Fact]
    public void Section4_4_numbers_go_up_with_the_clock_and_round_again()
    {
        Assert.Equal(1000u, NotificationOrder.Next(null, TimeSpan.FromSeconds(1)));
        Assert.Equal(1001u, NotificationOrder.Next(1000, TimeSpan.FromSeconds(1)));
        Assert.Equal(2000u, NotificationOrder.Next(1001, TimeSpan.FromSeconds(2)));
        Assert.Equal(0u, NotificationOrder.Next(0xFF_FFFF, TimeSpan.FromMilliseconds(0xFF_FFFF)));
        Assert.Equal(1u, NotificationOrder.Next(0xFF_FFFF, TimeSpan.FromMilliseconds(0x100_0001)));
    }

    [Fact]
    public async Task States_come_until_the_reader_stops_which_the_server_is_told()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint);
        var states = new List<string>();
        await foreach (CoapResponse state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "state")))
        {
            states.Add(state.ReadText());
            if (states.Count == 4) break;
            server.Change();
        }

        Assert.Equal(["state 0", "state 1", "state 2", "state 3"], states);
        await Eventually.Equal(1, () => server.Ended.Count, "the number of observations that have ended");
        Assert.Equal([CoapObservationEnd.Cancelled], server.Ended);
        Assert.Equal(0, server.State.ObserverCount);
    }

    [Fact]
    public async Task Large_states_come_whole()
    {
        await using var server = new TestServer();
        server.Render = state => new CoapResponse(CoapCode.Content) { Payload = Enumerable.Repeat((byte)state, 5000 + state).ToArray() };
        await using var client = new CoapClient(server.EndPoint);
        int seen = 0;
        await foreach (CoapResponse state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "state")))
        {
            Assert.Equal(Enumerable.Repeat((byte)seen, 5000 + seen), state.Payload.ToArray());
            if (++seen == 4) break;
            server.Change();
        }
    }

    [Fact]
    public async Task An_error_is_the_last_state_and_so_is_that_of_what_cannot_be_observed()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint);
        var codes = new List<CoapCode>();
        await foreach (CoapResponse state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "state")))
        {
            codes.Add(state.Code);
            server.Render = _ => new CoapResponse(CoapCode.NotFound);
            server.Change();
        }

        Assert.Equal([CoapCode.Content, CoapCode.NotFound], codes);
        int count = 0;
        await foreach (CoapResponse state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "hello"))) count++;
        Assert.Equal(1, count);
    }

    [Fact]
    public async Task Section3_3_1_a_state_that_is_stale_is_asked_for_again_which_finds_a_server_that_has_forgotten_its_observers()
    {
        var clock = new ManualClock();
        int port = Ports.Free(ProtocolType.Udp);
        var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, port) });
        await using var client = new CoapClient(server.EndPoint, new CoapClientOptions { TimeProvider = clock });
        await using IAsyncEnumerator<CoapResponse> states = client.ObserveAsync(new CoapRequest(CoapCode.Get, "state")).GetAsyncEnumerator();
        Assert.True(await states.MoveNextAsync().InTime());
        Task<bool> next = states.MoveNextAsync().AsTask();
        await server.DisposeAsync();
        await using var again = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, port) });
        clock.Advance(64.9);
        Assert.Equal(0, again.Server.Statistics.Received);
        clock.Advance(10.2);
        Assert.True(await next.InTime());
        Assert.Equal(1, again.State.ObserverCount);
        again.Change();
        Assert.True(await states.MoveNextAsync().InTime());
        Assert.Equal("state 1", states.Current.ReadText());
    }

    [Fact]
    public async Task Section3_4_a_notification_that_was_overtaken_is_left_out_and_section_3_6_one_that_nobody_wants_is_reset()
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        // Its clock stands: it sends nothing again.
        await using var client = new CoapClient((IPEndPoint)server.LocalEndPoint!, new CoapClientOptions { TimeProvider = new ManualClock() });
        byte[] buffer = new byte[2000];
        async Task<(CoapMessage Message, EndPoint From)> Receive()
        {
            SocketReceiveFromResult received = await server.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0)).InTime();
            Assert.True(CoapMessage.TryParse(buffer.AsSpan(0, received.ReceivedBytes).ToArray(), out CoapMessage? message, out _));
            return (message, received.RemoteEndPoint);
        }

        void Send(EndPoint to, CoapToken token, CoapType type, ushort id, uint number)
        {
            var message = new CoapMessage(type, CoapCode.Content, id, token) { Payload = Encoding.UTF8.GetBytes($"{number}") };
            message.Options.Observe = number;
            server.SendTo(message.ToArray(), to);
        }

        IAsyncEnumerator<CoapResponse> states = client.ObserveAsync(new CoapRequest(CoapCode.Get, "state")).GetAsyncEnumerator();
        ValueTask<bool> first = states.MoveNextAsync();
        (CoapMessage request, EndPoint from) = await Receive();
        Assert.Equal(0u, request.Options.Observe);
        Send(from, request.Token, CoapType.Acknowledgement, request.MessageId, 10);
        Assert.True(await first.InTime());
        Send(from, request.Token, CoapType.NonConfirmable, 100, 13);
        Send(from, request.Token, CoapType.NonConfirmable, 101, 12);
        Send(from, request.Token, CoapType.NonConfirmable, 102, 14);
        Assert.True(await states.MoveNextAsync().InTime());
        Assert.Equal("13", states.Current.ReadText());
        Assert.True(await states.MoveNextAsync().InTime());
        Assert.Equal("14", states.Current.ReadText());
        await states.DisposeAsync();
        (CoapMessage end, _) = await Receive();
        Assert.Equal((request.Token, 1u, "state"), (end.Token, end.Options.Observe, end.Options.Path));
        server.SendTo(new CoapMessage(CoapType.Acknowledgement, CoapCode.Content, end.MessageId, end.Token).ToArray(), from);
        Send(from, request.Token, CoapType.NonConfirmable, 103, 15);
        (CoapMessage reset, _) = await Receive();
        Assert.Equal((CoapType.Reset, (ushort)103), (reset.Type, reset.MessageId));
    }
}
