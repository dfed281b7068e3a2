using System.Collections.Concurrent;
using System.Net;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Client;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <summary>
/// Client connections by the thousand: the server's event loop in the client's role. One thread opens and serves any number of connections to one
/// server; an idle one has no thread, task, timer or buffer, and a message allocates nothing. For load generators, gateways and bridges on Linux;
/// a program that needs a connection takes <see cref="WebSocketClient"/>.
/// </summary>
/// <remarks>
/// It connects to one address, over plain TCP (ws): nothing is looked up, since a loop must not wait, and there is no TLS. Received messages are gathered, up to
/// 16 MiB where <see cref="WebSocketConnectionOptions.MaxMessageSize"/> sets no limit. A connection whose server does not take what it is sent is dropped
/// when 256 MiB wait; unlike a server's, it goes on receiving meanwhile, because two ends that each wait for the other to read would wait for ever.
/// Members may be used from any thread.
/// </remarks>
/// <example>
/// <code>
/// await using var loop = new WebSocketClientLoop(new Uri("ws://127.0.0.1:9001/"), new IPEndPoint(IPAddress.Loopback, 9001), new Handler(), new WebSocketClientOptions());
/// for (int i = 0; i &lt; 1000; i++) loop.Connect();
/// </code>
/// </example>
public sealed class WebSocketClientLoop : IAsyncDisposable
{
    private const int MaxBufferedBytes = 256 * 1024 * 1024;

    private readonly ConcurrentQueue<Waiting> _requests = new();
    private readonly Loop _loop;
    private int _connections;
    private int _wait = int.MaxValue; // milliseconds, as the handler said last
    private bool _cancelled;

    /// <summary>Starts a loop without connections.</summary>
    /// <param name="uri">The ws URI that its requests are for; http is taken for ws.</param>
    /// <param name="endPoint">Where to connect.</param>
    /// <param name="handler">What serves the connections; of this loop only, unless it is thread-safe.</param>
    /// <param name="options">
    /// What to say and how long to wait. Without a proxy, TLS, cookies and <see cref="WebSocketClientOptions.OnHandshake"/>;
    /// <see cref="WebSocketConnectionOptions.ReceiveBufferSize"/> is not read.
    /// </param>
    /// <exception cref="ArgumentException">The URI or an option cannot be used.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public WebSocketClientLoop(Uri uri, IPEndPoint endPoint, WebSocketClientHandler handler, WebSocketClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(uri);
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("WebSocketClientLoop needs Linux (epoll).");
        options.Validate();
        ClientTarget target = ClientTarget.Parse(uri);
        if (target.Secure) throw new ArgumentException("WebSocketClientLoop has no TLS: ws only.", nameof(uri));
        if (options is not { Proxy: null, ConfigureTls: null, Cookies: null, OnHandshake: null })
        {
            throw new ArgumentException("WebSocketClientLoop has no proxy, TLS, cookies or OnHandshake.", nameof(options));
        }

        Options = options;
        Handler = handler;
        Address = endPoint.Serialize();
        Remote = RemoteAddress.Of(endPoint.Address);
        Port = (ushort)endPoint.Port;
        Request = OpeningRequest.Create(target, BasicCredentials.FromUserInfo(uri), options);
        WebSocketServerOptions limits = LimitsOf(options, handler);
        Route = new ServedRoute(new WebSocketRoute(uri.AbsolutePath, handler), limits, options.Connection.MaxFragments);
        _loop = new Loop(this, limits);
        _loop.Start();
    }

    /// <summary>Connections at this moment, those that are being opened included.</summary>
    public int ConnectionCount => Volatile.Read(ref _connections);

    internal WebSocketClientOptions Options { get; }

    internal WebSocketClientHandler Handler { get; }

    internal ServedRoute Route { get; }

    internal SocketAddress Address { get; }

    internal RemoteAddress Remote { get; }

    internal ushort Port { get; }

    /// <summary>The request of all connections, but for its key. The loop's thread only.</summary>
    internal OpeningRequest Request { get; }

    /// <summary>Opens one more connection: begun by the loop at the end of its turn, under the deadlines of the options.</summary>
    /// <param name="state">What becomes its <see cref="WebSocketPeer.State"/>.</param>
    /// <param name="from">The address to connect from; null for the system's choice. Each has ports of its own, about 28,000 by default.</param>
    public void Connect(object? state = null, IPAddress? from = null)
    {
        Interlocked.Increment(ref _connections);
        _requests.Enqueue(new Waiting(state, from is null ? null : new IPEndPoint(from, 0).Serialize()));
        if (_loop.IsCurrentThread) return;
        _loop.Post(new LoopPost(LoopRequest.Connect));
        if (_loop.Ended.IsCompleted) CancelConnects(); // nobody else will
    }

    /// <summary>
    /// Stops: closes every connection with 1000 behind what was sent to it, waits for the server to answer, at most
    /// <see cref="WebSocketConnectionOptions.CloseTimeout"/>, and drops what has not ended by then. What is being opened fails.
    /// </summary>
    /// <param name="cancellationToken">When it is cancelled, those that have not ended are dropped at once.</param>
    /// <returns>Completes when all connections have ended; it is not cancelled.</returns>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        _loop.Post(new LoopPost(LoopRequest.Stop));
        await using CancellationTokenRegistration registration = cancellationToken.Register(() => _loop.Post(new LoopPost(LoopRequest.StopNow)));
        await _loop.Ended.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => new(StopAsync());

    /// <summary>Milliseconds for which the loop may wait.</summary>
    internal int Wait(int most) => _requests.IsEmpty ? Math.Min(_wait, most) : 0;

    /// <summary>Before the end of a turn, when what is sent still leaves in it.</summary>
    internal void OnTurn()
    {
        try
        {
            TimeSpan wait = Handler.OnTurn();
            _wait = wait == Timeout.InfiniteTimeSpan ? int.MaxValue : (int)Math.Clamp(wait.TotalMilliseconds, 0, int.MaxValue);
        }
        catch (Exception exception)
        {
            _loop.Report(null, exception);
            _wait = int.MaxValue;
        }

        // No more than there are now: one that fails at once may lead to the next.
        for (int i = _requests.Count; i > 0 && _requests.TryDequeue(out Waiting request); i--)
        {
            if (_cancelled) Fail(request.State, Stopping());
            else PendingConnect.Begin(_loop, this, request.State, request.From);
        }
    }

    /// <summary>What has not been begun will not be.</summary>
    internal void CancelConnects()
    {
        _cancelled = true;
        while (_requests.TryDequeue(out Waiting request)) Fail(request.State, Stopping());
    }

    internal void Fail(object? state, WebSocketConnectException failure)
    {
        Leave();
        ConnectActivity.Count(Options.Connection.Telemetry.Client, failure);
        try
        {
            Handler.OnConnectFailed(state, failure);
        }
        catch (Exception exception)
        {
            _loop.Report(null, exception);
        }
    }

    internal void Leave() => Interlocked.Decrement(ref _connections);

    internal static WebSocketConnectException Stopping(WebSocketConnectPhase phase = WebSocketConnectPhase.Dial) =>
        new(phase, $"The client stopped before the connection was open ({phase}).", new OperationCanceledException());

    // Limits and deadlines of a connection on a loop are the same for both roles, and so they are kept in one place.
    private static WebSocketServerOptions LimitsOf(WebSocketClientOptions options, WebSocketClientHandler handler)
    {
        WebSocketConnectionOptions connection = options.Connection;
        return new WebSocketServerOptions
        {
            EndPoints = [],
            Loops = 1,
            KeepAliveInterval = connection.KeepAliveInterval,
            KeepAliveTimeout = connection.KeepAliveTimeout,
            CloseTimeout = connection.CloseTimeout,
            StopTimeout = connection.CloseTimeout,
            MaxMessageSize = connection.MaxMessageSize == long.MaxValue
                ? WebSocketReaderOptions.DefaultMaxMessageSize
                : (int)Math.Min(connection.MaxMessageSize, WebSocketRoute.MaxWholeMessageSize),
            MaxBufferedBytes = MaxBufferedBytes,
            ReceivePauseBytes = int.MaxValue,
            Deflate = options.Deflate,
            OnError = handler.OnError,
            Telemetry = connection.Telemetry,
            TimeProvider = options.TimeProvider,
        };
    }

    private readonly record struct Waiting(object? State, SocketAddress? From);
}
