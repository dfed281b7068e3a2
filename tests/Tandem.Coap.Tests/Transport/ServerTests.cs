using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Transport;

/// <summary>What an application sees of server and client.</summary>
public sealed class ServerTests
{
    private static CoapServerOptions Options => new() { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) };

    [Fact]
    public async Task A_client_proves_its_address_by_itself()
    {
        // The clocks stand: nothing is sent again, or in two parts, because something took long.
        await using var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), TimeProvider = new ManualClock() });
        await using var client = new CoapClient(server.EndPoint, new CoapClientOptions { TimeProvider = new ManualClock() });
        CoapResponse response = await client.SendAsync(new CoapRequest(CoapCode.Get, "hello")).InTime();
        Assert.Equal((CoapCode.Content, "Hello, beston", CoapContentFormat.TextPlain), (response.Code, response.ReadText(), response.ContentFormat));
        await client.SendAsync(new CoapRequest(CoapCode.Get, "hello")).InTime();
        CoapStatistics counted = server.Server.Statistics;
        Assert.Equal((1, 0, 3), (counted.Challenges, counted.TooSmallToChallenge, counted.Received));
    }

    [Fact]
    public async Task A_request_without_options_is_long_enough_to_be_challenged()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint);
        Assert.Equal(CoapCode.NotFound, (await client.SendAsync(new CoapRequest(CoapCode.Get, "")).InTime()).Code);
    }

    [Fact]
    public async Task A_client_finds_a_server_that_began_anew()
    {
        int port = Ports.Free(ProtocolType.Udp);
        var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, port) });
        await using var client = new CoapClient(server.EndPoint, new CoapClientOptions { TimeProvider = new ManualClock() });
        await client.SendAsync(new CoapRequest(CoapCode.Get, "hello")).InTime();
        await server.DisposeAsync();
        await using var again = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, port) });
        Assert.Equal("Hello, beston", (await client.SendAsync(new CoapRequest(CoapCode.Get, "hello")).InTime()).ReadText());
        Assert.Equal(1, again.Server.Statistics.Challenges);
    }

    [Theory]
    [InlineData("::1", "::1")]
    [InlineData("::", "::1")]
    [InlineData("::", "127.0.0.1")]
    public async Task A_server_listens_on_IPv6_and_on_both(string listens, string asked)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "There is no IPv6 here.");
        await using var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Parse(listens), 0) });
        await using var client = new CoapClient(new IPEndPoint(IPAddress.Parse(asked), server.EndPoint.Port));
        Assert.Equal("Hello, beston", (await client.SendAsync(new CoapRequest(CoapCode.Get, "hello")).InTime()).ReadText());
    }

    [Fact]
    public async Task A_client_is_made_of_a_URI()
    {
        await using var server = new TestServer();
        await using CoapClient client = await CoapClient.CreateAsync(new Uri(server.Uri));
        Assert.Equal("Hello, beston", (await client.SendAsync(new CoapRequest(CoapCode.Get, "hello")).InTime()).ReadText());
        await Assert.ThrowsAsync<ArgumentException>(() => CoapClient.CreateAsync(new Uri("coaps://127.0.0.1")));
    }

    [Fact]
    public async Task Methods_store_change_and_delete()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint);
        async Task<CoapCode> Send(CoapCode method) => (await client.SendAsync(new CoapRequest(method, "store/a") { Payload = method == CoapCode.Get ? default : "x"u8.ToArray() }).InTime()).Code;
        Assert.Equal(CoapCode.NotFound, await Send(CoapCode.Get));
        Assert.Equal(CoapCode.Created, await Send(CoapCode.Put));
        Assert.Equal(CoapCode.Changed, await Send(CoapCode.Post));
        Assert.Equal(CoapCode.Content, await Send(CoapCode.Get));
        Assert.Equal(CoapCode.Deleted, await Send(CoapCode.Delete));
        Assert.Equal(CoapCode.NotFound, await Send(CoapCode.Get));
    }

    [Fact]
    public async Task The_longest_path_that_fits_serves_and_a_slash_within_a_segment_is_no_boundary()
    {
        await using var server = new CoapServer(Options);
        foreach (string path in new[] { "a/*", "a/b/*", "a/b/c", "" })
        {
            server.Map(path, (_, _) => ValueTask.FromResult(CoapResponse.Text(CoapCode.Content, path)));
        }

        Assert.Throws<InvalidOperationException>(() => server.Map("/a/b/c", (_, _) => default));
        server.Start();
        Assert.Throws<InvalidOperationException>(() => server.Map("late", (_, _) => default));
        await using var client = new CoapClient(server.LocalEndPoint);
        async Task<string> Get(string path) => await client.SendAsync(new CoapRequest(CoapCode.Get, path)).InTime() is { IsSuccess: true } response ? response.ReadText() : "none";
        Assert.Equal(["a/*", "a/b/*", "a/b/c", "", "none", "none", "none"], [
            await Get("a/x"), await Get("a/b/x"), await Get("a/b/c"), await Get(""), await Get("a"), await Get("ab/x"), await Get("a%2Fb/c")]);
    }

    [Fact]
    public async Task A_handler_that_fails_is_answered_by_5_00_and_told_to_the_application()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint);
        Assert.Equal(CoapCode.InternalServerError, (await client.SendAsync(new CoapRequest(CoapCode.Get, "broken")).InTime()).Code);
        Assert.Equal("broken", Assert.Single(server.Errors).Message);
    }

    [Fact]
    public async Task Requests_of_a_client_come_to_handlers_in_their_order_also_when_the_first_takes_long()
    {
        var order = new ConcurrentQueue<string>();
        var first = new TaskCompletionSource();
        await using var server = new CoapServer(Options);
        server.Map("x", async (request, _) =>
        {
            string what = Encoding.UTF8.GetString(request.Payload.Span);
            order.Enqueue(what);
            if (what == "0") await first.Task;
            return CoapResponse.Text(CoapCode.Content, what);
        });
        server.Start();
        await using var client = new CoapClient(server.LocalEndPoint);
        Task<CoapResponse>[] calls = [.. Enumerable.Range(0, 20).Select(i => client.SendAsync(new CoapRequest(CoapCode.Post, "x") { Payload = Encoding.UTF8.GetBytes($"{i}") }))];
        // The first is acknowledged without its response after a second, and the others go on.
        await Task.WhenAll(calls[1..]).InTime();
        Assert.False(calls[0].IsCompleted);
        first.SetResult();
        Assert.Equal("0", (await calls[0].InTime()).ReadText());
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), order);
    }

    [Fact]
    public async Task A_duplicate_is_handled_once()
    {
        await using var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), VerifyAddresses = false });
        using var raw = new RawClient(server.EndPoint);
        var message = new CoapMessage(CoapType.Confirmable, CoapCode.Put, 9) { Payload = "once"u8.ToArray() };
        message.Options.Path = "log";
        for (int i = 0; i < 10; i++) raw.Send(message);
        await Eventually.True(() => server.Server.Statistics is { Received: 10, Duplicates: 9 }, "all duplicates");
        await Eventually.True(() => !server.Log.IsEmpty, "the request");
        Assert.Equal(["once"], server.Log);
    }

    [Fact]
    public async Task Section5_9_1_3_who_has_the_representation_is_not_sent_it_again()
    {
        await using var server = new CoapServer(Options);
        server.Map("x", (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { ETag = new byte[] { 1, 2 }, Payload = "body"u8.ToArray() }));
        server.Start();
        await using var client = new CoapClient(server.LocalEndPoint);
        var request = new CoapRequest(CoapCode.Get, "x");
        request.Options.Add(CoapOptionNumber.ETag, new byte[] { 9 });
        Assert.Equal(CoapCode.Content, (await client.SendAsync(request).InTime()).Code);
        request.Options.Add(CoapOptionNumber.ETag, new byte[] { 1, 2 });
        CoapResponse valid = await client.SendAsync(request).InTime();
        Assert.Equal((CoapCode.Valid, 0), (valid.Code, valid.Payload.Length));
        Assert.Equal(new byte[] { 1, 2 }, valid.ETag!.Value.ToArray());
    }

    [Fact]
    public async Task Section5_10_2_it_is_no_proxy()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint);
        var request = new CoapRequest(CoapCode.Get, "");
        request.Options.Add(CoapOptionNumber.ProxyUri, "coap://192.0.2.1/secret"u8.ToArray());
        Assert.Equal(CoapCode.ProxyingNotSupported, (await client.SendAsync(request).InTime()).Code);
    }

    [Fact]
    public async Task A_ping_is_answered_by_a_server_and_not_by_nobody()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint);
        await client.PingAsync().InTime();
        var clock = new ManualClock();
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var lost = new CoapClient((IPEndPoint)nobody.LocalEndPoint!, new CoapClientOptions { TimeProvider = clock });
        Task ping = lost.PingAsync();
        Task<CoapResponse> waiting = lost.SendAsync(new CoapRequest(CoapCode.Get, "x"));
        clock.Advance(94); // at most 93 s, and each of its timers up to a millisecond late
        Assert.Equal(CoapError.TimedOut, (await Assert.ThrowsAsync<CoapException>(() => ping.InTime())).Error);
        // The one that waited behind it is sent when the first is given up.
        await Eventually.True(() => lost.Statistics.Sent >= 6, "the next request");
        clock.Advance(94);
        Assert.Equal(CoapError.TimedOut, (await Assert.ThrowsAsync<CoapException>(() => waiting.InTime())).Error);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_or_whose_client_is_disposed_ends_and_lets_the_next_one_go()
    {
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var client = new CoapClient((IPEndPoint)nobody.LocalEndPoint!);
        using var cancel = new CancellationTokenSource();
        Task<CoapResponse> first = client.SendAsync(new CoapRequest(CoapCode.Get, "x"), cancel.Token);
        Task<CoapResponse> second = client.SendAsync(new CoapRequest(CoapCode.Get, "x"));
        using var cancelWaiting = new CancellationTokenSource();
        Task<CoapResponse> third = client.SendAsync(new CoapRequest(CoapCode.Get, "x"), cancelWaiting.Token);
        await cancelWaiting.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third.InTime());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.InTime());
        await Eventually.True(() => client.Statistics.Sent >= 2, "the second request");
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.InTime());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.SendAsync(new CoapRequest(CoapCode.Get, "x")));
    }

    [Fact]
    public async Task A_server_that_stops_cancels_its_handlers_and_frees_its_port()
    {
        var cancelled = new TaskCompletionSource();
        var server = new CoapServer(Options);
        server.Map("x", async (_, cancellation) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                cancelled.SetResult();
            }

            return new CoapResponse(CoapCode.Content);
        });
        server.Start();
        using var raw = new RawClient(server.LocalEndPoint);
        await using var client = new CoapClient(server.LocalEndPoint);
        Task<CoapResponse> call = client.SendAsync(new CoapRequest(CoapCode.Get, "x"));
        await Eventually.True(() => server.Statistics.Peers == 1, "a request");
        await server.DisposeAsync();
        await server.DisposeAsync();
        await cancelled.Task.InTime();
        await using var next = new CoapServer(new CoapServerOptions { EndPoint = server.LocalEndPoint });
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new CoapServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), BlockSize = 1000 }));
        Assert.Throws<ArgumentException>(() => new CoapServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), PeerLifetime = TimeSpan.FromSeconds(1) }));
        Assert.Throws<ArgumentException>(() => new CoapClient(new IPEndPoint(IPAddress.Loopback, 1), new CoapClientOptions { Transmission = new CoapTransmissionOptions { NStart = 0 } }));
        Assert.Throws<ArgumentException>(() => new CoapRequest(CoapCode.Content, "x"));
        Assert.Throws<ArgumentException>(() => new CoapResponse(CoapCode.Get));
    }
}
