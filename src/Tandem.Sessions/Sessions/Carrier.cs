using System.Diagnostics.CodeAnalysis;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>What came of the body of an HTTP carrier.</summary>
public enum BodyStatus
{
    /// <summary>All its frames are received, now or before.</summary>
    Received,

    /// <summary>Its first frame is not the next one expected; nothing of it is received, and the session goes on.</summary>
    OutOfOrder,

    /// <summary>A frame broke a rule, and the session is closed; or the body broke one.</summary>
    Malformed,

    /// <summary>This carrier does not have the session any more.</summary>
    Ended,
}

/// <summary>
/// What moves the frames of a session at the moment: the base of everything that does, over a WebSocket or HTTP. A carrier receives frames one at a
/// time, the first of which is OPEN; it is told when there is something to take, and takes as much as it has room for.
/// <see cref="TryTake"/>, <see cref="Rewind"/> and <see cref="Detach"/> may be called by any thread; the other calls come from one thread at a time.
/// </summary>
public abstract class Carrier
{
    // Of all that have no session yet: what happens under it is a few assignments.
    private static readonly object s_openGate = new();

    // What is sent before and after the session's own frames. Guarded by the session, or by the gate above while there is none.
    private SharedFrame? _answer;
    private SharedFrame? _close;
    private long _pong = -1;
    private bool _pingDue;

    /// <summary>Makes a carrier that has no session yet.</summary>
    /// <param name="hub">Where OPEN finds its session.</param>
    /// <param name="context">Who it is.</param>
    protected Carrier(SessionHub hub, CarrierContext context)
    {
        ArgumentNullException.ThrowIfNull(hub);
        ArgumentNullException.ThrowIfNull(context);
        Hub = hub;
        Context = context;
    }

    /// <summary>The hub.</summary>
    public SessionHub Hub { get; }

    /// <summary>Who opened it.</summary>
    public CarrierContext Context { get; }

    /// <summary>The session, from OPEN on, also when another carrier has it by now. Null: none yet, or refused.</summary>
    public Session? Session { get; private set; }

    internal bool IsEnded { get; set; }

    internal bool IsSignaled { get; set; }

    internal SessionCode? EndCode { get; private set; }

    /// <summary>When it last took a frame, and when it last brought one, in ticks of the hub's clock.</summary>
    internal long LastSent { get; set; }

    internal long LastHeard { get; set; }

    /// <summary>Whether frames are owed an ACK since some were taken: it goes behind them.</summary>
    internal bool HasTaken { get; set; }

    private object Gate => Session?.Gate ?? s_openGate;

    /// <summary>Takes in a frame.</summary>
    /// <param name="frame">The whole frame. It is not kept.</param>
    public void Receive(ReadOnlySpan<byte> frame) => Receive(frame, 0);

    /// <summary>Takes in the body of a request: its link frames, and of its reliable frames those that are new.</summary>
    /// <param name="body">The whole body. It is not kept.</param>
    /// <returns>What to answer.</returns>
    public BodyStatus ReceiveBody(ReadOnlySpan<byte> body)
    {
        // Looked through as a whole first: half a body is worse than none.
        var check = new FrameBody(body, Hub.Options.MaxFrameBytes);
        while (check.TryRead(out ReadOnlySpan<byte> frame))
        {
            if (check.First == 0 && ProtocolTable.IsReliable((FrameType)frame[0])) return Fail(SessionFault.MissingBodyNumber);
        }

        if (check.Fault != SessionFault.None) return Fail(check.Fault);
        if (Session is { } session && check.First > session.Received + 1) return BodyStatus.OutOfOrder;
        var frames = new FrameBody(body, Hub.Options.MaxFrameBytes);
        long number = frames.First;
        while (frames.TryRead(out ReadOnlySpan<byte> frame)) Receive(frame, ProtocolTable.IsReliable((FrameType)frame[0]) ? number++ : 0);
        lock (Gate)
        {
            return EndCode is SessionCode.ProtocolError or SessionCode.FrameTooLarge ? BodyStatus.Malformed : IsEnded ? BodyStatus.Ended : BodyStatus.Received;
        }
    }

    /// <summary>Takes the next frame that is to be sent. To be called until it returns false, or until the carrier is full; then again when it has room.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="number">The number of a reliable frame; 0 for a link frame.</param>
    /// <returns>False: nothing more; <see cref="OnReady"/> is called when there is.</returns>
    public bool TryTake([NotNullWhen(true)] out SharedFrame? frame, out long number)
    {
        bool found, notesAck = false;
        lock (Gate)
        {
            found = TakeLocked(out frame, out number);
            if (found)
            {
                LastSent = Hub.LastTick;
                HasTaken = true;
            }
            else
            {
                IsSignaled = false;
                HasTaken = false;
                notesAck = Session?.ShouldNoteAck() ?? false;
            }
        }

        if (notesAck) Hub.NoteAck(Session!);
        return found;
    }

    /// <summary>What is sent is sent again from the frame behind those that the client says it has received: another request of the same HTTP carrier.</summary>
    /// <param name="received">How many it has received.</param>
    /// <returns>False: it cannot have, or this carrier does not have the session any more.</returns>
    public bool Rewind(long received) => Session is { } session && session.Rewind(this, received);

    /// <summary>The carrier is gone, or was heard to be: the session waits for the next one. May be called twice, and after another has taken over.</summary>
    public void Detach() => Session?.Detach(this);

    /// <summary>There is something to take. Called once until <see cref="TryTake"/> has returned false; no lock is held, on any thread.</summary>
    protected internal abstract void OnReady();

    /// <summary>
    /// The carrier has no session any more. What can still be taken (a CLOSE, where the session is over) is to be sent, then the carrier ends. Called
    /// once, no lock is held, on any thread; not called after <see cref="Detach"/>.
    /// </summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">Why, for people who read logs.</param>
    protected internal abstract void OnEnded(SessionCode code, string reason);

    /// <summary>Gives the carrier its session and the answer to its OPEN. The session's lock is held.</summary>
    internal void Bind(Session session, SharedFrame? answer)
    {
        Session = session;
        _answer = answer;
        LastSent = LastHeard = Hub.Now;
    }

    /// <summary>There will be no session.</summary>
    internal void Refuse(SessionCode code, string reason)
    {
        lock (s_openGate)
        {
            if (IsEnded) return;
            SetClose(code, reason);
        }

        OnEnded(code, reason);
    }

    /// <summary>The last frame of this carrier. Its lock is held.</summary>
    internal void SetClose(SessionCode code, string reason)
    {
        IsEnded = true;
        EndCode = code;
        _close = new CloseFrame { Code = code, Reason = Names.Reason(reason) }.ToShared();
    }

    internal void SetPong(long opaque) => _pong = opaque;

    internal void SetPing() => _pingDue = true;

    private BodyStatus Fail(SessionFault fault)
    {
        if (Session is { } session) session.Fail(this, fault);
        else Refuse(SessionCode.ProtocolError, fault.Text());
        return BodyStatus.Malformed;
    }

    private void Receive(ReadOnlySpan<byte> frame, long number)
    {
        if (Session is { } session) session.Receive(this, frame, number);
        else if (!IsEnded) Hub.Open(this, frame);
    }

    private bool TakeLocked([NotNullWhen(true)] out SharedFrame? frame, out long number)
    {
        number = 0;
        if (_answer is { } answer)
        {
            (frame, _answer) = (answer, null);
            return true;
        }

        if (IsEnded)
        {
            (frame, _close) = (_close, null);
            return frame is not null;
        }

        if (Session is null)
        {
            frame = null;
            return false;
        }

        if (_pong >= 0)
        {
            (frame, _pong) = (new PongFrame { Opaque = _pong }.ToShared(), -1);
            return true;
        }

        if (_pingDue)
        {
            (frame, _pingDue) = (new PingFrame { Opaque = 0 }.ToShared(), false);
            return true;
        }

        return Session.TryTake(this, out frame, out number);
    }
}
