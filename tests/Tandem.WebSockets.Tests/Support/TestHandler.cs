using System.Collections.Concurrent;
using System.Net.WebSockets;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.Tests.Support;

/// <summary>
/// A handler made of lambdas that records what happens, and that no callback runs within another one of the same thread.
/// </summary>
internal sealed class TestHandler : WebSocketHandler
{
    [ThreadStatic]
    private static int Depth;

    private int _nested;

    public delegate void UpgradeAction(in UpgradeRequest request, UpgradeContext context);

    public delegate void PayloadAction(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload);

    public delegate void PartAction(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> part, bool endOfMessage);

    public delegate void CloseAction(WebSocketPeer peer, CloseCause cause);

    public UpgradeAction? Upgrade { get; set; }

    public Action<WebSocketPeer>? Open { get; set; }

    public PayloadAction? Message { get; set; }

    public PartAction? Part { get; set; }

    public PayloadAction? Pong { get; set; }

    public Action<WebSocketPeer>? Drain { get; set; }

    public Action<WebSocketPeer>? Notified { get; set; }

    public CloseAction? Close { get; set; }

    public ConcurrentQueue<WebSocketPeer> Opened { get; } = new();

    public ConcurrentQueue<(WebSocketPeer Peer, CloseCause Cause)> Closed { get; } = new();

    public ConcurrentQueue<(WebSocketPeer? Peer, Exception Exception)> Errors { get; } = new();

    /// <summary>How many callbacks ran within another one.</summary>
    public int Nested => Volatile.Read(ref _nested);

    /// <summary>The only connection there was so far.</summary>
    public WebSocketPeer Peer => Assert.Single(Opened);

    /// <summary>Sends back what comes.</summary>
    public static TestHandler Echo() => new() { Message = (peer, type, payload) => peer.Send(type, payload) };

    /// <summary>For <see cref="WebSocketServerOptions.OnError"/>.</summary>
    public void Error(WebSocketPeer? peer, Exception exception) => Errors.Enqueue((peer, exception));

    /// <summary>Waits for the end of the only connection.</summary>
    public async Task<CloseCause> CloseCause()
    {
        await Eventually.True(() => !Closed.IsEmpty, "OnClose");
        return Assert.Single(Closed).Cause;
    }

    public override void OnUpgrade(in UpgradeRequest request, UpgradeContext context)
    {
        Enter();
        try
        {
            Upgrade?.Invoke(in request, context);
        }
        finally
        {
            Depth--;
        }
    }

    public override void OnOpen(WebSocketPeer peer)
    {
        Opened.Enqueue(peer);
        Run(() => Open?.Invoke(peer), Open is not null);
    }

    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        Enter();
        try
        {
            Message?.Invoke(peer, type, payload);
        }
        finally
        {
            Depth--;
        }
    }

    public override void OnMessagePart(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> part, bool endOfMessage)
    {
        Enter();
        try
        {
            if (Part is null) base.OnMessagePart(peer, type, part, endOfMessage);
            else Part(peer, type, part, endOfMessage);
        }
        finally
        {
            Depth--;
        }
    }

    public override void OnPong(WebSocketPeer peer, ReadOnlySpan<byte> payload)
    {
        Enter();
        try
        {
            Pong?.Invoke(peer, WebSocketMessageType.Binary, payload);
        }
        finally
        {
            Depth--;
        }
    }

    public override void OnDrain(WebSocketPeer peer) => Run(() => Drain?.Invoke(peer), Drain is not null);

    public override void OnNotified(WebSocketPeer peer) => Run(() => Notified?.Invoke(peer), Notified is not null);

    public override void OnClose(WebSocketPeer peer, in CloseCause cause)
    {
        CloseCause copy = cause;
        Closed.Enqueue((peer, copy));
        Run(() => Close?.Invoke(peer, copy), Close is not null);
    }

    private void Run(Action action, bool any)
    {
        Enter();
        try
        {
            if (any) action();
        }
        finally
        {
            Depth--;
        }
    }

    private void Enter()
    {
        if (Depth++ != 0) Interlocked.Increment(ref _nested);
    }
}
