using System.Net;
using System.Net.Sockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <summary>What happens to a message that would make a connection hold more than <see cref="WebSocketServerOptions.MaxBufferedBytes"/>.</summary>
public enum OverflowPolicy : byte
{
    /// <summary>The connection is dropped: its peer does not read, so no close frame would reach it.</summary>
    Close,

    /// <summary>The message is dropped and <c>Send</c> says so; the connection lives on.</summary>
    DropMessage,
}

/// <summary>What a <see cref="WebSocketServer"/> listens on, accepts and waits for. Every size is bounded and every wait has a deadline.</summary>
public sealed record WebSocketServerOptions
{
    /// <summary>
    /// Where to listen. Port 0 lets the system choose; <see cref="WebSocketServer.EndPoints"/> tells what it chose. Empty when every
    /// connection comes in through <see cref="WebSocketServer"/>'s host. Default: loopback, port 1818.
    /// </summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; init; } = [new IPEndPoint(IPAddress.Loopback, 1818)];

    /// <summary>
    /// How many event loops, each a thread, share the connections. Default: one for each processor. 1 to 1024. Of no effect where there is no epoll.
    /// </summary>
    public int Loops { get; init; } = Environment.ProcessorCount;

    /// <summary>Most connections that the kernel holds ready before they are accepted. Default 4096; the system may allow fewer.</summary>
    public int Backlog { get; init; } = 4096;

    /// <summary>Most connections at once, those still in their handshake included. Above it handshakes are answered with 503. Default: no limit.</summary>
    public int MaxConnections { get; init; } = int.MaxValue;

    /// <summary>
    /// Most connections at once from one remote address; above it handshakes are answered with 503. Default: no limit, because behind a
    /// reverse proxy all connections come from one address.
    /// </summary>
    public int MaxConnectionsPerAddress { get; init; } = int.MaxValue;

    /// <summary>
    /// How long a client may take from connecting to the last byte of its request, and the application to decide about it
    /// (<see cref="UpgradeContext.Defer"/>). Then it is answered with 408, or 503 when the decision is what is missing; where
    /// <see cref="OnUnclaimed"/> is set and its bytes do not tell yet whose they are, it is dropped. Default 10 s.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// After how long without a byte from the peer it is sent a ping (RFC 6455 section 5.5.2). Default 30 s, below the 60 s after which
    /// common proxies cut a silent connection. <see cref="Timeout.InfiniteTimeSpan"/>: never.
    /// </summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long after that ping the peer may stay silent before the connection is dropped. Default 20 s.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>After how long without a text or binary message from the peer the connection is closed with 1001. Default: never.</summary>
    public TimeSpan IdleTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>How long a peer may take to answer a close frame and to end its side of TCP. Then the connection is dropped. Default 5 s.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long <see cref="WebSocketServer.StopAsync"/> waits for all connections to close with 1001 before it drops them. Default 10 s.
    /// </summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often deadlines are looked at: they are kept to this precision. There is one such tick for each loop and no timer for a
    /// connection. Default 250 ms; at least 1 ms.
    /// </summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Most bytes in a message; a larger one closes its connection with 1009 when its header announces it. Default 16 MiB, at most 1 GiB.</summary>
    public int MaxMessageSize { get; init; } = WebSocketReaderOptions.DefaultMaxMessageSize;

    /// <summary>Most bytes that wait for one slow peer. Default 32 MiB: room for one more of the largest messages while one is being sent.</summary>
    public int MaxBufferedBytes { get; init; } = 2 * WebSocketReaderOptions.DefaultMaxMessageSize;

    /// <summary>What happens above <see cref="MaxBufferedBytes"/>. Default: the connection is dropped.</summary>
    public OverflowPolicy OverflowPolicy { get; init; } = OverflowPolicy.Close;

    /// <summary>
    /// While more than this many bytes wait for a peer, nothing is received from it, so that who does not read the answers cannot go on
    /// asking. Default 1 MiB.
    /// </summary>
    public int ReceivePauseBytes { get; init; } = 1024 * 1024;

    /// <summary>Bytes that one receive takes at most; each loop has one such buffer, whatever the number of connections. Default 256 KiB, at least 16 KiB.</summary>
    public int ReceiveBufferSize { get; init; } = 256 * 1024;

    /// <summary>
    /// How messages are compressed with clients that offer permessage-deflate (RFC 7692). Default null: they are not. Compression
    /// reveals something of what it compresses by its length: do not use it on messages that mix secrets with what an attacker can choose.
    /// </summary>
    public DeflateOptions? Deflate { get; init; }

    /// <summary>
    /// Most bytes that the compression contexts of all connections of the process may take, those of others included
    /// (<see cref="DeflateBudget"/>). Above three quarters of it new connections keep no context between messages, above all of it they are
    /// not compressed. Default 256 MiB: about 500 connections with contexts, and 1,500 without.
    /// </summary>
    public long DeflateMemoryBudget { get; init; } = DeflateBudget.DefaultBytes;

    /// <summary>Which pages may connect. Default: those of the same host (RFC 6455 section 10.2). Clients that are no browsers send no Origin and are let in.</summary>
    public OriginPolicy Origins { get; init; } = OriginPolicy.SameHost;

    /// <summary>
    /// The drafts before RFC 6455 that are spoken beside it, for clients of 2009 to 2011. Default: none. hixie-75 and hixie-76 are spoken by a <see cref="WebSocketServer"/> alone, the
    /// others by a <see cref="WebSocketRouteHost"/> too.
    /// </summary>
    /// <remarks>
    /// <para>They are off because each is one more parser for strangers' bytes, and because of what hixie-75 and hixie-76 lack. What their clients send is not masked, so
    /// that a page can put bytes of its choice on the wire, which an intermediary may take for a request of its own (RFC 6455 section 10.3). In hixie-75 nothing in the answer
    /// proves that the server understood the handshake. No current browser speaks any of them.</para>
    /// <para>For a connection of hixie-75 or hixie-76: <see cref="WebSocketPeer.Ping"/> sends nothing and gets no answer, so that <see cref="KeepAliveInterval"/> and
    /// <see cref="KeepAliveTimeout"/> are TCP's; a binary message that is sent to it closes it with 1003, is told to <see cref="OnError"/> and does not leave; codes and reasons
    /// of close frames do not leave either; nothing is compressed; its location is answered with the scheme <c>ws</c>, which a client does not accept that came through a
    /// proxy that ends TLS. Bytes are counted as those of the frames of RFC 6455. It is served like connections on systems without epoll, by the thread pool.</para>
    /// </remarks>
    public WebSocketDrafts Drafts { get; init; }

    /// <summary>
    /// Told of every exception that a handler throws, and of errors of the server itself (then without a peer). Called on a loop's thread;
    /// what it throws itself is ignored. Default: they are dropped, after their connection was closed with 1011.
    /// </summary>
    public Action<WebSocketPeer?, Exception>? OnError { get; init; }

    /// <summary>
    /// Told of every handshake that is refused, and which rule says so: for a log. What strangers send can call it at any rate. On the thread that
    /// serves the connection, so it must be quick; what it throws goes to <see cref="OnError"/>. Default: nobody is told.
    /// </summary>
    public Action<RefusedHandshake>? OnRefused { get; init; }

    /// <summary>
    /// Told of the end of every connection, before its handler is: for a log. Called like <see cref="OnRefused"/>. Default: nobody is told.
    /// </summary>
    public Action<WebSocketPeer, CloseCause>? OnClosed { get; init; }

    /// <summary>Where its metrics go. Default: <see cref="WebSocketTelemetry.Shared"/>.</summary>
    public WebSocketTelemetry Telemetry { get; init; } = WebSocketTelemetry.Shared;

    /// <summary>
    /// Takes over connections whose first bytes are not a WebSocket handshake for one of this server's routes: another path, a page, TLS.
    /// They come unread. Called on a loop's thread, so it must be quick. Linux only. Default null: such requests are answered with an HTTP error.
    /// </summary>
    public Action<Socket>? OnUnclaimed { get; init; }

    /// <summary>The clock for all deadlines. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Report(WebSocketPeer? peer, Exception exception)
    {
        Telemetry.Error(exception);
        Tell(peer, exception);
    }

    /// <summary>Tells of an exception that is not a server's to count.</summary>
    internal void Tell(WebSocketPeer? peer, Exception exception)
    {
        try
        {
            OnError?.Invoke(peer, exception);
        }
        catch (Exception)
        {
            // An error handler that fails has nobody left to tell; the server must live.
        }
    }

    internal void ReportRefused(RemoteAddress address, ushort port, HandshakeRefusal refusal, int status)
    {
        if (refusal == HandshakeRefusal.None) Telemetry.RecordRefused(status);
        else Telemetry.RecordRefused(refusal);
        if (OnRefused is null) return;
        try
        {
            OnRefused(new RefusedHandshake(new IPEndPoint(address.Address, port), refusal, status));
        }
        catch (Exception exception)
        {
            Report(null, exception);
        }
    }

    internal void ReportClosed(WebSocketPeer peer, in CloseCause cause)
    {
        if (OnClosed is null) return;
        try
        {
            OnClosed(peer, cause);
        }
        catch (Exception exception)
        {
            Report(peer, exception);
        }
    }

    internal void Validate()
    {
        Check(EndPoints is not null && !EndPoints.Contains(null!), nameof(EndPoints), "must not be null or hold null");
        Check(Origins is not null, nameof(Origins), "must not be null");
        Check(TimeProvider is not null, nameof(TimeProvider), "must not be null");
        Check(Telemetry is not null, nameof(Telemetry), "must not be null");
        Check(Enum.IsDefined(OverflowPolicy), nameof(OverflowPolicy), "must be one of its members");
        Check((Drafts & ~WebSocketDrafts.All) == 0, nameof(Drafts), "must be of the drafts that there are");
        Check(Loops is >= 1 and <= 1024, nameof(Loops), "must be 1 to 1024");
        Check(Backlog >= 1, nameof(Backlog), "must be at least 1");
        Deflate?.Validate();
        Check(DeflateMemoryBudget >= 0, nameof(DeflateMemoryBudget), "must not be negative");
        Check(MaxConnections >= 1, nameof(MaxConnections), "must be at least 1");
        Check(MaxConnectionsPerAddress >= 1, nameof(MaxConnectionsPerAddress), "must be at least 1");
        Check(MaxMessageSize is >= 0 and <= 1 << 30, nameof(MaxMessageSize), "must be 0 to 1 GiB");
        Check(MaxBufferedBytes >= 0, nameof(MaxBufferedBytes), "must not be negative");
        Check(ReceivePauseBytes >= 0, nameof(ReceivePauseBytes), "must not be negative");
        Check(ReceiveBufferSize is >= 16 * 1024 and <= 1 << 30, nameof(ReceiveBufferSize), "must be 16 KiB to 1 GiB");
        Check(TickInterval >= TimeSpan.FromMilliseconds(1) && TickInterval <= TimeSpan.FromHours(1), nameof(TickInterval), "must be 1 ms to 1 h");
        CheckWait(HandshakeTimeout, nameof(HandshakeTimeout));
        CheckWait(KeepAliveInterval, nameof(KeepAliveInterval));
        CheckWait(KeepAliveTimeout, nameof(KeepAliveTimeout));
        CheckWait(IdleTimeout, nameof(IdleTimeout));
        CheckWait(CloseTimeout, nameof(CloseTimeout));
        CheckWait(StopTimeout, nameof(StopTimeout));
    }

    private static void CheckWait(TimeSpan wait, string name) =>
        Check(wait > TimeSpan.Zero || wait == Timeout.InfiniteTimeSpan, name, "must be positive, or Timeout.InfiniteTimeSpan");

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"WebSocketServerOptions.{name} {rule}.");
    }
}
