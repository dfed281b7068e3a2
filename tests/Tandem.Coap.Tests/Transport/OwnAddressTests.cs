using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Transport;

/// <summary>A server on all addresses of its machine answers from the one that was asked (RFC 1122 section 4.1.3.5), and clients hear of servers that are not there.</summary>
public sealed class OwnAddressTests
{
    public static TheoryData<string, string, string> Addresses => new()
    {
        { "0.0.0.0", "127.0.0.1", "127.0.0.1" },
        { "0.0.0.0", "127.0.0.2", "127.0.0.1" },
        { "0.0.0.0", "127.3.2.1", "127.0.0.9" },
        { "::", "127.0.0.2", "127.0.0.1" },
        { "::", "::1", "::1" },
    };

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task What_a_client_is_sent_comes_from_the_address_that_it_asked(string bound, string asked, string client)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The system chooses the address.");
        await using TestServer server = Start(new IPEndPoint(IPAddress.Parse(bound), 0), verifies: false);
        var target = new IPEndPoint(IPAddress.Parse(asked), server.Server.LocalEndPoint.Port);
        using var socket = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(client), 0));
        // It hears of no other address. Answer, separate response and notification are sent in three different ways.
        await socket.ConnectAsync(target);
        Assert.Equal("Hello, beston", await AskAsync(socket, 1, "hello"));
        Assert.Equal("state 0", await AskAsync(socket, 2, "state", observes: true));
        server.Change();
        CoapMessage notification = await ReceiveAsync(socket);
        Assert.Equal("state 1", Encoding.UTF8.GetString(notification.Payload.Span));
        await socket.SendAsync(new CoapMessage(CoapType.Acknowledgement, CoapCode.Empty, notification.MessageId).ToArray());
        server.Slow.SetResult();
        Assert.Equal("at last", await AskAsync(socket, 3, "slow"));
    }

    [Fact]
    public async Task The_same_client_at_two_addresses_of_the_server_is_two_peers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The system chooses the address.");
        await using TestServer server = Start(new IPEndPoint(IPAddress.Any, 0), verifies: false);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        byte[] buffer = new byte[2048];
        foreach (string asked in (string[])["127.0.0.1", "127.0.0.2"])
        {
            // RFC 7252 section 4.4: a message ID is one of a pair of endpoints, so the second is no repetition of the first.
            var target = new IPEndPoint(IPAddress.Parse(asked), server.Server.LocalEndPoint.Port);
            await socket.SendToAsync(Message(7, "hello").ToArray(), target);
            SocketReceiveFromResult received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0)).InTime();
            Assert.Equal(target, received.RemoteEndPoint);
        }

        Assert.Equal((2, 0L), (server.Server.Statistics.Peers, server.Server.Statistics.Duplicates));
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.2")]
    [InlineData("::", "127.0.0.2")]
    public async Task An_address_is_proved_and_a_body_goes_in_blocks_there_as_well(string bound, string asked)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The system chooses the address.");
        await using TestServer server = Start(new IPEndPoint(IPAddress.Parse(bound), 0), verifies: true);
        await using var client = new CoapClient(new IPEndPoint(IPAddress.Parse(asked), server.Server.LocalEndPoint.Port), new CoapClientOptions { TimeProvider = new ManualClock() });
        byte[] body = new byte[20_000];
        Random.Shared.NextBytes(body);
        CoapResponse stored = await client.SendAsync(new CoapRequest(CoapCode.Put, "store/a") { Payload = body }).InTime();
        Assert.True(stored.IsSuccess, stored.Code.ToString());
        Assert.Equal(body, (await client.SendAsync(new CoapRequest(CoapCode.Get, "store/a")).InTime()).Payload.ToArray());
        Assert.Equal(1, server.Server.Statistics.Challenges);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task A_client_is_told_that_nobody_listens_and_reaches_the_server_when_it_is_there(string address)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only connected sockets hear of it.");
        var endPoint = new IPEndPoint(IPAddress.Parse(address), Ports.Free(ProtocolType.Udp));
        var told = new TaskCompletionSource<SocketError>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var client = new CoapClient(endPoint, new CoapClientOptions { OnUnreachable = error => told.TrySetResult(error), Transmission = new CoapTransmissionOptions { AckTimeout = TimeSpan.FromMilliseconds(50), AckDelay = TimeSpan.FromMilliseconds(25), MaxRetransmit = 8 } });
        Task<CoapResponse> asking = client.SendAsync(new CoapRequest(CoapCode.Get, "hello"));
        Assert.Equal(SocketError.ConnectionRefused, await told.Task.InTime());
        await using var server = new TestServer(new CoapServerOptions { EndPoint = endPoint });
        Assert.Equal("Hello, beston", (await asking.InTime()).ReadText());
    }

    [Fact]
    public async Task What_is_said_of_unreachable_ports_does_not_fill_the_clients_buffer()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only connected sockets hear of it.");
        var endPoint = new IPEndPoint(IPAddress.Loopback, Ports.Free(ProtocolType.Udp));
        long errors = 0;
        var options = new CoapClientOptions { OnUnreachable = _ => Interlocked.Increment(ref errors), Transmission = new CoapTransmissionOptions { NStart = 2 } };
        await using var client = new CoapClient(endPoint, options);
        // Each error is kept with its datagram, and a datagram that finds no room is dropped: more of them than the buffer holds. So does an
        // error, and it takes what it takes until so many have been told.
        byte[] body = new byte[1000];
        var watch = Stopwatch.StartNew();
        for (int number = 0; number < 5000 || Interlocked.Read(ref errors) <= 1000; number++)
        {
            Assert.True(watch.Elapsed < Eventually.Deadline, $"{errors} errors of {number}");
            using var given = new CancellationTokenSource();
            Task<CoapResponse> asking = client.SendAsync(new CoapRequest(CoapCode.Put, "store/a") { Payload = body, IsConfirmable = false }, given.Token);
            await given.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        }

        await using var server = new TestServer(new CoapServerOptions { EndPoint = endPoint });
        Assert.Equal("Hello, beston", (await client.SendAsync(new CoapRequest(CoapCode.Get, "hello")).InTime()).ReadText());
    }

    // Its clock stands: nothing is sent again, or in two parts, because something took long.
    private static TestServer Start(IPEndPoint endPoint, bool verifies) =>
        new(new CoapServerOptions { EndPoint = endPoint, VerifyAddresses = verifies, TimeProvider = new ManualClock() });

    private static CoapMessage Message(ushort id, string path, bool observes = false)
    {
        var message = new CoapMessage(CoapType.Confirmable, CoapCode.Get, id, new CoapToken([1, 2, (byte)id]));
        message.Options.Path = path;
        if (observes) message.Options.Observe = 0;
        return message;
    }

    private static async Task<string> AskAsync(Socket socket, ushort id, string path, bool observes = false)
    {
        await socket.SendAsync(Message(id, path, observes).ToArray());
        return Encoding.UTF8.GetString((await ReceiveAsync(socket)).Payload.Span);
    }

    private static async Task<CoapMessage> ReceiveAsync(Socket socket)
    {
        byte[] buffer = new byte[2048];
        using var late = new CancellationTokenSource(Eventually.Deadline);
        int length = await socket.ReceiveAsync(buffer, SocketFlags.None, late.Token);
        Assert.True(CoapMessage.TryParse(buffer.AsMemory(0, length), out CoapMessage? message, out _));
        return message;
    }
}
