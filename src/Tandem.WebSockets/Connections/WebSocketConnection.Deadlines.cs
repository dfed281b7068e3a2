using System.Net.WebSockets;

namespace Tandem.WebSockets;

/// <content>
/// Keep-alive and the deadline of the closing handshake: one timer for both, made when there is something to wait for. It is set to the
/// next moment at which something can be due, and looks then at what has happened since; receiving only notes the time.
/// </content>
public sealed partial class WebSocketConnection
{
    // Guarded by the gate.
    private ITimer? _timer;
    private bool _awaitsServerEnd;
    private bool _pinged;
    private long _pingedAt;
    private long _closeBegan;

    // Written by the receiver, read by the timer.
    private long _receivedAt;
    private long _waitingSince;
    private volatile bool _waits;

    private void StartKeepAlive()
    {
        if (_options.KeepAliveInterval == Timeout.InfiniteTimeSpan) return;
        _receivedAt = Now;
        Arm(_options.KeepAliveInterval);
    }

    private long Now => _options.TimeProvider.GetTimestamp();

    // Without a timer nobody asks for the time.
    private void BeginWait()
    {
        if (_timer is null) return;
        Volatile.Write(ref _waitingSince, Now);
        _waits = true;
    }

    private void EndWait()
    {
        if (_timer is null) return;
        _waits = false;
        Volatile.Write(ref _receivedAt, Now);
    }

    // The gate is held.
    private void ArmCloseDeadline()
    {
        if (_options.CloseTimeout == Timeout.InfiniteTimeSpan) return;
        long now = Now;
        if (_timer is null)
        {
            // A receive that began its wait before there was a clock begins it now.
            _receivedAt = _waitingSince = now;
            _waits = _receiver != Receiver.None;
        }

        _closeBegan = now;
        Arm(_options.CloseTimeout);
    }

    private void Arm(TimeSpan due)
    {
        // The timer must not keep a connection alive that its owner has lost.
        _timer ??= _options.TimeProvider.CreateTimer(
            static state =>
            {
                if (((WeakReference<WebSocketConnection>)state!).TryGetTarget(out WebSocketConnection? connection)) connection.OnTimer();
            },
            new WeakReference<WebSocketConnection>(this),
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        if (due == Timeout.InfiniteTimeSpan) return;
        // Timers count whole milliseconds: what is cut off would only make it look too early.
        TimeSpan least = TimeSpan.FromMilliseconds(1);
        _timer.Change(due < least ? least : due, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        bool drops;
        bool pings = false;
        lock (_gate)
        {
            if (_dropped) return;
            drops = _phase switch
            {
                WebSocketState.Open => IsKeepAliveOver(out pings),
                WebSocketState.CloseSent => IsSilent(_closeBegan, _options.CloseTimeout),
                WebSocketState.CloseReceived => false, // the application's turn
                _ => IsOver(_closeBegan, _options.CloseTimeout), // the last frames are on their way out
            };
        }

        if (drops) Abort(CloseInitiator.Timeout);
        else if (pings) _sender.Ping();
    }

    private bool IsKeepAliveOver(out bool pings)
    {
        pings = false;
        long received = Volatile.Read(ref _receivedAt);
        if (_pinged && received < _pingedAt && _options.KeepAliveTimeout != Timeout.InfiniteTimeSpan)
        {
            if (IsSilent(_pingedAt, _options.KeepAliveTimeout)) return true;
            // While nothing is received nobody can tell whether the peer answers; what is between here and there is to be kept awake all the same.
            pings = !_waits;
            return false;
        }

        TimeSpan silent = _options.TimeProvider.GetElapsedTime(received);
        _pinged = pings = silent >= _options.KeepAliveInterval;
        if (_pinged)
        {
            _pingedAt = Now;
            Arm(_options.KeepAliveTimeout == Timeout.InfiniteTimeSpan ? _options.KeepAliveInterval : _options.KeepAliveTimeout);
        }
        else
        {
            Arm(_options.KeepAliveInterval - silent);
        }

        return false;
    }

    // Silence is time without a byte during which a receive waits for one. Arms the timer for what is left of it.
    private bool IsSilent(long since, TimeSpan limit)
    {
        if (!_waits)
        {
            Arm(limit);
            return false;
        }

        return IsOver(Math.Max(Math.Max(since, Volatile.Read(ref _waitingSince)), Volatile.Read(ref _receivedAt)), limit);
    }

    private bool IsOver(long from, TimeSpan limit)
    {
        if (limit == Timeout.InfiniteTimeSpan) return false;
        TimeSpan left = limit - _options.TimeProvider.GetElapsedTime(from);
        if (left <= TimeSpan.Zero) return true;
        Arm(left);
        return false;
    }
}
