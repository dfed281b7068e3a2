using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Transport;

/// <summary>Client and server over UDP through a proxy that loses a fifth of all datagrams each way, doubles a tenth and has a tenth overtaken.</summary>
public sealed class LossyTransportTests
{
    // Short waits, because loopback is fast, and many tries, because much is lost.
    private static readonly CoapTransmissionOptions Timers = new()
    {
        AckTimeout = TimeSpan.FromMilliseconds(6), AckDelay = TimeSpan.FromMilliseconds(3), MaxRetransmit = 13, MaxLatency = TimeSpan.FromSeconds(20),
    };

    private static readonly CoapRateLimits NoLimits = new() { DatagramsPerSecond = 1_000_000, Burst = 1_000_000, TotalDatagramsPerSecond = 1_000_000, TotalBurst = 1_000_000 };

    private static CoapServerOptions Options => new()
    {
        EndPoint = new IPEndPoint(IPAddress.Loopback, 0), Transmission = Timers, RateLimits = NoLimits, PeerLifetime = TimeSpan.FromHours(1),
    };

    [Fact]
    public async Task A_thousand_requests_come_once_each_and_in_the_order_of_the_calls()
    {
        const int count = 1000;
        await using var server = new TestServer(Options);
        await using var proxy = new LossyProxy(server.EndPoint, seed: 1);
        await using var client = new CoapClient(proxy.EndPoint, new CoapClientOptions { Transmission = Timers });
        // All at once: the client has them wait for their turns.
        Task<CoapResponse>[] calls = [.. Enumerable.Range(0, count).Select(i => client.SendAsync(new CoapRequest(CoapCode.Put, "log") { Payload = Encoding.UTF8.GetBytes($"{i}") }))];
        CoapResponse[] responses = await Task.WhenAll(calls).WaitAsync(TimeSpan.FromMinutes(4));
        Assert.All(responses, response => Assert.Equal(CoapCode.Changed, response.Code));
        Assert.Equal(Enumerable.Range(0, count).Select(i => $"{i}"), server.Log);
        Assert.True(proxy.Counts is { Lost: > count / 5, Doubled: > count / 20, Held: > count / 20 }, $"The proxy has lost its power: {proxy.Counts}");
        Assert.True(server.Server.Statistics.Duplicates > count / 20, "No duplicate came to the server.");
    }

    [Fact]
    public async Task Bodies_in_blocks_come_whole_both_ways()
    {
        await using var server = new TestServer(Options);
        await using var proxy = new LossyProxy(server.EndPoint, seed: 2);
        await using var client = new CoapClient(proxy.EndPoint, new CoapClientOptions { Transmission = Timers });
        byte[] bytes = RandomNumberGenerator.GetBytes(100_001);
        CoapResponse put = await client.SendAsync(new CoapRequest(CoapCode.Put, "store/a") { Payload = bytes }).WaitAsync(TimeSpan.FromMinutes(4));
        Assert.Equal(CoapCode.Created, put.Code);
        Assert.Equal(bytes, server.Stored("a"));
        CoapResponse got = await client.SendAsync(new CoapRequest(CoapCode.Get, "store/a")).WaitAsync(TimeSpan.FromMinutes(4));
        Assert.Equal(bytes, got.Payload.ToArray());
    }

    [Fact]
    public async Task The_latest_state_arrives_and_none_comes_after_a_fresher_one()
    {
        const int last = 300;
        await using var server = new TestServer(Options);
        await using var proxy = new LossyProxy(server.EndPoint, seed: 3);
        await using var client = new CoapClient(proxy.EndPoint, new CoapClientOptions { Transmission = Timers });
        var states = new ConcurrentQueue<int>();
        Task observing = Task.Run(async () =>
        {
            await foreach (CoapResponse state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "state")))
            {
                states.Enqueue(int.Parse(state.ReadText().Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture));
                if (states.Last() == last) break;
            }
        });
        await Eventually.True(() => !states.IsEmpty, "the first state");
        for (int i = 1; i <= last; i++)
        {
            int before = states.Count;
            server.Change();
            if (i % 10 == 0) await Eventually.True(() => states.Count > before, "another state");
        }

        await observing.WaitAsync(TimeSpan.FromMinutes(4));
        Assert.Equal(states.Order(), states);
        Assert.True(states.Count > 10, $"Only {states.Count} states came.");
        await Eventually.True(() => server.State.ObserverCount == 0, "the end of the observation");
    }
}
