using System.Net;
using System.Security.Cryptography;
using System.Text;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Blockwise;

/// <summary>RFC 7959 at the client: an application sees whole bodies.</summary>
public sealed class Rfc7959_ClientTests
{
    [Theory]
    [InlineData(1024, 1024, 0)]
    [InlineData(1024, 1024, 1024)]
    [InlineData(1024, 1024, 1025)]
    [InlineData(1024, 1024, 100_000)]
    [InlineData(1024, 64, 3000)] // the server asks for smaller ones (section 2.3)
    [InlineData(16, 1024, 1000)] // the client does
    [InlineData(256, 32, 5000)]
    public async Task Section2_bodies_go_both_ways_whatever_the_block_sizes(int clientBlock, int serverBlock, int length)
    {
        await using var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), BlockSize = serverBlock });
        await using var client = new CoapClient(server.EndPoint, new CoapClientOptions { BlockSize = clientBlock });
        byte[] bytes = RandomNumberGenerator.GetBytes(length);
        Assert.Equal(CoapCode.Created, (await client.SendAsync(new CoapRequest(CoapCode.Put, "store/a") { Payload = bytes }).InTime()).Code);
        Assert.Equal(bytes, server.Stored("a"));
        CoapResponse got = await client.SendAsync(new CoapRequest(CoapCode.Get, "store/a")).InTime();
        Assert.Equal(CoapContentFormat.OctetStream, got.ContentFormat);
        Assert.Equal(bytes, got.Payload.ToArray());
    }

    [Fact]
    public async Task A_large_request_may_have_a_large_response_and_is_carried_out_once()
    {
        int calls = 0;
        await using var server = new CoapServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), BlockSize = 64 });
        server.Map("twice", (request, _) =>
        {
            calls++;
            return ValueTask.FromResult(new CoapResponse(CoapCode.Changed) { Payload = (byte[])[.. request.Payload.Span, .. request.Payload.Span] });
        });
        server.Start();
        await using var client = new CoapClient(server.LocalEndPoint, new CoapClientOptions { BlockSize = 64 });
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        CoapResponse response = await client.SendAsync(new CoapRequest(CoapCode.Post, "twice") { Payload = bytes }).InTime();
        Assert.Equal([.. bytes, .. bytes], response.Payload.ToArray());
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task Large_requests_keep_their_order_among_small_ones()
    {
        await using var server = new TestServer();
        await using var client = new CoapClient(server.EndPoint, new CoapClientOptions { BlockSize = 16 });
        string[] texts = [.. Enumerable.Range(0, 60).Select(i => $"{i}" + new string('x', i % 3 == 0 ? 200 : 0))];
        await Task.WhenAll(texts.Select(text => client.SendAsync(new CoapRequest(CoapCode.Put, "log") { Payload = Encoding.UTF8.GetBytes(text) }))).InTime();
        Assert.Equal(texts, server.Log);
    }

    [Fact]
    public async Task Section2_9_3_a_body_that_is_too_large_for_the_server_is_answered_and_one_for_the_client_is_an_error()
    {
        await using var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), MaxBodySize = 5000 });
        await using var client = new CoapClient(server.EndPoint, new CoapClientOptions { MaxBodySize = 4000 });
        CoapResponse refused = await client.SendAsync(new CoapRequest(CoapCode.Put, "store/a") { Payload = new byte[5001] }).InTime();
        Assert.Equal((CoapCode.RequestEntityTooLarge, 5000u), (refused.Code, refused.Options.Size1));
        server.Store("a", new byte[4001]);
        Assert.Equal(CoapError.TooLarge, (await Assert.ThrowsAsync<CoapException>(() => client.SendAsync(new CoapRequest(CoapCode.Get, "store/a")).InTime())).Error);
    }

    [Fact]
    public async Task Section2_4_a_representation_that_changes_on_the_way_is_fetched_anew()
    {
        int calls = 0, changes = 1;
        // What is larger than all that may be kept is made anew for each block.
        await using var server = new CoapServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), BlockSize = 64, MaxBodySize = 1024, MaxTransferBytes = 1024 });
        server.Map("x", (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = Enumerable.Repeat((byte)Math.Min(++calls / 10, changes), 1025).ToArray() }));
        server.Start();
        await using var client = new CoapClient(server.LocalEndPoint, new CoapClientOptions { MaxBodySize = 2000 });
        CoapResponse response = await client.SendAsync(new CoapRequest(CoapCode.Get, "x")).InTime();
        Assert.Equal(Enumerable.Repeat((byte)1, 1025), response.Payload.ToArray());
        Assert.InRange(calls, 18, 40);
        (calls, changes) = (0, int.MaxValue);
        Assert.Equal(CoapError.BrokenTransfer, (await Assert.ThrowsAsync<CoapException>(() => client.SendAsync(new CoapRequest(CoapCode.Get, "x")).InTime())).Error);
    }
}
