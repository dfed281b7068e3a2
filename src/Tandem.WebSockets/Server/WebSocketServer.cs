using System.Net;
using System.Net.Sockets;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Drafts;
using Tandem.WebSockets.EventLoop;
using Tandem.WebSockets.Streams;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>
/// A WebSocket server, from the TCP socket up. On Linux it runs on event loops (epoll), without a thread, a task or a buffer per connection;
/// on other systems the same handlers run on asynchronous sockets.
/// </summary>
/// <example>
/// <code>
/// await using var server = new WebSocketServer(new WebSocketServerOptions());
/// server.Map(new WebSocketRoute("/chat", new ChatHandler()));
/// server.Start();
/// await server.Stopped;
/// </code>
/// </example>
public sealed class WebSocketServer : IAsyncDisposable
{
    // Connections over the limit that are still answered with 503; beyond them they are dropped unheard.
    private const int RefusalAllowance = 256;

    private readonly AddressTable _addresses = new();
    private readonly List<IPEndPoint> _endPoints = [];
    private readonly Loop[] _loops; // empty where there is no epoll
    private readonly StreamDriver? _streams; // of connections that no loop serves: all where there is no epoll, and those of hixie-75 and hixie-76
    private readonly StreamListener? _listener; // where there is no epoll
    private ServedRoute[] _routes = [];
    private int _connections;
    private uint _next; // unsigned: it may wrap around
    private bool _listening;
    private bool _started;

    /// <summary>Creates a server that listens nowhere yet.</summary>
    /// <param name="options">What it listens on, accepts and waits for.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="WebSocketServerOptions.OnUnclaimed"/> is set and the system is not Linux.</exception>
    public WebSocketServer(WebSocketServerOptions options)
        : this(options, onStreams: !OperatingSystem.IsLinux())
    {
    }

    /// <param name="options">What it listens on, accepts and waits for.</param>
    /// <param name="onStreams">Whether to do without epoll.</param>
    internal WebSocketServer(WebSocketServerOptions options, bool onStreams)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        if (onStreams)
        {
            if (options.OnUnclaimed is not null) throw new PlatformNotSupportedException("WebSocketServerOptions.OnUnclaimed needs Linux (epoll, MSG_PEEK).");
            _loops = [];
            _streams = new StreamDriver(options, ticksAlways: true);
            _listener = new StreamListener(this, _streams);
            Stopped = _listener.Ended;
            return;
        }

        _loops = new Loop[options.Loops];
        for (int i = 0; i < _loops.Length; i++) _loops[i] = new Loop(this, i);
        Task ended = Task.WhenAll(_loops.Select(loop => loop.Ended));
        if ((options.Drafts & WebSocketDrafts.Hixie) != 0) _streams = new StreamDriver(options, ticksAlways: false);
        Stopped = _streams is null ? ended : EndedAsync(ended, _streams);
    }

    /// <summary>What it was made with.</summary>
    public WebSocketServerOptions Options { get; }

    /// <summary>Where it listens, with the ports that the system chose. Empty before <see cref="Listen"/> or <see cref="Start"/>.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints => _endPoints;

    /// <summary>Connections at this moment, those in their handshake included.</summary>
    public int ConnectionCount => Volatile.Read(ref _connections);

    /// <summary>Completes when the server has stopped.</summary>
    public Task Stopped { get; }

    /// <summary>Adds a route. Before <see cref="Start"/> only.</summary>
    /// <param name="route">The path and what serves it.</param>
    /// <exception cref="ArgumentException">The route gathers whole messages of more than 1 GiB.</exception>
    /// <exception cref="InvalidOperationException">The server has been started, or the path has a route already.</exception>
    public void Map(WebSocketRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        if (_started) throw new InvalidOperationException("Routes are added before the server is started.");
        if (_routes.Any(other => other.Route.Path == route.Path)) throw new InvalidOperationException($"The path {route.Path} has a route already.");
        _routes = [.. _routes, new ServedRoute(route, Options)];
    }

    /// <summary>
    /// Takes the ports: from now on connections wait in the kernel's backlog until <see cref="Start"/>, which does this by itself where it
    /// has not been done. For who must know the ports before the routes.
    /// </summary>
    /// <exception cref="InvalidOperationException">The server listens already, or has been stopped.</exception>
    /// <exception cref="SocketException">An endpoint cannot be listened on; the server is stopped then.</exception>
    public void Listen()
    {
        if (_started || _listening) throw new InvalidOperationException("The server listens already, or has been stopped.");
        _listening = true;
        try
        {
            foreach (IPEndPoint endPoint in Options.EndPoints) _endPoints.Add(ListenOn(endPoint));
        }
        catch
        {
            EndUnstarted();
            throw;
        }
    }

    /// <summary>Listens and serves.</summary>
    /// <exception cref="InvalidOperationException">The server has been started or stopped before.</exception>
    /// <exception cref="SocketException">An endpoint cannot be listened on; the server is stopped then.</exception>
    public void Start()
    {
        if (_started) throw new InvalidOperationException("The server has been started or stopped before.");
        if (!_listening) Listen();
        _started = true;
        foreach (Loop loop in _loops) loop.Start();
        _listener?.Start();
    }

    /// <summary>
    /// Stops: accepts no more, closes every connection with 1001 behind what was sent to it, waits for the peers to answer, at most
    /// <see cref="WebSocketServerOptions.StopTimeout"/>, and drops those that have not.
    /// </summary>
    /// <param name="cancellationToken">When it is cancelled, those that have not answered are dropped at once.</param>
    /// <returns>Completes when all connections have ended; it is not cancelled, since the server stops in any case.</returns>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (!_started)
        {
            EndUnstarted();
            return;
        }

        RequestStop(LoopRequest.Stop);
        await using CancellationTokenRegistration registration = cancellationToken.Register(() => RequestStop(LoopRequest.StopNow));
        await Stopped.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => new(StopAsync());

    /// <summary>
    /// Shows open connections, those that are closing included. It holds up none of them: every loop looks at its own, some at a time, between what it has to do.
    /// </summary>
    /// <param name="most">How many to show at most: 1 to 10,000.</param>
    /// <param name="order">Which, when there are more.</param>
    /// <param name="timeout">How long a loop may take to answer; one whose handler does not return is left out then.</param>
    /// <param name="cancellationToken">Nobody waits any more.</param>
    /// <returns>The connections, and how many there are.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="most"/> or <paramref name="timeout"/> is out of its range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ConnectionPage> GetConnectionsAsync(int most, ConnectionOrder order, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, ConnectionRanking.Limit);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        if (_listener is not null) return _streams!.Survey(most, order);
        if (!_started) return new ConnectionPage(0, [], SilentLoops: 0);
        ConnectionSurvey[] surveys = [.. _loops.Select(_ => new ConnectionSurvey(most, order))];
        for (int i = 0; i < _loops.Length; i++) _loops[i].Survey(surveys[i]);
        try
        {
            await Task.WhenAll(surveys.Select(survey => survey.Finished)).WaitAsync(timeout, Options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Who has answered is shown.
        }

        ConnectionPage[] pages = [.. surveys.Zip(_loops, static (survey, loop) =>
        {
            long total = Volatile.Read(ref loop.Traffic.Connections);
            return survey.Finished.IsCompletedSuccessfully ? new ConnectionPage(total, survey.Finished.Result, 0) : new ConnectionPage(total, [], 1);
        })];
        if (_streams is not null) pages = [.. pages, _streams.Survey(most, order)];
        return ConnectionPage.Combine(pages, most, order);
    }

    internal ServedRoute? FindRoute(ReadOnlySpan<byte> path) => Claims.Find(_routes, path);

    internal Claim Claim(ReadOnlySpan<byte> received) => Claims.Judge(received, _routes);

    /// <summary>Gives an accepted connection to a loop, each in turn. Called on the loop that accepts.</summary>
    internal void Deal(int fd, UInt128 addressKey, ushort port)
    {
        if (!TryAdmit(addressKey, out RemoteAddress address, out HandshakeRefusal refusal))
        {
            _ = Libc.Close(fd);
            return;
        }

        Loop loop = _loops[_next++ % (uint)_loops.Length];
        if (loop.IsCurrentThread) loop.Adopt(fd, address, port, refusal);
        else loop.Post(new LoopPost(LoopRequest.Adopt, Number: fd, Address: address, Port: port, Refusal: refusal));
    }

    /// <summary>Serves an accepted connection where there is no epoll.</summary>
    internal void Deal(Socket socket)
    {
        var from = (IPEndPoint)socket.RemoteEndPoint!;
        if (TryAdmit(AddressTable.KeyOf(from.Address), out RemoteAddress address, out HandshakeRefusal refusal))
        {
            StreamHandshake.Begin(this, _streams!, socket, address, (ushort)from.Port, refusal);
        }
        else
        {
            socket.Dispose();
        }
    }

    /// <summary>Serves a connection whose client speaks hixie-75 or hixie-76, and whose handshake has been accepted.</summary>
    internal void ServeHixie(
        Socket socket, ServedRoute route, RemoteAddress address, ushort port, UpgradeContext context, WebSocketDrafts draft, ReadOnlySpan<byte> answer, ReadOnlySpan<byte> behind) =>
        HixieConnection.Begin(_streams!, socket, route, address, port, context, draft, answer, behind, () => Leave(address));

    // Counts a connection, and judges whether there is room for it: here, where they are counted one after the other; by the time a loop
    // adopts one, others behind it are counted too. False when it is not even to be answered.
    private bool TryAdmit(UInt128 addressKey, out RemoteAddress address, out HandshakeRefusal refusal)
    {
        address = _addresses.Enter(addressKey);
        int connections = Interlocked.Increment(ref _connections);
        refusal = AdmissionOf(connections, address);
        if (connections <= (long)Options.MaxConnections + RefusalAllowance) return true;
        Leave(address);
        Options.Telemetry.Server.Handshake(TelemetryTags.Refused, status: 0, TelemetryTags.Of(refusal));
        return false;
    }

    private IPEndPoint ListenOn(IPEndPoint endPoint)
    {
        if (_listener is not null) return _listener.Listen(endPoint, Options.Backlog);
        var acceptor = new Acceptor(endPoint, Options.Backlog);
        _loops[0].Watch(acceptor);
        return acceptor.EndPoint;
    }

    private void EndUnstarted()
    {
        _started = true;
        foreach (Loop loop in _loops) loop.EndUnstarted();
        _listener?.Stop();
    }

    private void RequestStop(LoopRequest request)
    {
        foreach (Loop loop in _loops) loop.Post(new LoopPost(request));
        if (request != LoopRequest.Stop) _streams?.StopNow();
        else if (_listener is not null) _listener.Stop();
        else _streams?.Stop();
    }

    // First the loops, from which connections of the others come.
    private static async Task EndedAsync(Task loops, StreamDriver streams)
    {
        await loops.ConfigureAwait(false);
        streams.Stop(); // where a loop has ended by itself
        await streams.EndedAsync().ConfigureAwait(false);
    }

    // Whether there is room for a connection that has just been counted.
    private HandshakeRefusal AdmissionOf(int connections, RemoteAddress address)
    {
        if (connections > Options.MaxConnections) return HandshakeRefusal.TooManyConnections;
        return address.Connections > Options.MaxConnectionsPerAddress ? HandshakeRefusal.TooManyConnectionsFromAddress : HandshakeRefusal.None;
    }

    internal void Leave(RemoteAddress address)
    {
        _addresses.Leave(address);
        Interlocked.Decrement(ref _connections);
    }
}
