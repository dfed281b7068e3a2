using System.Collections.Concurrent;
using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// The sessions and topics of a node. Safe for use by many threads. One timer serves all sessions. Locks are taken in the order topic, session, hub;
/// no foreign code runs under any of them.
/// </summary>
public sealed partial class SessionHub : IAsyncDisposable
{
    private readonly ConcurrentDictionary<UInt128, Session> _sessions = new();
    private readonly Dictionary<string, int> _owners = new(StringComparer.Ordinal);
    private readonly Lock _ownersGate = new();
    private readonly TicketTable _tickets;
    private readonly bool _ownsBackplane;
    private int _count;
    private volatile bool _isStopping;

    /// <summary>Makes a hub.</summary>
    /// <param name="application">What decides and is told.</param>
    /// <param name="options">Bounds and deadlines.</param>
    /// <param name="backplane">What lies between this node and others; it is not disposed with the hub. Null: one of the hub's own, in process.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public SessionHub(SessionApplication application, SessionHubOptions? options = null, Backplane? backplane = null)
    {
        ArgumentNullException.ThrowIfNull(application);
        Options = options ?? new SessionHubOptions();
        Options.Validate();
        Application = application;
        _time = Options.TimeProvider;
        _lastTick = _time.GetTimestamp();
        _nextSweep = _lastTick + Ticks(SweepInterval);
        _tickets = new TicketTable(this);
        _ownsBackplane = backplane is null;
        Backplane = backplane ?? new InProcessBackplane(timeProvider: _time);
        Node = new NodeFace(this);
        Backplane.Attach(Node);
        _timer = _time.CreateTimer(static state => ((SessionHub)state!).Tick(), this, SweepInterval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Bounds and deadlines.</summary>
    public SessionHubOptions Options { get; }

    /// <summary>How many sessions there are, those without a carrier among them.</summary>
    public int Sessions => Volatile.Read(ref _count);

    internal SessionApplication Application { get; }

    internal Backplane Backplane { get; }

    internal BackplaneNode Node { get; }

    /// <summary>Issues a connect ticket for whoever the application has authenticated: good once, for 30 s, for an OPEN on a request of the same origin.</summary>
    /// <param name="context">Who it is, and the Origin of this request.</param>
    /// <returns>The ticket; null: too many are out.</returns>
    public string? IssueTicket(CarrierContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return _tickets.Issue(context);
    }

    /// <summary>Finds the session of an HTTP request by the token of its last OPENED.</summary>
    /// <param name="token">The token as it came.</param>
    /// <param name="isSuperseded">True: the token is of a session that lives, but not its present one.</param>
    /// <returns>Null: there is none, or the token is not its present one.</returns>
    public Session? Find(ReadOnlySpan<char> token, out bool isSuperseded)
    {
        isSuperseded = false;
        Span<byte> bytes = stackalloc byte[ProtocolLimits.MaxTokenBytes];
        if (!Encoding.UTF8.TryGetBytes(token, bytes, out int length) || !SessionToken.TryParse(bytes[..length], out SessionToken parsed)) return null;
        if (!_sessions.TryGetValue(parsed.Id, out Session? session)) return null;
        if (session.HasSecret(parsed.Secret)) return session;
        isSuperseded = true;
        return null;
    }

    /// <summary>Ends all sessions as going away, and admits no more.</summary>
    /// <returns>Completes when that is done; carriers may still have CLOSE to send.</returns>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        await _timer.DisposeAsync().ConfigureAwait(false);
        foreach (Session session in _sessions.Values) session.End(SessionCode.GoingAway, "the server stops");
        if (Backplane is InProcessBackplane shared) shared.Detach(Node);
        if (_ownsBackplane) await Backplane.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The first frame on a carrier.</summary>
    internal void Open(Carrier carrier, ReadOnlySpan<byte> frame)
    {
        if (frame.IsEmpty || (FrameType)frame[0] != FrameType.Open)
        {
            carrier.Refuse(SessionCode.ProtocolError, SessionFault.ExpectedOpen.Text());
            return;
        }

        // Before the rest, which another version may lay out in another way.
        var version = new FieldReader(frame, FrameType.Open);
        if (version.Integer(0, ProtocolLimits.MaxInteger) != ProtocolLimits.Version && version.Fault == SessionFault.None)
        {
            carrier.Refuse(SessionCode.UnsupportedVersion, $"this server speaks version {ProtocolLimits.Version}");
            return;
        }

        SessionFault fault = OpenFrame.Read(frame, out OpenFrame open);
        if (fault != SessionFault.None) carrier.Refuse(SessionCode.ProtocolError, fault.Text());
        else if (_isStopping) carrier.Refuse(SessionCode.GoingAway, "the server stops");
        else Open(carrier, open);
    }

    internal void Remove(Session session)
    {
        if (!_sessions.TryRemove(session.Key, out _)) return;
        Interlocked.Decrement(ref _count);
        if (session.CountedUnder is not { } owner) return;
        lock (_ownersGate)
        {
            if (--_owners[owner] == 0) _owners.Remove(owner);
        }
    }

    private void Open(Carrier carrier, OpenFrame open)
    {
        CarrierContext context = carrier.Context;
        if (!open.Ticket.IsEmpty)
        {
            if (_tickets.Redeem(open.Ticket, context.Origin) is not { } granted)
            {
                carrier.Refuse(SessionCode.NotAuthenticated, "the ticket is not good");
                return;
            }

            context = context with { Principal = granted.Principal, Owner = granted.Owner };
        }

        // The token is enough to resume. Where there is an owner as well, it must be the same.
        if (SessionToken.TryParse(open.Token, out SessionToken token) && _sessions.TryGetValue(token.Id, out Session? found))
        {
            string? owner = open.Ticket.IsEmpty && context.Owner is null ? found.Owner : context.Owner;
            if (found.TryAttach(carrier, token.Secret, open.Publisher, owner, open.Received))
            {
                carrier.OnReady();
                return;
            }
        }

        SessionCode code = open.Ticket.IsEmpty && Options.RequireTicket ? SessionCode.NotAuthenticated : Application.Admits(context);
        if (code == SessionCode.Ok) code = Begin(carrier, context, open.Publisher);
        if (code != SessionCode.Ok) carrier.Refuse(code, code == SessionCode.NotAuthenticated ? "a ticket is needed" : "");
    }

    private SessionCode Begin(Carrier carrier, CarrierContext context, ulong publisher)
    {
        var session = new Session(this, context, SessionToken.Random(), publisher);
        if (Interlocked.Increment(ref _count) > Options.MaxSessions)
        {
            Interlocked.Decrement(ref _count);
            return SessionCode.TooManySessions;
        }

        if (session.CountedUnder is { } owner)
        {
            lock (_ownersGate)
            {
                int count = _owners.GetValueOrDefault(owner);
                if (count >= Options.MaxSessionsPerOwner)
                {
                    Interlocked.Decrement(ref _count);
                    return SessionCode.TooManySessions;
                }

                _owners[owner] = count + 1;
            }
        }

        session.Attach(carrier);
        _sessions[session.Key] = session;
        Application.NotifyOpened(session);
        carrier.OnReady();
        // A stop that began meanwhile may have missed it.
        if (_isStopping) session.End(SessionCode.GoingAway, "the server stops");
        return SessionCode.Ok;
    }
}
