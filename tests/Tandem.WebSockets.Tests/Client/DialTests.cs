using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Tandem.WebSockets.Client;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>Happy Eyeballs (RFC 8305): the first address that answers wins, and nothing of the others stays open.</summary>
public sealed class DialTests
{
    [Theory]
    [InlineData("1.0.0.1 1.0.0.2", "1.0.0.1 1.0.0.2")]
    [InlineData("::1 ::2 ::3 1.0.0.1", "::1 1.0.0.1 ::2 ::3")]
    [InlineData("1.0.0.1 1.0.0.2 ::1 ::2 ::3", "1.0.0.1 ::1 1.0.0.2 ::2 ::3")]
    public void The_families_take_turns_and_the_preferred_one_begins(string found, string tried) =>
        Assert.Equal(tried.Split(' '), TcpDialer.Interleave([.. found.Split(' ').Select(IPAddress.Parse)]).Select(address => address.ToString()));

    [Fact]
    public async Task A_dead_address_does_not_keep_the_client_from_a_living_one()
    {
        await using ScriptedServer server = ScriptedServer.Start(async peer => await peer.Send(ScriptedPeer.Switching(await peer.ReadHead())));
        await using Stream stream = (await Connect(server.Uri(host: "name.example"), dialer: Names("127.0.0.2", "127.0.0.3", "127.0.0.1"))).Stream;
    }

    [Fact]
    public async Task IPv6_is_spoken()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6 && HasIPv6Loopback(), "There is no IPv6 here.");
        string? head = null;
        await using ScriptedServer server = ScriptedServer.Start(
            async peer =>
            {
                head = await peer.ReadHead();
                await peer.Send(ScriptedPeer.Switching(head));
            },
            IPAddress.IPv6Loopback);
        await using Stream stream = (await Connect(server.Uri(host: "[::1]"))).Stream;
        Assert.Equal($"[::1]:{server.EndPoint.Port}", ScriptedPeer.Field(head!, "Host"));
    }

    [Fact]
    public async Task When_no_address_answers_the_failure_names_them_all()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Any, 0)); // bound, but nobody listens
        int port = ((IPEndPoint)closed.LocalEndPoint!).Port;
        WebSocketConnectException failure = await Fails(new Uri($"ws://name.example:{port}/"), dialer: Names("127.0.0.2", "127.0.0.3"));
        SocketException cause = Assert.IsType<SocketException>(failure.InnerException);
        Assert.Equal((WebSocketConnectPhase.Dial, SocketError.ConnectionRefused), (failure.Phase, cause.SocketErrorCode));
        Assert.Contains($"127.0.0.2:{port}: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.3:{port}: ", failure.Message, StringComparison.Ordinal);
        Assert.Null(failure.Fault);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_name_without_addresses_is_a_failure_to_dial(bool empty)
    {
        var dialer = new TcpDialer(TimeProvider.System)
        {
            Resolve = (_, _) => empty ? Task.FromResult<IPAddress[]>([]) : Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound)),
        };
        WebSocketConnectException failure = await Fails(new Uri("ws://name.example/"), dialer: dialer);
        Assert.Equal(WebSocketConnectPhase.Dial, failure.Phase);
        Assert.Equal(SocketError.HostNotFound, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
        Assert.StartsWith("No connection could be made: name.example has no address that is known here: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_next_attempt_begins_after_250_ms_and_the_others_go_on()
    {
        var race = new Race(3);
        Attempt first = await race.Next();
        race.Time.Advance(0.249);
        Assert.False(race.HasNext);
        race.Time.Advance(0.001);
        Attempt second = await race.Next();
        await Eventually.True(() => race.Time.Timers == 1, "the wait for the third");
        race.Time.Advance(0.25);
        Attempt third = await race.Next();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        first.Done.SetResult(socket); // the slowest to begin with may still win
        Assert.Same(socket, await race.Result.InTime());
        Assert.True(second.Token.IsCancellationRequested && third.Token.IsCancellationRequested);
        Assert.Equal(0, race.Time.Timers);
    }

    [Fact]
    public async Task The_next_attempt_begins_at_once_when_one_fails()
    {
        var race = new Race(2);
        (await race.Next()).Done.SetException(new SocketException((int)SocketError.HostUnreachable));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        (await race.Next()).Done.SetResult(socket); // the clock has not moved
        Assert.Same(socket, await race.Result.InTime());
    }

    [Fact]
    public async Task A_second_connection_that_is_made_at_the_same_moment_is_closed()
    {
        var race = new Race(2, endsWhenCancelled: false);
        Attempt first = await race.Next();
        race.Time.Advance(0.25);
        Attempt second = await race.Next();
        using var winner = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var loser = new Socket(SocketType.Stream, ProtocolType.Tcp);
        second.Done.SetResult(winner);
        await Eventually.True(() => first.Token.IsCancellationRequested, "the first attempt is given up");
        first.Done.SetResult(loser);
        Assert.Same(winner, await race.Result.InTime());
        Assert.True(loser.SafeHandle.IsClosed);
        Assert.False(winner.SafeHandle.IsClosed);
    }

    [Fact]
    public async Task Cancellation_ends_all_attempts()
    {
        var race = new Race(3);
        Attempt first = await race.Next();
        race.Time.Advance(0.25);
        Attempt second = await race.Next();
        await race.Cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => race.Result.InTime());
        Assert.True(first.Done.Task.IsCanceled && second.Done.Task.IsCanceled);
        Assert.False(race.HasNext);
    }

    [Fact]
    public async Task A_hostile_name_with_thousands_of_addresses_is_tried_64_times()
    {
        int attempts = 0;
        var dialer = new TcpDialer(TimeProvider.System)
        {
            Resolve = (_, _) => Task.FromResult<IPAddress[]>([.. Enumerable.Range(1, 4000).Select(i => new IPAddress(i))]),
            Connect = (_, _) =>
            {
                attempts++;
                return Task.FromException<Socket>(new SocketException((int)SocketError.ConnectionRefused));
            },
        };
        await Fails(new Uri("ws://name.example/"), dialer: dialer);
        Assert.Equal(64, attempts);
    }

    private static bool HasIPv6Loopback()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private sealed record Attempt(TaskCompletionSource<Socket> Done, CancellationToken Token);

    /// <summary>A dial whose attempts end when the test says so.</summary>
    private sealed class Race
    {
        private readonly Channel<Attempt> _attempts = Channel.CreateUnbounded<Attempt>();

        public Race(int addresses, bool endsWhenCancelled = true)
        {
            var dialer = new TcpDialer(Time)
            {
                Resolve = (_, _) => Task.FromResult<IPAddress[]>([.. Enumerable.Range(1, addresses).Select(i => new IPAddress(i))]),
                Connect = (_, token) =>
                {
                    var attempt = new Attempt(new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously), token);
                    if (endsWhenCancelled) token.Register(() => attempt.Done.TrySetCanceled(token));
                    _attempts.Writer.TryWrite(attempt);
                    return attempt.Done.Task;
                },
            };
            Result = dialer.DialAsync("name.example", 80, Cancel.Token);
        }

        public ManualClock Time { get; } = new();

        public CancellationTokenSource Cancel { get; } = new();

        public Task<Socket> Result { get; }

        public bool HasNext => _attempts.Reader.TryPeek(out _);

        /// <summary>The next attempt, once it is made and the timer behind it, when there is one to come, is set.</summary>
        public Task<Attempt> Next() => _attempts.Reader.ReadAsync().AsTask().InTime();
    }
}
