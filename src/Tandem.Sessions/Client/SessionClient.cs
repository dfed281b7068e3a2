using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// The client's end of a session, without I/O: what it was asked for goes into frames that a carrier takes, and outlives the carrier and, as far as that
/// is possible, the session. Not safe for use by several threads at once: whoever drives it calls it, one call after the other.
/// </summary>
public sealed partial class SessionClient
{
    private readonly SessionClientEvents _events;
    private readonly TimeProvider _time;
    private readonly int _maxWaiting;
    private State _state = State.Detached;
    private Outbox _outbox = new();
    private byte[] _token = [];
    private long _received;
    private int _owedFrames;
    private int _owedBytes;
    private long _owedSince;
    private bool _isAckDue;
    private bool _hasTaken;
    private bool _isSignaled;
    private SharedFrame? _open;
    private SharedFrame? _close;
    private long _pong = -1;
    private bool _pingDue;
    private long _lastSent;
    private long _lastHeard;

    /// <summary>Makes a client that has no session yet.</summary>
    /// <param name="events">What is told.</param>
    /// <param name="maxWaiting">Most requests and messages that wait to be sent or for an answer. Default 1024.</param>
    /// <param name="timeProvider">The clock. Default: the system's.</param>
    public SessionClient(SessionClientEvents events, int maxWaiting = 1024, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxWaiting, 1);
        _events = events;
        _maxWaiting = maxWaiting;
        _time = timeProvider ?? TimeProvider.System;
        Span<byte> publisher = stackalloc byte[sizeof(ulong)];
        do RandomNumberGenerator.Fill(publisher);
        while (BinaryPrimitives.ReadUInt64BigEndian(publisher) == 0);
        Publisher = BinaryPrimitives.ReadUInt64BigEndian(publisher);
    }

    private enum State
    {
        Detached,
        Opening,
        Open,
    }

    /// <summary>The random number under which this client publishes, in all its sessions.</summary>
    public ulong Publisher { get; }

    /// <summary>The session's id; empty: there was none yet.</summary>
    public string Id { get; private set; } = "";

    /// <summary>Whether a carrier has the session.</summary>
    public bool IsOpen => _state == State.Open;

    /// <summary>The present token, for HTTP carriers.</summary>
    public ReadOnlySpan<byte> Token => _token;

    /// <summary>How many reliable frames were received in this session, for HTTP carriers.</summary>
    public long Received => _received;

    /// <summary>The server's longest silence; zero before the session is open.</summary>
    public TimeSpan Heartbeat { get; private set; }

    /// <summary>Most bytes of a frame.</summary>
    public int MaxFrameBytes { get; private set; } = ProtocolLimits.MinFrameBytes;

    /// <summary>
    /// Whether acknowledgements are held back, because the application has more of what came than it wants to keep waiting. The server goes on to the end
    /// of its window, and then applies the policies of its topics; answers come all the same, and so does the heartbeat.
    /// </summary>
    public bool IsHolding
    {
        get;
        set
        {
            field = value;
            if (value || _owedFrames == 0) return;
            _isAckDue = true;
            Signal();
        }
    }

    /// <summary>A carrier is there: OPEN is the first that it takes. One that there was is forgotten.</summary>
    /// <param name="ticket">A connect ticket; empty: none.</param>
    public void Attach(string ticket = "")
    {
        Detach();
        _state = State.Opening;
        _open = new OpenFrame
        {
            Version = ProtocolLimits.Version, Publisher = Publisher, Received = _token.Length > 0 ? _received : 0, Token = _token,
            Ticket = Encoding.ASCII.GetBytes(ticket),
        }.ToShared();
        _lastSent = _lastHeard = _time.GetTimestamp();
        Signal(force: true);
    }

    /// <summary>The carrier is gone.</summary>
    public void Detach()
    {
        _state = State.Detached;
        (_open, _close, _pong, _pingDue, _hasTaken, _isSignaled) = (null, null, -1, false, false, false);
        // The next OPEN acknowledges.
        (_owedFrames, _owedBytes, _isAckDue) = (0, 0, false);
        _outbox.Rewind();
    }

    /// <summary>Takes the next frame that is to be sent.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="number">The number of a reliable frame; 0 for a link frame.</param>
    /// <returns>False: nothing more; OnReady is called when there is.</returns>
    public bool TryTake([NotNullWhen(true)] out SharedFrame? frame, out long number)
    {
        bool found = TakeNext(out frame, out number);
        _hasTaken = found;
        _isSignaled &= found;
        if (found) _lastSent = _time.GetTimestamp();
        return found;
    }

    /// <summary>What was sent and not acknowledged is sent again: another try of an HTTP request.</summary>
    public void Rewind()
    {
        _outbox.Rewind();
        Signal();
    }

    /// <summary>Takes in a frame.</summary>
    /// <param name="frame">The whole frame. It is not kept.</param>
    /// <param name="number">The number of a reliable frame where the carrier states it; 0: it is the next one.</param>
    public void Receive(ReadOnlySpan<byte> frame, long number = 0)
    {
        // Behind CLOSE nothing is said, so nothing is heard either.
        if (_state == State.Detached || _close is not null) return;
        _lastHeard = _time.GetTimestamp();
        SessionFault fault = frame.IsEmpty ? SessionFault.EmptyFrame : ProtocolTable.Judge((FrameType)frame[0], fromServer: true);
        if (fault == SessionFault.None)
        {
            bool isReliable = ProtocolTable.IsReliable((FrameType)frame[0]);
            if (_state == State.Opening && isReliable) fault = SessionFault.ExpectedOpen;
            else if (isReliable && number > 0 && number <= _received) return;
            else if (isReliable && number > _received + 1) fault = SessionFault.BodyOutOfOrder;
            else fault = isReliable ? Count(frame) : ReceiveLink(frame);
        }

        if (fault != SessionFault.None) Fail(fault);
    }

    /// <summary>Takes in the body of an answer: of its reliable frames those that are new.</summary>
    /// <param name="body">The whole body. It is not kept.</param>
    public void ReceiveBody(ReadOnlySpan<byte> body)
    {
        var frames = new FrameBody(body, int.MaxValue);
        long number = frames.First;
        while (frames.TryRead(out ReadOnlySpan<byte> frame))
        {
            bool isReliable = ProtocolTable.IsReliable((FrameType)frame[0]);
            if (isReliable && number == 0)
            {
                Fail(SessionFault.MissingBodyNumber);
                return;
            }

            Receive(frame, isReliable ? number++ : 0);
        }

        if (frames.Fault != SessionFault.None) Fail(frames.Fault);
    }

    /// <summary>To be called every 100 ms or so: acknowledgements that have waited, and the heartbeat.</summary>
    /// <returns>False: the carrier is dead, to be given up and detached.</returns>
    public bool Tick()
    {
        if (_state == State.Detached) return true;
        _outbox.Trim();
        if (_owedFrames > 0 && _time.GetElapsedTime(_owedSince).TotalMilliseconds >= ProtocolLimits.AckMilliseconds / 2) _isAckDue = true;
        if (_state == State.Open && _time.GetElapsedTime(_lastSent) >= Heartbeat)
        {
            _pingDue = true;
            Signal(force: true);
        }

        Signal();
        return _state != State.Open || _time.GetElapsedTime(_lastHeard) < 2 * Heartbeat;
    }

    /// <summary>Ends the session. CLOSE is the last that the carrier takes; a client that is attached again begins a new session.</summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">Why, for people who read logs.</param>
    public void Close(SessionCode code = SessionCode.Ok, string reason = "")
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (_state != State.Detached) _close = new CloseFrame { Code = code, Reason = Names.Reason(reason) }.ToShared();
        _token = [];
        Signal(force: true);
    }

    private bool TakeNext([NotNullWhen(true)] out SharedFrame? frame, out long number)
    {
        number = 0;
        if (_open is { } open)
        {
            (frame, _open) = (open, null);
            return true;
        }

        if (_close is { } close)
        {
            Detach();
            frame = close;
            return true;
        }

        if (_pong >= 0)
        {
            (frame, _pong) = (new PongFrame { Opaque = _pong }.ToShared(), -1);
            return true;
        }

        frame = null;
        if (_state != State.Open) return false;
        if (_pingDue)
        {
            (frame, _pingDue) = (new PingFrame().ToShared(), false);
            return true;
        }

        if (_outbox.TryTake(out frame, out number)) return frame is not null;
        if (_owedFrames == 0 || IsHolding || !(_isAckDue || _hasTaken)) return false;
        (_owedFrames, _owedBytes, _isAckDue) = (0, 0, false);
        frame = new AckFrame { Received = _received }.ToShared();
        return true;
    }

    private SessionFault ReceiveLink(ReadOnlySpan<byte> bytes)
    {
        SessionFault fault;
        switch ((FrameType)bytes[0])
        {
            case FrameType.Opened:
                fault = OpenedFrame.Read(bytes, out OpenedFrame opened);
                if (fault != SessionFault.None) return fault;
                return _state == State.Opening && _open is null ? Opened(opened) : SessionFault.UnexpectedOpen;
            case FrameType.Ack:
                fault = AckFrame.Read(bytes, out AckFrame ack);
                return fault == SessionFault.None ? _outbox.Acknowledge(ack.Received) : fault;
            case FrameType.Ping:
                fault = PingFrame.Read(bytes, out PingFrame ping);
                if (fault != SessionFault.None) return fault;
                _pong = ping.Opaque;
                Signal(force: true);
                return fault;
            case FrameType.Pong:
                return PongFrame.Read(bytes, out _);
            default:
                fault = CloseFrame.Read(bytes, out CloseFrame close);
                if (fault != SessionFault.None) return fault;
                SessionCode code = close.Code;
                string reason = Encoding.UTF8.GetString(close.Reason);
                Detach();
                _token = [];
                _events.OnClosed(code, reason);
                return fault;
        }
    }

    private SessionFault Opened(OpenedFrame opened)
    {
        bool resumed = (opened.Flags & OpenedFlags.Resumed) != 0;
        if (resumed)
        {
            // The server cannot resume what it was not asked to resume.
            if (_token.Length == 0) return SessionFault.UnexpectedOpen;
            SessionFault fault = _outbox.Acknowledge(opened.Received, begins: true);
            if (fault != SessionFault.None) return fault;
        }

        bool hadSession = Id.Length > 0;
        Id = Encoding.UTF8.GetString(opened.Session);
        _token = opened.Token.ToArray();
        Heartbeat = TimeSpan.FromSeconds(Math.Min(opened.Heartbeat, 86400));
        MaxFrameBytes = (int)Math.Min(opened.MaxFrame, 16 * 1024 * 1024);
        _maxRequests = (int)Math.Min(opened.MaxRequests, int.MaxValue);
        _state = State.Open;
        int unconfirmed = resumed ? 0 : Restore();
        if (hadSession && !resumed) _events.OnLost(unconfirmed);
        _events.OnOpened(resumed);
        Move();
        // The first frame behind OPENED shows the server that its token has arrived.
        if (resumed && _outbox.Sent == _outbox.End)
        {
            _owedFrames = Math.Max(_owedFrames, 1);
            _isAckDue = true;
        }

        Signal();
        return SessionFault.None;
    }

    private SessionFault Count(ReadOnlySpan<byte> frame)
    {
        _received++;
        if (_owedFrames++ == 0) _owedSince = _time.GetTimestamp();
        _owedBytes += frame.Length;
        _isAckDue |= _owedFrames >= ProtocolLimits.AckFrames || _owedBytes >= ProtocolLimits.AckBytes;
        SessionFault fault = Carry(frame);
        Signal();
        return fault;
    }

    private void Fail(SessionFault fault)
    {
        if (_state == State.Detached) return;
        Close(SessionCode.ProtocolError, fault.Text());
        _events.OnClosed(SessionCode.ProtocolError, fault.Text());
    }

    private void Signal(bool force = false)
    {
        if (_isSignaled || _state == State.Detached) return;
        if (!force && (_state != State.Open || (_outbox.Sent == _outbox.End && !_isAckDue))) return;
        _isSignaled = true;
        _events.OnReady();
    }
}
