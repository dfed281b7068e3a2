using System.Diagnostics;
using System.Net;
using System.Security.Claims;
using System.Text;
using Tandem.Protocol.Drafts;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;
using Tandem.WebSockets.Streams;

namespace Tandem.WebSockets;

/// <summary>
/// Serves a route over connections that something else has accepted and speaks HTTP with: a TLS or HTTP/2 endpoint, a Unix socket, a
/// tunnel. Handlers see no difference to a <see cref="WebSocketServer"/>.
/// </summary>
/// <remarks>
/// Of the options hold those that are about a handshake and an open connection, and <see cref="WebSocketServerOptions.MaxConnections"/>. What
/// concerns listening, event loops and addresses is up to who accepts. Thread-safe.
/// </remarks>
/// <example>
/// <code>
/// var host = new WebSocketRouteHost(new WebSocketRoute("/chat", new ChatHandler()), new WebSocketServerOptions());
/// // for each request:
/// UpgradeResult result = await host.UpgradeAsync(target, fields, remoteEndPoint, extendedConnect: false, cancellationToken);
/// Stream stream = await AnswerAsync(result); // in the terms of the HTTP server
/// if (result.IsAccepted) await host.RunAsync(stream, result);
/// </code>
/// </example>
public sealed class WebSocketRouteHost
{
    // RFC 8441 section 5 has neither these fields nor what they are for: the version is what HTTP/2 has negotiated.
    private const string HttpOneFields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    private readonly ServedRoute _route;
    private readonly StreamDriver _driver;

    /// <summary>Creates a host without connections.</summary>
    /// <param name="route">What serves them; its path is not looked at.</param>
    /// <param name="options">Limits and deadlines.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the route gathers whole messages of more than 1 GiB.</exception>
    public WebSocketRouteHost(WebSocketRoute route, WebSocketServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(route);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _route = new ServedRoute(route, options);
        _driver = new StreamDriver(options, ticksAlways: false);
    }

    /// <summary>Connections at this moment.</summary>
    public int ConnectionCount => _driver.Count;

    /// <summary>Shows open connections. It holds up none of them.</summary>
    /// <param name="most">How many to show at most: 1 to 10,000.</param>
    /// <param name="order">Which, when there are more.</param>
    /// <returns>The connections, and how many there are.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="most"/> is out of its range.</exception>
    public ConnectionPage GetConnections(int most, ConnectionOrder order = ConnectionOrder.MostBuffered)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, ConnectionRanking.Limit);
        return _driver.Survey(most, order);
    }

    /// <summary>Judges a handshake as the server does, and asks the handler, however long that takes within the options' HandshakeTimeout.</summary>
    /// <param name="target">The request target: path and query, as the client spelled them.</param>
    /// <param name="fields">The fields of the request, Host included; a field with several lines is there several times.</param>
    /// <param name="remoteEndPoint">Where it comes from; null when its transport has no such address.</param>
    /// <param name="extendedConnect">
    /// Whether it is an extended CONNECT with :protocol "websocket" (RFC 8441 section 4): then there are no Upgrade, Connection and
    /// Sec-WebSocket-Key. Otherwise it is a GET of HTTP/1.1.
    /// </param>
    /// <param name="cancellationToken">The client has gone.</param>
    /// <param name="user">Whom the host has authenticated, for <see cref="UpgradeContext.User"/>.</param>
    /// <returns>The decision.</returns>
    /// <exception cref="OperationCanceledException">The client has gone while the decision was deferred.</exception>
    public async Task<UpgradeResult> UpgradeAsync(
        string target, IEnumerable<KeyValuePair<string, string>> fields, IPEndPoint? remoteEndPoint, bool extendedConnect, CancellationToken cancellationToken,
        ClaimsPrincipal? user = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(fields);
        RemoteAddress address = RemoteAddress.Of(remoteEndPoint?.Address ?? IPAddress.None);
        ushort port = (ushort)(remoteEndPoint?.Port ?? 0);
        var context = new UpgradeContext { User = user };
        HandshakeRefusal refusal = HandshakeRefusal.InvalidCharacter;
        DeferredUpgrade? deferred = null;
        // What has other frames than RFC 6455 belongs to HTTP/1.1 and an answer that only its own server can write.
        WebSocketDrafts drafts = extendedConnect ? WebSocketDrafts.None : _route.Options.Drafts & WebSocketDrafts.Hybi;
        if (TryWriteHead(target, fields, extendedConnect, out byte[] head)) refusal = Ask(head, drafts, context, address, port, out deferred);
        if (refusal == HandshakeRefusal.None && deferred is not null) refusal = await DecideAsync(deferred, cancellationToken).ConfigureAwait(false);
        if (refusal == HandshakeRefusal.None) return Result(head, drafts, context);
        _route.Options.ReportRefused(address, port, refusal, refusal.Status());
        return Refused(refusal, drafts);
    }

    /// <summary>Serves a connection whose handshake has been accepted and answered.</summary>
    /// <param name="stream">The transport, which is the connection's from now on. It is read and written at the same time.</param>
    /// <param name="upgrade">What <see cref="UpgradeAsync"/> has decided.</param>
    /// <param name="received">Bytes from the client that were read together with the handshake; they are copied.</param>
    /// <returns>
    /// Completes when the connection has ended, however it has, with what the handler's OnClose was told. One with <see cref="CloseCause.Abnormal"/> was
    /// cut off: where the transport has a way to say that, such as RST_STREAM, it is said by whoever owns it.
    /// </returns>
    /// <exception cref="InvalidOperationException">The handshake was refused, or its connection has been run already.</exception>
    public Task<CloseCause> RunAsync(Stream stream, UpgradeResult upgrade, ReadOnlyMemory<byte> received = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(upgrade);
        UpgradeContext context = upgrade.Take();
        IPEndPoint from = context.RemoteEndPoint;
        var peer = new StreamPeer(_driver, stream, _route, RemoteAddress.Of(from.Address), (ushort)from.Port, context, onEnded: null);
        return peer.Run(default, received.Span);
    }

    /// <summary>
    /// Stops: refuses handshakes with 503, closes every connection with 1001 behind what was sent to it, waits for the peers to answer, at most
    /// <see cref="WebSocketServerOptions.StopTimeout"/>, and drops those that have not.
    /// </summary>
    /// <param name="cancellationToken">When it is cancelled, those that have not answered are dropped at once.</param>
    /// <returns>Completes when all connections have ended; it is not cancelled, since the host stops in any case.</returns>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        _driver.Stop();
        await using CancellationTokenRegistration registration = cancellationToken.Register(_driver.StopNow);
        await _driver.EndedAsync().ConfigureAwait(false);
    }

    private static bool TryWriteHead(string target, IEnumerable<KeyValuePair<string, string>> fields, bool extendedConnect, out byte[] head)
    {
        var text = new StringBuilder("GET ").Append(target).Append(" HTTP/1.1\r\n");
        bool isOneLine = IsOneLine(target);
        foreach ((string name, string value) in fields)
        {
            if (name.StartsWith(':')) continue; // a pseudo-header (RFC 9113 section 8.3)
            if (extendedConnect && HasNoPlaceInConnect(name)) continue;
            isOneLine &= IsOneLine(name) && IsOneLine(value);
            text.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        if (extendedConnect) text.Append(HttpOneFields);
        head = Encoding.UTF8.GetBytes(text.Append("\r\n").ToString());
        return isOneLine;
    }

    private static bool HasNoPlaceInConnect(string name) =>
        name.Equals("Upgrade", StringComparison.OrdinalIgnoreCase) || name.Equals("Connection", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Sec-WebSocket-Key", StringComparison.OrdinalIgnoreCase);

    private static bool IsOneLine(string text) => !text.AsSpan().ContainsAny('\r', '\n');

    private HandshakeRefusal Ask(byte[] head, WebSocketDrafts drafts, UpgradeContext context, RemoteAddress address, ushort port, out DeferredUpgrade? deferred)
    {
        deferred = null;
        UpgradeRequest.Parse(head, out UpgradeRequest request, out HandshakeRefusal refusal, drafts);
        if (refusal != HandshakeRefusal.None) return refusal;
        HandshakeRefusal admission = _driver.IsStopping ? HandshakeRefusal.Stopping
            : _driver.Count >= _route.Options.MaxConnections ? HandshakeRefusal.TooManyConnections : HandshakeRefusal.None;
        refusal = ServerUpgrade.Judge(ref request, _route, admission);
        if (refusal != HandshakeRefusal.None) return refusal;
        // Who has read the request may have an activity for it; that is nearer than what the request names.
        ServerUpgrade.Ask(in request, _route, context, address, port, Activity.Current?.Context ?? default);
        if (context.Decision is not null && !context.IsRefused) deferred = new DeferredUpgrade(request.ToSnapshot(), _route, context);
        return HandshakeRefusal.None;
    }

    private async Task<HandshakeRefusal> DecideAsync(DeferredUpgrade deferred, CancellationToken cancellationToken)
    {
        var interrupted = new TaskCompletionSource<HandshakeRefusal>(TaskCreationOptions.RunContinuationsAsynchronously);
        var slot = new StreamSlot(notice =>
            interrupted.TrySetResult(notice == StreamNotice.Deadline ? HandshakeRefusal.DecisionTimedOut : HandshakeRefusal.Stopping));
        _driver.Add(slot);
        slot.Due = _driver.DueAfter(_route.Options.HandshakeTimeout);
        Task decided = deferred.DecideAsync();
        try
        {
            Task first = await Task.WhenAny(decided, interrupted.Task).WaitAsync(cancellationToken).ConfigureAwait(false);
            return first == decided ? HandshakeRefusal.None : await interrupted.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _route.Options.Telemetry.Abandoned();
            throw;
        }
        finally
        {
            if (!decided.IsCompleted) deferred.Cancel(interrupted.Task.IsCompletedSuccessfully ? interrupted.Task.Result : HandshakeRefusal.None);
            _driver.Remove(slot);
        }
    }

    // Written and thrown away, for its rules: what the event loop would not send is not to be sent here either.
    private UpgradeResult Result(byte[] head, WebSocketDrafts drafts, UpgradeContext context)
    {
        Span<byte> answer = stackalloc byte[ServerUpgrade.MaxAnswerLength];
        UpgradeRequest.Parse(head, out UpgradeRequest request, out _, drafts);
        request.Judge();
        ServerUpgrade.WriteAnswer(answer, in request, _route, context, out bool accepted);
        if (accepted) return new UpgradeResult(context);
        if (context.Refusal != HandshakeRefusal.None) return Refused(context.Refusal, drafts);
        if (context.RefusalStatus == 0 || !answer.StartsWith(Encoding.ASCII.GetBytes($"HTTP/1.1 {context.RefusalStatus} "))) return Refused(HandshakeRefusal.HandlerFailed, drafts);
        return new UpgradeResult(context.RefusalStatus, context.RefusalText, context.Headers);
    }

    private static UpgradeResult Refused(HandshakeRefusal refusal, WebSocketDrafts drafts) =>
        // RFC 6455 section 4.4: the versions that this server speaks.
        new(refusal.Status(), refusal.Text(), refusal.Status() == 426 ? [new("Sec-WebSocket-Version", HandshakeRefusals.Versions(drafts))] : []);
}
