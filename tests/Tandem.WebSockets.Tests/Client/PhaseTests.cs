using System.Net;
using System.Net.WebSockets;
using Tandem.WebSockets.Client;
using static Tandem.WebSockets.Tests.Client.Connecting;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>Every step to a connection has its own deadline, says that it was the one, and can be cancelled.</summary>
public sealed class PhaseTests
{
    public static TheoryData<WebSocketConnectPhase> Phases => [.. Enum.GetValues<WebSocketConnectPhase>()];

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task A_peer_that_says_nothing_is_left_at_the_deadline(WebSocketConnectPhase phase)
    {
        await using var stuck = new Stuck(phase);
        var time = new ManualClock();
        TimeSpan timeout = TimeSpan.FromSeconds(3);
        var options = new WebSocketClientOptions { TimeProvider = time, Proxy = stuck.Proxy };
        options = phase switch
        {
            WebSocketConnectPhase.Tls => options with { TlsTimeout = timeout },
            WebSocketConnectPhase.Handshake => options with { HandshakeTimeout = timeout },
            _ => options with { DialTimeout = timeout },
        };
        Task<ClientHandshakeResult> connecting = Connect(stuck.Uri, options, stuck.Dialer);
        await stuck.Reached.InTime();
        time.Advance(2.999);
        Assert.False(connecting.IsCompleted);
        time.Advance(0.001);
        WebSocketException outer = await Assert.ThrowsAsync<WebSocketException>(() => connecting);
        WebSocketConnectException failure = Assert.IsType<WebSocketConnectException>(outer.InnerException);
        Assert.IsType<TimeoutException>(failure.InnerException);
        Assert.Equal((phase, WebSocketError.Faulted), (failure.Phase, outer.WebSocketErrorCode));
        Assert.Contains($"3 s ({phase})", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, time.Timers);
        await stuck.Left.InTime();
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task Cancelling_ends_it_with_the_callers_token(WebSocketConnectPhase phase)
    {
        await using var stuck = new Stuck(phase);
        using var cancel = new CancellationTokenSource();
        Task<ClientHandshakeResult> connecting = Connect(stuck.Uri, new() { Proxy = stuck.Proxy }, stuck.Dialer, cancel.Token);
        await stuck.Reached.InTime();
        await cancel.CancelAsync();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        await stuck.Left.InTime();
    }

    [Fact]
    public async Task Nothing_is_connected_when_it_is_cancelled_before()
    {
        var dialer = new TcpDialer(TimeProvider.System) { Resolve = (_, _) => throw new InvalidOperationException("Something was looked up.") };
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Connect(new Uri("ws://name.example/"), dialer: dialer, cancellationToken: cancel.Token));
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
    }

    [Fact]
    public async Task Cancelling_while_the_body_of_a_refusal_comes_is_a_cancellation()
    {
        using var cancel = new CancellationTokenSource();
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            await peer.ReadHead();
            await peer.Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nslow");
            await cancel.CancelAsync();
            await peer.End();
        });
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Connect(server.Uri(), cancellationToken: cancel.Token));
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
    }

    [Fact]
    public async Task Trickling_does_not_move_the_deadline()
    {
        var time = new ManualClock();
        await using ScriptedServer server = ScriptedServer.Start(async peer =>
        {
            foreach (char c in ScriptedPeer.Switching(await peer.ReadHead()))
            {
                await peer.Send(c.ToString());
                time.Advance(1);
            }

            await peer.End();
        });
        Assert.IsType<TimeoutException>((await Fails(server.Uri(), new() { TimeProvider = time })).InnerException);
    }

    /// <summary>A way to a server on which one step does not end.</summary>
    private sealed class Stuck : IAsyncDisposable
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ScriptedServer _server;

        public Stuck(WebSocketConnectPhase phase)
        {
            _server = ScriptedServer.Start(async peer =>
            {
                // One byte tells that the client is in the step: of CONNECT, of the TLS hello, or of the request.
                await peer.Stream.ReadExactlyAsync(new byte[1]);
                _reached.TrySetResult();
                try
                {
                    await peer.End();
                }
                finally
                {
                    _left.TrySetResult();
                }
            });
            Uri = _server.Uri(scheme: phase == WebSocketConnectPhase.Tls ? "wss" : "ws", host: phase == WebSocketConnectPhase.Dial ? "name.example" : null);
            if (phase == WebSocketConnectPhase.Proxy) Proxy = new WebProxy(_server.Uri(scheme: "http"));
            if (phase != WebSocketConnectPhase.Dial) return;
            Dialer = new TcpDialer(TimeProvider.System)
            {
                Resolve = (_, _) =>
                {
                    _reached.TrySetResult();
                    _left.TrySetResult();
                    return new TaskCompletionSource<IPAddress[]>().Task;
                },
            };
        }

        public Uri Uri { get; }

        public IWebProxy? Proxy { get; }

        public TcpDialer? Dialer { get; }

        public Task Reached => _reached.Task;

        /// <summary>The client has closed the connection.</summary>
        public Task Left => _left.Task;

        public ValueTask DisposeAsync() => _server.DisposeAsync();
    }
}
