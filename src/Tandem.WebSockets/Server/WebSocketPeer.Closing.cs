using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <content>
/// The end of a turn, deadlines, and the end of the connection. What <see cref="ClosingHandshake"/> decides is only noted when it is
/// decided, possibly deep inside a handler's loop over its peers, and carried out by <see cref="Settle"/>: a handler is never called from
/// within a call that it makes.
/// </content>
public abstract partial class WebSocketPeer
{
    /// <summary>The end of the connection's part in a turn: sends, calls back, lets go.</summary>
    internal void Settle()
    {
        if (_notified) ReportNotified(); // what it sends is settled here
        _dirty = false;
        if (_released) return;
        if (_notified) MarkDirty(); // once more, in the next turn
        if (!_drops && !_blocked && _queue.Bytes != 0) Flush();
        if (!_drops && !_blocked && _queue.Bytes == 0)
        {
            if (_endsTransport && !_transportEnded)
            {
                _transportEnded = true;
                EndOutput();
            }

            if (_drainOwed) ReportDrain();
        }

        if (_phase is WebSocketState.Closed or WebSocketState.Aborted && !_closeReported) ReportClose();
        if (_drops) Release();
        else Watch();
        CountBuffered();
    }

    internal void OnDeadline()
    {
        if (_phase == WebSocketState.Open && Now >= _idleDue)
        {
            CloseNow(CloseInitiator.Timeout, WebSocketCloseStatus.EndpointUnavailable, "idle");
        }
        else if (_phase != WebSocketState.Open || _pingOutstanding)
        {
            Signal(CloseSignal.Deadline, CloseCause.Without(CloseInitiator.Timeout));
        }
        else
        {
            _pingOutstanding = true;
            WriteControl(Opcode.Ping, default);
            SetDue(Math.Min(DueAfter(Options.KeepAliveTimeout), _idleDue));
        }
    }

    internal void BeginStop()
    {
        if (_phase != WebSocketState.Open) return;
        if (Role == WebSocketRole.Server) CloseNow(CloseInitiator.Local, WebSocketCloseStatus.EndpointUnavailable, "the server is stopping");
        else CloseNow(CloseInitiator.Local, WebSocketCloseStatus.NormalClosure, "");
    }

    /// <summary>At the end of the loop: whatever state it is in, it ends now.</summary>
    internal void Drop()
    {
        AbortNow(CloseInitiator.Timeout);
        Settle();
    }

    // The peer is alive: the next ping is due after the interval.
    private protected void Touch()
    {
        if (_phase == WebSocketState.Open)
        {
            _pingOutstanding = false;
            SetDue(Math.Min(DueAfter(Options.KeepAliveInterval), _idleDue));
        }
        else if (!_transportEnded)
        {
            // Closing, with bytes still on their way out to a peer that takes them.
            SetDue(DueAfter(Options.CloseTimeout));
        }
    }

    private void CloseNow(CloseInitiator initiator, WebSocketCloseStatus status, string reason) =>
        Signal(CloseSignal.LocalClose, new CloseCause(initiator, status, reason, ProtocolFault.None));

    private protected void AbortNow(CloseInitiator initiator) => Signal(CloseSignal.Deadline, CloseCause.Without(initiator));

    private void HandlerFailed(Exception exception)
    {
        Report(exception);
        if (_phase == WebSocketState.Open) CloseNow(CloseInitiator.HandlerError, WebSocketCloseStatus.InternalServerError, "");
    }

    private protected void Signal(CloseSignal signal, in CloseCause cause)
    {
        WebSocketState before = _phase;
        (WebSocketState phase, CloseActions actions) = ClosingHandshake.Next(before, signal, Role);
        // The first cause stands, unless the closing handshake that it began was never finished.
        bool unfinished = before != WebSocketState.Closed && signal is CloseSignal.TransportEnd or CloseSignal.Deadline;
        if (!_closeReported && (_cause is null || (unfinished && before != WebSocketState.Aborted))) _cause = new StrongCause(cause);
        _phase = phase;
        MarkDirty();
        if ((actions & CloseActions.SendClose) != 0)
        {
            Span<byte> frame = _queue.Reserve(FrameHeader.MaxControlPayload + FrameHeader.MaxLength, _segments, large: false);
            _queue.Commit(_writer.WriteClose(frame, cause.Status, cause.Reason, NextMaskingKey()));
        }

        if (before == WebSocketState.Open) SetDue(DueAfter(Options.CloseTimeout));
        _endsTransport |= (actions & CloseActions.EndTransport) != 0;
        _drops |= (actions & CloseActions.DropTransport) != 0;
    }

    private void ReportDrain()
    {
        _drainOwed = false;
        if (_phase != WebSocketState.Open) return;
        try
        {
            _route.Handler.OnDrain(this);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    private void ReportNotified()
    {
        _notified = false;
        if (_phase != WebSocketState.Open) return;
        try
        {
            _route.Handler.OnNotified(this);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    private void ReportClose()
    {
        _closeReported = true;
        CloseCause cause = _cause!.Value;
        _route.Telemetry.Closed(in cause);
        Options.ReportClosed(this, in cause);
        try
        {
            _route.Handler.OnClose(this, in cause);
        }
        catch (Exception exception)
        {
            Report(exception);
        }
    }

    /// <summary>How it has ended, once it has.</summary>
    private protected CloseCause Cause => _cause!.Value;

    private void Release()
    {
        _released = true;
        _traffic.Connections--;
        _deflate?.Dispose();
        DropCarry();
        DropHeld();
        ReleaseTransport();
    }

    private long DueAfter(TimeSpan wait) => wait == Timeout.InfiniteTimeSpan ? ConnectionTable.Never : Now + (long)wait.TotalMilliseconds;
}
