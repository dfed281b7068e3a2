using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Tandem.WebSockets.Tests.Support;

namespace Tandem.WebSockets.Tests.ClientLoop;

/// <summary>A <see cref="WebSocketClientLoop"/> and what its handler has been told, with lambdas for what it is to do.</summary>
internal sealed class LoopClient : WebSocketClientHandler, IAsyncDisposable
{
    private WebSocketClientLoop? _loop;
    private long _turns;

    public Action<WebSocketPeer>? Open { get; set; }

    public TestHandler.PayloadAction? Message { get; set; }

    public Action<WebSocketPeer>? Drain { get; set; }

    public Func<TimeSpan>? Turn { get; set; }

    public Action<object?>? Failed { get; set; }

    public ConcurrentQueue<WebSocketPeer> Opened { get; } = new();

    public ConcurrentQueue<(WebSocketMessageType Type, byte[] Payload)> Messages { get; } = new();

    public ConcurrentQueue<(WebSocketPeer Peer, CloseCause Cause)> Closed { get; } = new();

    public ConcurrentQueue<(object? State, WebSocketConnectException Failure)> Failures { get; } = new();

    public ConcurrentQueue<(WebSocketPeer? Peer, Exception Exception)> Errors { get; } = new();

    public ConcurrentQueue<string> Pongs { get; } = new();

    public WebSocketClientLoop Loop => _loop!;

    /// <summary>Limits that no test of something else comes near.</summary>
    public static WebSocketClientOptions Options { get; } = new();

    public LoopClient Start(TestServer server, WebSocketClientOptions? options = null) => Start(new Uri($"ws://{server.EndPoint}/ws"), server.EndPoint, options);

    public LoopClient Start(Client.ScriptedServer server, WebSocketClientOptions? options = null) => Start(server.Uri(), server.EndPoint, options);

    public LoopClient Start(Uri uri, IPEndPoint endPoint, WebSocketClientOptions? options = null)
    {
        _loop = new WebSocketClientLoop(uri, endPoint, this, options ?? Options);
        return this;
    }

    /// <summary>Opens a connection, and waits until it is open.</summary>
    public async Task<WebSocketPeer> Connect()
    {
        int before = Opened.Count;
        Loop.Connect();
        await Eventually.True(() => Opened.Count > before || !Failures.IsEmpty, "a connection");
        Assert.Empty(Failures.Select(failure => failure.Failure.Message));
        return Opened.Last();
    }

    /// <summary>Opens a connection that does not come to be.</summary>
    public async Task<WebSocketConnectException> ConnectInVain()
    {
        Loop.Connect("its state");
        await Eventually.True(() => !Failures.IsEmpty || !Opened.IsEmpty, "OnConnectFailed");
        Assert.Empty(Opened);
        (object? state, WebSocketConnectException failure) = Assert.Single(Failures);
        Assert.Equal("its state", state);
        await Eventually.Equal(0, () => Loop.ConnectionCount, "ConnectionCount");
        return failure;
    }

    /// <summary>Waits until the loop has taken so many turns.</summary>
    public async Task Turns(int count)
    {
        long until = Interlocked.Read(ref _turns) + count;
        await Eventually.True(() => Interlocked.Read(ref _turns) >= until, "turns of the loop");
    }

    public async Task<CloseCause> End()
    {
        await Eventually.True(() => !Closed.IsEmpty, "OnClose");
        return Assert.Single(Closed).Cause;
    }

    public async Task<string> Text()
    {
        await Eventually.True(() => !Messages.IsEmpty || !Closed.IsEmpty, "a message");
        Assert.True(Messages.TryDequeue(out (WebSocketMessageType Type, byte[] Payload) message), $"Closed instead: {Closed.FirstOrDefault().Cause}");
        Assert.Equal(WebSocketMessageType.Text, message.Type);
        return Encoding.UTF8.GetString(message.Payload);
    }

    public override void OnOpen(WebSocketPeer peer)
    {
        Open?.Invoke(peer);
        Opened.Enqueue(peer);
    }

    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        if (Message is null) Messages.Enqueue((type, payload.ToArray()));
        else Message(peer, type, payload);
    }

    public override void OnPong(WebSocketPeer peer, ReadOnlySpan<byte> payload) => Pongs.Enqueue(Encoding.UTF8.GetString(payload));

    public override void OnDrain(WebSocketPeer peer) => Drain?.Invoke(peer);

    public override void OnClose(WebSocketPeer peer, in CloseCause cause) => Closed.Enqueue((peer, cause));

    public override void OnConnectFailed(object? state, WebSocketConnectException failure)
    {
        Failures.Enqueue((state, failure));
        Failed?.Invoke(state);
    }

    public override TimeSpan OnTurn()
    {
        Interlocked.Increment(ref _turns);
        return Turn?.Invoke() ?? base.OnTurn();
    }

    public override void OnError(WebSocketPeer? peer, Exception exception) => Errors.Enqueue((peer, exception));

    public async ValueTask DisposeAsync()
    {
        if (_loop is null) return;
        using var hurry = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _loop.StopAsync(hurry.Token).InTime();
        Assert.Equal(0, _loop.ConnectionCount);
        Assert.Equal(Opened.Count, Closed.Count);
        Assert.Equal(Opened.Count, Closed.Select(closed => closed.Peer).Distinct().Count());
    }
}
