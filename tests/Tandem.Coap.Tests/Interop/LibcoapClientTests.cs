using System.Net;
using System.Security.Cryptography;
using Tandem.Coap.Tests.Support;

namespace Tandem.Coap.Tests.Interop;

/// <summary>libcoap's client against our server. It knows Echo (RFC 9175), and sends requests that are shorter than their challenge, so the server allows for that.</summary>
public sealed class LibcoapClientTests : IAsyncLifetime
{
    private static readonly CoapServerOptions Options = new() { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), MaxAmplification = 3 };

    private readonly TemporaryDirectory _directory = new();
    private TestServer? _server;

    private TestServer Server => _server!;

    public ValueTask InitializeAsync()
    {
        Programs.Require();
        _server = new TestServer(Options);
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task It_gets_after_it_has_proved_its_address()
    {
        (string output, string errors) = await Programs.RunClientAsync("-B", "60", $"{Server.Uri}/hello");
        Assert.Equal("Hello, beston", output.TrimEnd('\n'));
        Assert.Equal("", errors);
        // Another for each time that it sends its request again, as it does after 2 s.
        Assert.True(Server.Server.Statistics.Challenges >= 1);
    }

    [Fact]
    public async Task It_lists_the_resources()
    {
        (string output, _) = await Programs.RunClientAsync("-B", "60", $"{Server.Uri}/.well-known/core");
        Assert.Equal("</broken>,</hello>,</log>,</slow>,</state>;obs", output.TrimEnd('\n'));
    }

    [Theory]
    [InlineData("put")]
    [InlineData("post")]
    public async Task It_stores(string method)
    {
        (string output, _) = await Programs.RunClientAsync("-B", "60", "-m", method, "-e", "something", $"{Server.Uri}/store/a");
        Assert.Equal("", output);
        Assert.Equal("something"u8.ToArray(), Server.Stored("a"));
    }

    [Fact]
    public async Task It_gets_a_separate_response()
    {
        Task<(string Output, string Errors)> running = Programs.RunClientAsync("-B", "60", $"{Server.Uri}/slow");
        // The request has come, and its acknowledgement is on its way after a second.
        await Eventually.True(() => Server.Server.Statistics.Sent >= 2, "an acknowledgement without a response");
        Server.Slow.SetResult();
        Assert.Equal("at last", (await running).Output.TrimEnd('\n'));
    }

    [Fact]
    public async Task It_is_told_of_errors()
    {
        (_, string errors) = await Programs.RunClientAsync("-B", "60", $"{Server.Uri}/nothing");
        Assert.StartsWith("4.04", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_observes()
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<(string Output, string Errors)> running = Programs.RunClientUntilAsync(seen.Task, "-w", "-s", "90", "-B", "90", $"{Server.Uri}/state");
        // Whoever is counted has not been answered yet: the state changes when the first one is what the answer has.
        await Eventually.True(() => Server.Rendered.Contains("state 0"), "the first state");
        Server.Change();
        await Eventually.True(() => Server.Acknowledged.Contains("state 1"), "the acknowledgement of the first notification");
        Server.Change();
        await Eventually.True(() => Server.Acknowledged.Contains("state 2"), "the acknowledgement of the second notification");
        seen.SetResult();
        // It writes a line for each datagram: more when one is sent again because its acknowledgement took long.
        string[] states = (await running).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["state 0", "state 1", "state 2"], states.Distinct());
        await Eventually.Equal(1, () => Server.Ended.Count, "the number of observations that have ended");
        Assert.Equal([CoapObservationEnd.Cancelled], Server.Ended);
        Assert.Equal(0, Server.State.ObserverCount);
    }

    // A list of the datagrams that are lost, or how many of them.
    [Theory]
    [InlineData("0%", 1)]
    [InlineData("1,5,40,41,98", 1)]
    [InlineData("20%", 5)]
    public async Task It_puts_and_gets_100_KB_in_blocks(string loss, int speed)
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(100_000);
        string from = _directory.File("from");
        string to = _directory.File("to");
        await File.WriteAllBytesAsync(from, bytes);
        Server.Store("down", bytes);
        Task<(string Output, string Errors)> RunAsync(params string[] arguments)
        {
            string[] all = ["-v", "7", "-l", loss, "-B", "900", "-b", "1024", .. arguments];
            return speed == 1 ? Programs.RunClientAsync(all) : Programs.RunHurriedClientAsync(speed, all);
        }

        Task<(string Output, string Errors)> up = RunAsync("-m", "put", "-f", from, $"{Server.Uri}/store/up");
        Task<(string Output, string Errors)> down = RunAsync("-o", to, $"{Server.Uri}/store/down");
        await Task.WhenAll(up, down);
        Assert.Equal(bytes, Server.Stored("up"));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(to));
        // It says what it loses: of some 125 datagrams about a fifth, each of which cost a repetition.
        int least = loss == "0%" ? 0 : loss == "20%" ? 15 : 5;
        Assert.All((string[])[(await up).Output + (await up).Errors, (await down).Output + (await down).Errors], said => Assert.InRange(said.Split(" dropped").Length - 1, least, 2 * least));
    }
}
