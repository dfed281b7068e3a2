using System.Net;
using Tandem.Coap.Exchanges;
using Tandem.Coap.Limits;
using static Tandem.Coap.Tests.Support.Exchange;

namespace Tandem.Coap.Tests.Limits;

/// <summary>RFC 7252 section 11: how much of what comes is looked at.</summary>
public sealed class RateLimitTests
{
    private static readonly CoapRateLimits Limits = new() { DatagramsPerSecond = 10, Burst = 20, TotalDatagramsPerSecond = 100, TotalBurst = 1000, MaxTrackedAddresses = 50 };

    [Fact]
    public void An_address_has_its_burst_and_then_its_rate()
    {
        var limiter = new RateLimiter(Limits);
        Assert.Equal(20, Taken(limiter, Other, 100, 0));
        Assert.Equal(0, Taken(limiter, Other, 100, 0.05));
        Assert.Equal(10, Taken(limiter, Other, 100, 1.05));
        Assert.Equal(20, Taken(limiter, Other, 100, 100));
    }

    [Fact]
    public void The_ports_of_an_address_count_together_and_so_do_the_addresses_of_a_64_bit_prefix()
    {
        var limiter = new RateLimiter(Limits);
        Assert.Equal(20, Enumerable.Range(1, 100).Count(port => limiter.TryTake(Other with { Port = (ushort)port }, default)));
        Assert.Equal(20, Enumerable.Range(1, 100).Count(host => limiter.TryTake(Of($"2001:db8::{host:x}"), default)));
        Assert.True(limiter.TryTake(Of("2001:db8:0:1::1"), default));
        Assert.True(limiter.TryTake(Other with { Address = Other.Address + 1 }, default));
    }

    [Fact]
    public void What_one_address_may_not_send_is_not_taken_from_all()
    {
        var limiter = new RateLimiter(Limits);
        Taken(limiter, Other, 100_000, 0);
        Assert.Equal(20, Taken(limiter, Other with { Address = Other.Address + 1 }, 100, 0));
    }

    [Fact]
    public void All_addresses_together_have_a_burst_and_a_rate()
    {
        var limiter = new RateLimiter(new CoapRateLimits { DatagramsPerSecond = 10, Burst = 20, TotalDatagramsPerSecond = 50, TotalBurst = 100 });
        Assert.Equal(100, Enumerable.Range(0, 500).Count(i => limiter.TryTake(Other with { Address = Other.Address + (UInt128)i }, default)));
        Assert.Equal(50, Enumerable.Range(0, 500).Count(i => limiter.TryTake(Other with { Address = Other.Address + (UInt128)i }, TimeSpan.FromSeconds(1))));
    }

    [Fact]
    public void The_table_has_a_bound_those_beyond_share_a_bucket_and_full_ones_make_room()
    {
        var limiter = new RateLimiter(Limits);
        for (int i = 0; i < 50; i++) limiter.TryTake(Other with { Address = Other.Address + (UInt128)i }, default);
        Assert.Equal(20, Enumerable.Range(1000, 100).Count(i => limiter.TryTake(Other with { Address = Other.Address + (UInt128)i }, default)));
        Assert.Equal(50, limiter.Tracked);
        Assert.Equal(20, Enumerable.Range(2000, 20).Count(i => limiter.TryTake(Other with { Address = Other.Address + (UInt128)i }, TimeSpan.FromSeconds(30))));
        Assert.Equal(20, limiter.Tracked);
    }

    [Fact]
    public void What_is_above_is_dropped_without_an_answer_and_counted()
    {
        var table = new ExchangeTable(new ExchangeSettings { Transmission = new CoapTransmissionOptions(), RateLimits = Limits }, new Random(1));
        byte[] ping = new CoapMessage(CoapType.Confirmable, CoapCode.Empty, 7).ToArray();
        for (int sent = 0; sent < 100; sent++) table.Receive(Other, ping, default);
        Assert.Equal((20, 80L), (table.Outbox.Count, table.Statistics.RateLimited));
    }

    private static int Taken(RateLimiter limiter, CoapAddress from, int tries, double seconds) =>
        Enumerable.Range(0, tries).Count(_ => limiter.TryTake(from, TimeSpan.FromSeconds(seconds)));

    private static CoapAddress Of(string address) => CoapAddress.From(new IPEndPoint(IPAddress.Parse(address), 1));
}
