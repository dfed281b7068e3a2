using System.Net;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Drafts;

namespace Tandem.WebSockets.Tests.Serving;

/// <summary>Options out of their range are refused by name, at construction.</summary>
public sealed class OptionsTests
{
    public static TheoryData<string, WebSocketServerOptions> Wrong
    {
        get
        {
            TimeSpan negative = TimeSpan.FromSeconds(-2);
            return new TheoryData<string, WebSocketServerOptions>
            {
                { "EndPoints", new() { EndPoints = null! } },
                { "EndPoints", new() { EndPoints = [new IPEndPoint(IPAddress.Loopback, 0), null!] } },
                { "Loops", new() { Loops = 0 } },
                { "Loops", new() { Loops = 1025 } },
                { "Drafts", new() { Drafts = (WebSocketDrafts)16 } },
                { "Backlog", new() { Backlog = 0 } },
                { "MaxConnections", new() { MaxConnections = 0 } },
                { "MaxConnectionsPerAddress", new() { MaxConnectionsPerAddress = 0 } },
                { "HandshakeTimeout", new() { HandshakeTimeout = TimeSpan.Zero } },
                { "KeepAliveInterval", new() { KeepAliveInterval = negative } },
                { "KeepAliveTimeout", new() { KeepAliveTimeout = negative } },
                { "IdleTimeout", new() { IdleTimeout = TimeSpan.Zero } },
                { "CloseTimeout", new() { CloseTimeout = TimeSpan.Zero } },
                { "StopTimeout", new() { StopTimeout = negative } },
                { "TickInterval", new() { TickInterval = TimeSpan.Zero } },
                { "TickInterval", new() { TickInterval = TimeSpan.FromHours(2) } },
                { "TickInterval", new() { TickInterval = Timeout.InfiniteTimeSpan } },
                { "MaxMessageSize", new() { MaxMessageSize = -1 } },
                { "MaxMessageSize", new() { MaxMessageSize = (1 << 30) + 1 } },
                { "MaxBufferedBytes", new() { MaxBufferedBytes = -1 } },
                { "DeflateMemoryBudget", new() { DeflateMemoryBudget = -1 } },
                { "OverflowPolicy", new() { OverflowPolicy = (OverflowPolicy)2 } },
                { "ReceivePauseBytes", new() { ReceivePauseBytes = -1 } },
                { "ReceiveBufferSize", new() { ReceiveBufferSize = (16 * 1024) - 1 } },
                { "Origins", new() { Origins = null! } },
                { "TimeProvider", new() { TimeProvider = null! } },
                { "Telemetry", new() { Telemetry = null! } },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void A_value_out_of_range_is_refused_by_its_name(string name, WebSocketServerOptions options) =>
        Assert.StartsWith($"WebSocketServerOptions.{name} must ", Assert.Throws<ArgumentException>(() => new WebSocketServer(options)).Message, StringComparison.Ordinal);

    [Fact]
    public void Wrong_options_of_compression_are_refused_by_their_own_name() =>
        Assert.StartsWith(
            "DeflateOptions.Level must ",
            Assert.Throws<ArgumentException>(() => new WebSocketServer(new WebSocketServerOptions { Deflate = new DeflateOptions { Level = 0 } })).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Every_option_with_a_range_has_a_case()
    {
        // Those that may be anything, callbacks that are there or not; and one with options of its own, which name themselves.
        string[] free =
        [
            nameof(WebSocketServerOptions.Deflate),
            nameof(WebSocketServerOptions.OnError),
            nameof(WebSocketServerOptions.OnRefused),
            nameof(WebSocketServerOptions.OnClosed),
            nameof(WebSocketServerOptions.OnUnclaimed),
        ];
        Assert.Equal(
            typeof(WebSocketServerOptions).GetProperties().Select(property => property.Name).Except(free).Order(StringComparer.Ordinal),
            Wrong.Select(row => row.Data.Item1).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_extremes_that_are_allowed_are_accepted()
    {
        await using var least = new WebSocketServer(new WebSocketServerOptions
        {
            EndPoints = [], Loops = 1, Backlog = 1, MaxConnections = 1, MaxConnectionsPerAddress = 1, MaxMessageSize = 0, MaxBufferedBytes = 0,
            ReceivePauseBytes = 0, ReceiveBufferSize = 16 * 1024, TickInterval = TimeSpan.FromMilliseconds(1), CloseTimeout = TimeSpan.FromTicks(1),
        });
        await using var most = new WebSocketServer(new WebSocketServerOptions
        {
            MaxMessageSize = 1 << 30, MaxBufferedBytes = int.MaxValue, TickInterval = TimeSpan.FromHours(1), HandshakeTimeout = Timeout.InfiniteTimeSpan,
            KeepAliveInterval = Timeout.InfiniteTimeSpan, KeepAliveTimeout = TimeSpan.MaxValue, StopTimeout = Timeout.InfiniteTimeSpan,
        });
    }
}
