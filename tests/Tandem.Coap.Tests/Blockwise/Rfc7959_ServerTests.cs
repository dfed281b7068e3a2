using System.Net;
using System.Security.Cryptography;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Blockwise;

/// <summary>RFC 7959 at the server, block by block.</summary>
public sealed class Rfc7959_ServerTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private TestServer _server = null!;
    private RawClient _raw = null!;

    public ValueTask InitializeAsync()
    {
        _server = new TestServer(new CoapServerOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 0), VerifyAddresses = false, BlockSize = 64, MaxBodySize = 2000, MaxTransferBytes = 5000, TimeProvider = _clock,
        });
        _raw = new RawClient(_server.EndPoint);
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        _raw.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Section2_4_a_response_is_fetched_block_by_block()
    {
        byte[] bytes = Bytes(150);
        CoapMessage first = await Get(null);
        Assert.Equal((CoapCode.Content, Block(0, true, 2), 150u, 64), (first.Code, first.Options.Block2, first.Options.Size2, first.Payload.Length));
        CoapMessage second = await Get(Block(1, false, 2));
        CoapMessage third = await Get(Block(2, false, 2));
        Assert.Equal((Block(1, true, 2), Block(2, false, 2)), (second.Options.Block2, third.Options.Block2));
        Assert.Equal(bytes, (byte[])[.. first.Payload.Span, .. second.Payload.Span, .. third.Payload.Span]);
        Assert.Equal(first.Options.ETag!.Value.ToArray(), third.Options.ETag!.Value.ToArray());
    }

    [Theory]
    [InlineData(64, null)] // fits one block
    [InlineData(64, 2)]
    [InlineData(65, 2)]
    [InlineData(40, 0)]
    public async Task Section2_4_who_asks_with_Block2_is_told_whether_there_is_more(int length, int? exponent)
    {
        Bytes(length);
        CoapMessage answer = await Get(exponent is { } some ? Block(0, false, some) : null);
        int size = Math.Min(64, 16 << (exponent ?? 2));
        Assert.Equal(Math.Min(length, size), answer.Payload.Length);
        Assert.Equal(exponent is null ? null : Block(0, length > size, exponent.Value), answer.Options.Block2);
    }

    [Fact]
    public async Task Section2_3_a_client_may_ask_for_smaller_blocks_and_is_not_given_larger_ones()
    {
        byte[] bytes = Bytes(150);
        CoapMessage small = await Get(Block(3, false, 0));
        Assert.Equal(Block(3, true, 0), small.Options.Block2);
        Assert.Equal(bytes[48..64], small.Payload.ToArray());
        CoapMessage large = await Get(Block(0, false, 6));
        Assert.Equal((Block(0, true, 2), 64), (large.Options.Block2, large.Payload.Length));
        CoapMessage middle = await Get(Block(1, false, 3));
        Assert.Equal((Block(2, false, 2), 22), (middle.Options.Block2, middle.Payload.Length));
    }

    [Fact]
    public async Task Section2_2_the_reserved_size_and_a_block_behind_the_end_are_bad_requests()
    {
        Bytes(150);
        Assert.Equal(CoapCode.BadRequest, (await Get(Block(0, false, 7))).Code);
        Assert.Equal(CoapCode.BadRequest, (await Get(Block(3, false, 2))).Code);
        Assert.Equal(CoapCode.BadRequest, (await Put(new byte[16], Block(0, true, 7))).Code);
    }

    [Fact]
    public async Task Section2_4_blocks_are_of_one_representation_while_it_is_kept_and_its_ETag_tells_when_it_is_another()
    {
        byte[] before = Bytes(150);
        CoapMessage first = await Get(null);
        byte[] after = Bytes(150);
        CoapMessage second = await Get(Block(1, false, 2));
        Assert.Equal(before[64..128], second.Payload.ToArray());
        _clock.Advance(121);
        CoapMessage third = await Get(Block(2, false, 2));
        Assert.Equal(after[128..], third.Payload.ToArray());
        Assert.NotEqual(first.Options.ETag!.Value.ToArray(), third.Options.ETag!.Value.ToArray());
    }

    [Fact]
    public async Task Section2_5_a_request_is_put_together_and_carried_out_once_it_is_whole()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(150);
        CoapMessage first = await Put(bytes[..64], Block(0, true, 2), 150);
        Assert.Equal((CoapCode.Continue, Block(0, true, 2)), (first.Code, first.Options.Block1));
        Assert.Equal(CoapCode.Continue, (await Put(bytes[64..128], Block(1, true, 2))).Code);
        Assert.Null(_server.Stored("a"));
        CoapMessage last = await Put(bytes[128..], Block(2, false, 2));
        Assert.Equal((CoapCode.Created, Block(2, false, 2)), (last.Code, last.Options.Block1));
        Assert.Equal(bytes, _server.Stored("a"));
        Assert.Equal((0, 0, 0), _server.Server.Held);
    }

    [Fact]
    public async Task Section2_3_the_server_asks_for_smaller_blocks_and_takes_the_large_one()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(300);
        CoapMessage first = await Put(bytes[..256], Block(0, true, 4));
        Assert.Equal((CoapCode.Continue, Block(0, true, 2)), (first.Code, first.Options.Block1));
        Assert.Equal(CoapCode.Created, (await Put(bytes[256..], Block(4, false, 2))).Code);
        Assert.Equal(bytes, _server.Stored("a"));
    }

    [Theory]
    [InlineData(2)] // one is missing
    [InlineData(0, 2)] // block 0 begins anew, so block 2 does not follow
    public async Task Section2_9_2_a_block_that_does_not_follow_is_answered_by_4_08(params int[] numbers)
    {
        await Put(new byte[64], Block(0, true, 2));
        CoapMessage answer = null!;
        foreach (int number in numbers) answer = await Put(new byte[64], Block(number, true, 2));
        Assert.Equal(CoapCode.RequestEntityIncomplete, answer.Code);
        // What was there is dropped.
        Assert.Equal(CoapCode.RequestEntityIncomplete, (await Put(new byte[64], Block(1, true, 2))).Code);
        Assert.Null(_server.Stored("a"));
        Assert.Equal(0, _server.Server.Held.Uploads);
    }

    [Fact]
    public async Task Section2_9_3_a_body_that_is_or_becomes_too_large_is_answered_by_4_13()
    {
        CoapMessage announced = await Put(new byte[64], Block(0, true, 2), 2001);
        Assert.Equal((CoapCode.RequestEntityTooLarge, 2000u), (announced.Code, announced.Options.Size1));
        for (int i = 0; i < 31; i++) Assert.Equal(CoapCode.Continue, (await Put(new byte[64], Block(i, true, 2))).Code);
        Assert.Equal(CoapCode.RequestEntityTooLarge, (await Put(new byte[64], Block(31, true, 2))).Code);
        Assert.Equal(0, _server.Server.Held.Uploads);
    }

    [Theory]
    [InlineData(1024, "2.01")]
    [InlineData(1025, "4.13")]
    public async Task A_body_that_comes_in_one_datagram_has_the_same_bound(int length, string code)
    {
        await using var server = new TestServer(new CoapServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), VerifyAddresses = false, MaxBodySize = 1024, TimeProvider = _clock });
        using var raw = new RawClient(server.EndPoint);
        CoapMessage answer = await raw.ExchangeAsync(CoapCode.Put, "store/a", payload: new byte[length]);
        Assert.Equal((code, length > 1024 ? 1024u : null), (answer.Code.ToString(), answer.Options.Size1));
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(65, true)]
    [InlineData(65, false)]
    public async Task Section2_2_a_block_that_is_not_full_and_not_the_last_is_a_bad_request(int length, bool more) =>
        Assert.Equal(CoapCode.BadRequest, (await Put(new byte[length], Block(0, more, 2))).Code);

    [Fact]
    public async Task A_body_that_does_not_go_on_is_dropped()
    {
        await Put(new byte[64], Block(0, true, 2));
        Assert.Equal(64, _server.Server.Held.Uploads);
        _clock.Advance(119);
        await Put(new byte[64], Block(1, true, 2));
        _clock.Advance(119);
        Assert.Equal(128, _server.Server.Held.Uploads);
        _clock.Advance(2);
        Assert.Equal(0, _server.Server.Held.Uploads);
        Assert.Equal(CoapCode.RequestEntityIncomplete, (await Put(new byte[64], Block(2, true, 2))).Code);
    }

    [Fact]
    public async Task Rfc9175_section3_3_bodies_with_different_Request_Tags_are_kept_apart()
    {
        byte[][] bodies = [RandomNumberGenerator.GetBytes(100), RandomNumberGenerator.GetBytes(100)];
        for (int half = 0; half < 2; half++)
        {
            for (byte body = 0; body < 2; body++)
            {
                CoapMessage answer = await Begin(_raw, body, half, half == 0 ? bodies[body].AsMemory(0, 64) : bodies[body].AsMemory(64), half == 0);
                Assert.True(answer.Code.IsSuccess);
                if (half == 1) Assert.Equal(bodies[body], _server.Stored("a"));
            }
        }
    }

    [Fact]
    public async Task Bodies_that_come_have_a_bound_for_a_client_and_for_all()
    {
        for (byte tag = 0; tag < 6; tag++) Assert.Equal(CoapCode.Continue, (await Begin(_raw, tag, 0, new byte[64], true)).Code);
        Assert.Equal(4 * 64, _server.Server.Held.Uploads);
        Assert.Equal(CoapCode.RequestEntityIncomplete, (await Begin(_raw, 1, 1, new byte[64], true)).Code); // the oldest went
        Assert.Equal(CoapCode.Continue, (await Begin(_raw, 5, 1, new byte[64], true)).Code);
        var others = new List<RawClient>();
        CoapCode last = CoapCode.Continue;
        while (last == CoapCode.Continue)
        {
            others.Add(new RawClient(_server.EndPoint));
            for (int number = 0; number < 30 && last == CoapCode.Continue; number++) last = (await Begin(others[^1], 0, number, new byte[64], true)).Code;
            Assert.InRange(_server.Server.Held.Uploads, 0, 5000);
        }

        Assert.Equal(CoapCode.ServiceUnavailable, last);
        others.ForEach(raw => raw.Dispose());
    }

    [Fact]
    public async Task Bodies_that_go_have_a_bound_and_a_GET_goes_on_without()
    {
        byte[] bytes = Bytes(1900);
        for (byte i = 0; i < 8; i++) await _raw.ExchangeAsync(CoapCode.Get, "store/a", options => options.Query = [$"{i}"]);
        Assert.InRange(_server.Server.Held.Downloads, 1, 5000);
        CoapMessage second = await _raw.ExchangeAsync(CoapCode.Get, "store/a", options =>
        {
            options.Query = ["0"];
            options.Block2 = Block(1, false, 2);
        });
        Assert.Equal(bytes[64..128], second.Payload.ToArray());
    }

    private static BlockOption Block(int number, bool more, int exponent) => new(number, more, exponent);

    private static Task<CoapMessage> Begin(RawClient raw, byte tag, int number, ReadOnlyMemory<byte> part, bool more) => raw.ExchangeAsync(CoapCode.Put, "store/a", options =>
    {
        options.Block1 = Block(number, more, 2);
        options.Add(CoapOptionNumber.RequestTag, new byte[] { tag });
    }, part);

    private byte[] Bytes(int length)
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(length);
        _server.Store("a", bytes);
        return bytes;
    }

    private Task<CoapMessage> Get(BlockOption? block) => _raw.ExchangeAsync(CoapCode.Get, "store/a", options => options.Block2 = block);

    private Task<CoapMessage> Put(byte[] part, BlockOption block, uint? size = null) => _raw.ExchangeAsync(CoapCode.Put, "store/a", options =>
    {
        options.Block1 = block;
        options.Size1 = size;
    }, part);
}
