using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.Handshake;

/// <summary>RFC 6455 section 10.2: which pages may connect.</summary>
public sealed class OriginTests
{
    [Theory]
    [InlineData("localhost", "http://localhost", true)]
    [InlineData("localhost:8080", "http://localhost:8080", true)]
    [InlineData("LocalHost:8080", "HTTP://localhost:8080", true)]
    [InlineData("localhost:80", "http://localhost", true)]
    [InlineData("localhost", "http://localhost:80", true)]
    [InlineData("localhost:443", "https://localhost", true)]
    [InlineData("localhost", "https://localhost:443", true)]
    [InlineData("[::1]:8080", "http://[::1]:8080", true)]
    [InlineData("localhost:8080", "http://localhost", false)]
    [InlineData("localhost", "http://localhost:443", false)]
    [InlineData("localhost", "https://localhost:80", false)]
    [InlineData("localhost", "http://localhost.example", false)]
    [InlineData("localhost", "http://elsewhere", false)]
    [InlineData("localhost", "null", false)]
    [InlineData("localhost", "localhost", false)]
    public Task By_default_pages_of_the_same_host_and_port_may_connect(string host, string origin, bool allowed) =>
        Check(OriginPolicy.SameHost, host, origin, allowed);

    [Theory]
    [InlineData("https://friend.example", true)]
    [InlineData("HTTPS://Friend.Example", true)]
    [InlineData("http://localhost", true)]
    [InlineData("http://friend.example", false)]
    [InlineData("https://friend.example:444", false)]
    [InlineData("null", false)]
    public Task A_list_lets_in_its_own_and_the_same_host(string origin, bool allowed) =>
        Check(OriginPolicy.SameHostOr("https://friend.example", "http://localhost:3000"), "localhost", origin, allowed);

    [Theory]
    [InlineData("null")]
    [InlineData("https://elsewhere")]
    public Task Any_lets_everybody_in(string origin) => Check(OriginPolicy.Any, "localhost", origin, true);

    [Fact]
    public async Task A_client_without_Origin_is_no_browser_and_passes()
    {
        await using TestServer server = TestServer.Start(new TestHandler());
        using RawClient client = await server.Open();
    }

    [Theory]
    [InlineData("friend.example")]
    [InlineData("https://friend.example/")]
    [InlineData("https://friend.example/path")]
    [InlineData("")]
    public void What_is_no_origin_is_not_accepted_into_a_list(string origin) =>
        Assert.Throws<ArgumentException>("origins", () => OriginPolicy.SameHostOr(origin));

    [Fact]
    public async Task A_policy_that_throws_is_500_and_reported_and_the_loop_lives()
    {
        var handler = new TestHandler();
        await using TestServer server = TestServer.Start(handler, Options(new Broken(), handler));
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request("/ws", "Origin: http://localhost"));
        Assert.StartsWith("HTTP/1.1 500 ", await client.ReadToEnd(), StringComparison.Ordinal);
        Assert.Equal("the policy is broken", Assert.Single(handler.Errors).Exception.Message);
        using RawClient other = await server.Open();
    }

    private static WebSocketServerOptions Options(OriginPolicy policy, TestHandler handler) =>
        new() { EndPoints = TestServer.AnyPort, Loops = 1, Origins = policy, OnError = handler.Error };

    private static async Task Check(OriginPolicy policy, string host, string origin, bool allowed)
    {
        var handler = new TestHandler();
        await using TestServer server = TestServer.Start(handler, Options(policy, handler));
        using RawClient client = await server.Connect();
        await client.Send(Wire.Request("/ws", "Origin: " + origin).Replace("Host: localhost", "Host: " + host, StringComparison.Ordinal));
        Assert.StartsWith(allowed ? "HTTP/1.1 101 " : "HTTP/1.1 403 ", await client.ReadHead(), StringComparison.Ordinal);
        client.Dispose();
    }

    private sealed class Broken : OriginPolicy
    {
        protected override bool AllowsOrigin(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host) =>
            throw new InvalidOperationException("the policy is broken");
    }
}
