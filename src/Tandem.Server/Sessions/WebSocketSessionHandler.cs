using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using Tandem.Protocol.Handshake;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Server.Sessions;

/// <summary>The WebSockets of a hub's sessions, on whatever drives them: <c>GET BASE/websocket</c> of docs/session-protocol.md.</summary>
internal sealed class WebSocketSessionHandler : WebSocketHandler, IAsyncDisposable
{
    // As long as a client may take for its handshake: OPEN is the other half of it.
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly SessionHub _hub;
    private readonly TandemSessionsOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly ConcurrentQueue<(WebSocketCarrier Carrier, long Since)> _unopened = new();
    private int _sweeps;

    public WebSocketSessionHandler(SessionHub hub, TandemSessionsOptions options)
    {
        _hub = hub;
        _options = options;
        _time = hub.Options.TimeProvider;
        _timer = _time.CreateTimer(static state => ((WebSocketSessionHandler)state!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public override void OnUpgrade(in UpgradeRequest request, UpgradeContext context)
    {
        if (context.Subprotocol != ProtocolLimits.Subprotocol)
        {
            context.Refuse(400, $"offer the subprotocol {ProtocolLimits.Subprotocol}");
            return;
        }

        IPAddress address = ClientAddress.Of(context.RemoteEndPoint.Address, request, _options.KnownProxies, _options.GatewayKey)!;
        if (_options.Authenticate is { } authenticate)
        {
            context.Defer(async (snapshot, cancellation) =>
            {
                SessionIdentity? identity = await authenticate(new SessionRequest(snapshot, address, context.User), cancellation).ConfigureAwait(false);
                context.State = Context(identity, address, snapshot.Origin);
            });
            return;
        }

        context.State = Context(null, address, request.Origin.IsEmpty ? null : System.Text.Encoding.Latin1.GetString(request.Origin));
    }

    public override void OnOpen(WebSocketPeer peer)
    {
        var carrier = new WebSocketCarrier(_hub, (CarrierContext)peer.State!, peer);
        peer.State = carrier;
        _unopened.Enqueue((carrier, _time.GetTimestamp()));
        if (Interlocked.Exchange(ref _sweeps, 1) == 0) _timer.Change(SweepInterval, Timeout.InfiniteTimeSpan);
    }

    public override void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload)
    {
        var carrier = (WebSocketCarrier)peer.State!;
        if (type == WebSocketMessageType.Binary) carrier.Receive(payload);
        else Break(carrier, SessionCode.ProtocolError, "a frame is a binary message");
    }

    public override void OnNotified(WebSocketPeer peer) => ((WebSocketCarrier)peer.State!).Pump();

    public override void OnDrain(WebSocketPeer peer) => ((WebSocketCarrier)peer.State!).Drained();

    public override void OnClose(WebSocketPeer peer, in CloseCause cause)
    {
        var carrier = (WebSocketCarrier)peer.State!;
        // What broke a rule of WebSockets would break it again on the next one.
        if (cause.Initiator == CloseInitiator.ProtocolFault && carrier.Session is { } session && session.Carrier == carrier)
        {
            SessionCode code = cause.Status == WebSocketCloseStatus.MessageTooBig ? SessionCode.FrameTooLarge : SessionCode.ProtocolError;
            session.Close(code, cause.Fault.ToString());
        }

        carrier.Detach();
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    internal CarrierContext Context(SessionIdentity? identity, IPAddress? address, string? origin) => new()
    {
        Principal = identity?.Principal,
        Owner = identity?.Owner,
        Address = IsCounted(address) ? ClientAddress.Counted(address!) : null,
        Origin = origin,
    };

    private bool IsCounted(IPAddress? address) =>
        _options.CountAddresses && address is not null && !address.Equals(IPAddress.None) && !ClientAddress.IsIn(_options.UncountedAddresses, address);

    private static void Break(WebSocketCarrier carrier, SessionCode code, string reason)
    {
        if (carrier.Session is { } session && session.Carrier == carrier) session.Close(code, reason);
        else carrier.GiveUp(code, reason);
    }

    private void Sweep()
    {
        while (_unopened.TryPeek(out (WebSocketCarrier Carrier, long Since) oldest))
        {
            if (oldest.Carrier.Session is null && _time.GetElapsedTime(oldest.Since) < OpenTimeout) break;
            _unopened.TryDequeue(out _);
            if (oldest.Carrier.Session is null) oldest.Carrier.GiveUp(SessionCode.Silent, "OPEN did not come");
        }

        Volatile.Write(ref _sweeps, 0);
        if (!_unopened.IsEmpty && Interlocked.Exchange(ref _sweeps, 1) == 0) _timer.Change(SweepInterval, Timeout.InfiniteTimeSpan);
    }
}
