using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>Options out of their range are refused by name, before anything is connected.</summary>
public sealed class ClientOptionsTests
{
    public static TheoryData<string, WebSocketClientOptions> Wrong => new()
    {
        { "Subprotocols", new() { Subprotocols = null! } },
        { "Subprotocols", new() { Subprotocols = ["a", null!] } },
        { "Subprotocols", new() { Subprotocols = ["a", "b", "a"] } },
        { "Headers", new() { Headers = null! } },
        { "Headers", new() { Headers = [default] } },
        { "DialTimeout", new() { DialTimeout = TimeSpan.Zero } },
        { "DialTimeout", new() { DialTimeout = TimeSpan.MaxValue } },
        { "TlsTimeout", new() { TlsTimeout = TimeSpan.FromSeconds(-2) } },
        { "HandshakeTimeout", new() { HandshakeTimeout = TimeSpan.FromDays(50) } },
        { "TimeProvider", new() { TimeProvider = null! } },
        { "Connection", new() { Connection = null! } },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public async Task A_value_out_of_range_is_refused_by_its_name(string name, WebSocketClientOptions options)
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => Connect(new Uri("ws://127.0.0.1:1/"), options));
        Assert.StartsWith($"WebSocketClientOptions.{name} must ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_open_connection_would_refuse_is_refused_before_there_is_one()
    {
        var options = new WebSocketClientOptions { Connection = new() { ReceiveBufferSize = 1 } };
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => Connect(new Uri("ws://127.0.0.1:1/"), options));
        Assert.Contains("ReceiveBufferSize", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_wait_has_a_deadline_by_default()
    {
        var options = new WebSocketClientOptions();
        Assert.All([options.DialTimeout, options.TlsTimeout, options.HandshakeTimeout], wait => Assert.Equal(TimeSpan.FromSeconds(10), wait));
        Assert.Null(options.Proxy);
    }

    [Fact]
    public async Task No_deadline_and_the_longest_one_are_accepted()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer => await peer.Send(ScriptedPeer.Switching(await peer.ReadHead())));
        foreach (TimeSpan wait in (TimeSpan[])[Timeout.InfiniteTimeSpan, TimeSpan.FromDays(49)])
        {
            (await Connect(server.Uri(), new() { DialTimeout = wait, HandshakeTimeout = wait })).Stream.Dispose();
        }
    }
}
