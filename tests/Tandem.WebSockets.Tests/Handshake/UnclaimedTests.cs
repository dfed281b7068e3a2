using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Handshake;

/// <summary>A shared port: what is not a WebSocket handshake for one of the routes is handed over unread.</summary>
[Collection(nameof(Alone))]
public sealed class UnclaimedTests
{
    private static readonly byte[] TlsHello = [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];

    private readonly ConcurrentQueue<Socket> _handed = new();
    private readonly TestHandler _handler = TestHandler.Echo();

    public static TheoryData<string> Foreign =>
    [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
        Wire.Request("/other"),
        "POST /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /other HTTP/1.1\nHost: localhost\n\n",
        "GET /" + new string('a', 9000),
        Encoding.Latin1.GetString(TlsHello),
    ];

    [Theory]
    [MemberData(nameof(Foreign))]
    public async Task What_is_not_a_handshake_for_a_route_is_handed_over_unread(string bytes)
    {
        await using TestServer server = Start(_handed.Enqueue);
        using RawClient client = await server.Connect();
        await client.Send(bytes);
        using Socket socket = await Handed();
        // As its new owner is likely to use it.
        using var stream = new NetworkStream(socket, ownsSocket: false);
        byte[] read = new byte[bytes.Length];
        await stream.ReadExactlyAsync(read).AsTask().InTime();
        Assert.Equal(bytes, Encoding.Latin1.GetString(read));
        await stream.WriteAsync("answer"u8.ToArray());
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer", await client.ReadToEnd());
        Assert.Equal(0, server.Server.ConnectionCount);
    }

    [Fact]
    public async Task A_foreign_path_is_handed_over_before_the_head_is_complete()
    {
        await using TestServer server = Start(_handed.Enqueue);
        using RawClient client = await server.Connect();
        await client.SendInPieces(Wire.Ascii("GET /other "), 1);
        using Socket socket = await Handed();
        await Eventually.Equal(11, () => socket.Available, "bytes unread");
    }

    [Fact]
    public async Task A_request_for_a_route_is_claimed_even_byte_by_byte()
    {
        await using TestServer server = Start(_handed.Enqueue);
        using RawClient client = await server.Connect();
        byte[] all = [.. Wire.Ascii(Wire.Request()), .. Wire.Text("hello")];
        await client.SendInPieces(all, 1);
        await client.ReadAccepted();
        await client.ReadText("hello");
        Assert.Empty(_handed);
    }

    [Theory]
    [InlineData("Version: 13", "Version: 8", 426)]
    [InlineData("Host: localhost", "No host", 400)]
    [InlineData("\r\n", "\n", 400)]
    public async Task A_wrong_handshake_for_a_route_is_answered_by_the_server(string right, string wrong, int status)
    {
        await using TestServer server = Start(_handed.Enqueue);
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request().Replace(right, wrong, StringComparison.Ordinal));
        Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.Empty(_handed);
    }

    [Fact]
    public async Task Waiting_for_the_rest_of_a_request_does_not_keep_the_loop_turning()
    {
        var time = new ManualTime();
        await using TestServer server = TestServer.Start(_handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnUnclaimed = _handed.Enqueue, TimeProvider = time, TickInterval = TimeSpan.FromMilliseconds(50),
        });
        using RawClient client = await server.Connect();
        await client.Send("GET /ws HT");
        await client.Send("TP/1.1\r\nHost: loc");
        // Ten ticks of an idle loop: as many turns and a few for what has come. One that spins makes thousands.
        var watch = Stopwatch.StartNew();
        long before = time.Reads;
        await Eventually.True(() => watch.ElapsedMilliseconds > 500 && time.Reads > before, "half a second, and a tick");
        Assert.InRange(time.Reads - before, 1, watch.ElapsedMilliseconds / 5); // two for each tick of 50 ms, and some
    }

    [Fact]
    public async Task A_client_that_sends_nothing_to_judge_is_dropped_in_silence()
    {
        var time = new ManualTime();
        await using TestServer server = TestServer.Start(_handler, new WebSocketServerOptions
        {
            EndPoints = TestServer.AnyPort, Loops = 1, OnUnclaimed = _handed.Enqueue, TimeProvider = time, TickInterval = ManualTime.Tick,
        });
        using RawClient silent = await server.Connect();
        await Eventually.Equal(1, () => server.Server.ConnectionCount, "ConnectionCount");
        time.Advance(server.Server.Options.HandshakeTimeout);
        Assert.Equal("", await silent.ReadToEnd());
        await server.NoConnections();
    }

    [Fact]
    public async Task A_taker_that_throws_is_reported_and_the_connection_ends()
    {
        await using TestServer server = Start(_ => throw new InvalidOperationException("not wanted"));
        using RawClient client = await server.Connect();
        await client.Send("GET / HTTP/1.1\r\n\r\n");
        Assert.Contains((await client.Read()).Kind, new[] { Got.End, Got.Reset });
        await Eventually.Equal(1, () => _handler.Errors.Count, "errors");
        Assert.Equal("not wanted", Assert.Single(_handler.Errors).Exception.Message);
        using RawClient other = await server.Open();
    }

    [Fact]
    public async Task Two_thousand_hand_overs_leak_no_descriptor()
    {
        await using TestServer server = Start(socket => socket.Dispose());
        async Task HandOver()
        {
            using RawClient client = await server.Connect();
            await client.Send("X");
            Assert.Contains((await client.Read()).Kind, new[] { Got.End, Got.Reset });
        }

        for (int i = 0; i < 10; i++) await HandOver();
        int before = Descriptors.Sockets();
        for (int i = 0; i < 250; i++) await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => HandOver()));
        await Eventually.True(() => Descriptors.Sockets() <= before + 5, "the descriptors are closed");
        Assert.Equal(0, server.Server.ConnectionCount);
    }

    private TestServer Start(Action<Socket> take) =>
        TestServer.Start(_handler, new WebSocketServerOptions { EndPoints = TestServer.AnyPort, Loops = 1, OnUnclaimed = take, OnError = _handler.Error });

    private async Task<Socket> Handed()
    {
        Socket? socket = null;
        await Eventually.True(() => _handed.TryDequeue(out socket), "the hand-over");
        return socket!;
    }
}
