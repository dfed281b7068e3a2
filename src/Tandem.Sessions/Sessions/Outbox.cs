using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// The reliable frames of one direction that are not acknowledged yet: numbers Acked + 1 to End, of which those up to Sent were given to the present
/// carrier. Both ends of a session have one.
/// </summary>
internal sealed class Outbox
{
    private const int SmallRing = 4;

    // One frame has no ring: a session that is told something now and then never makes one.
    private SharedFrame? _only;
    private SharedFrame?[]? _ring;
    private int _head;
    private int _trimmedAt; // the low bits of End at the last Trim

    /// <summary>How many the peer has received.</summary>
    public long Acked { get; private set; }

    /// <summary>The number of the last frame that the present carrier was given.</summary>
    public long Sent { get; private set; }

    /// <summary>The number of the last frame that any carrier was given: more cannot have been received.</summary>
    public long EverSent { get; private set; }

    /// <summary>The number of the last frame.</summary>
    public long End { get; private set; }

    /// <summary>Frames that are subject to the window, and their bytes.</summary>
    public int WindowFrames { get; private set; }

    public long WindowBytes { get; private set; }

    /// <summary>Frames that are not, because nobody could hold them back, and their bytes.</summary>
    public int ControlFrames { get; private set; }

    public long ControlBytes { get; private set; }

    public int Count => (int)(End - Acked);

    public void Add(SharedFrame frame)
    {
        int count = Count;
        if (_ring is null && count == 0)
        {
            _only = frame;
        }
        else
        {
            if (_ring is null || count == _ring.Length) Grow();
            _ring![(_head + count) & (_ring.Length - 1)] = frame;
        }

        End++;
        Account(frame, 1);
    }

    /// <summary>The next frame for the present carrier.</summary>
    public bool TryTake(out SharedFrame? frame, out long number)
    {
        frame = null;
        number = 0;
        if (Sent == End) return false;
        frame = _ring is { } ring ? ring[(_head + (int)(Sent - Acked)) & (ring.Length - 1)] : _only;
        number = ++Sent;
        EverSent = Math.Max(EverSent, Sent);
        return true;
    }

    /// <summary>Forgets what the peer has received. Says which rule an impossible number breaks.</summary>
    /// <param name="received">How many it has received.</param>
    /// <param name="begins">Whether a carrier begins with it. Otherwise less than before is old news: over HTTP requests overtake each other.</param>
    public SessionFault Acknowledge(long received, bool begins = false)
    {
        if (received > EverSent) return SessionFault.AckOfUnsent;
        if (received < Acked) return begins ? SessionFault.AckGoesBack : SessionFault.None;
        for (; Acked < received; Acked++)
        {
            ref SharedFrame? first = ref _only;
            if (_ring is { } ring)
            {
                first = ref ring[_head];
                _head = (_head + 1) & (ring.Length - 1);
            }

            Account(first!, -1);
            first = null;
        }

        Sent = Math.Max(Sent, Acked);
        return SessionFault.None;
    }

    /// <summary>
    /// Gives the ring back when it is empty and nothing was added since the last call, which is to come now and then. Given back whenever
    /// all is acknowledged, it would be made anew for what follows each acknowledgement.
    /// </summary>
    public void Trim()
    {
        if (Acked == End && _trimmedAt == (int)End) (_ring, _head) = (null, 0);
        _trimmedAt = (int)End;
    }

    /// <summary>Whether there is something for <see cref="Trim"/> to give back, sooner or later. May be read without the lock.</summary>
    public bool HasRing => _ring is not null;

    /// <summary>Another carrier, or another try on the same: what was not acknowledged is given again.</summary>
    public void Rewind() => Sent = Acked;

    public void Clear()
    {
        (_only, _ring, _head) = (null, null, 0);
        (Acked, Sent) = (End, End);
        (WindowFrames, WindowBytes, ControlFrames, ControlBytes) = (0, 0, 0, 0);
    }

    private void Account(SharedFrame frame, int sign)
    {
        if (frame.Type is FrameType.Event or FrameType.Gap or FrameType.Delivery or FrameType.ServerMessage)
        {
            WindowFrames += sign;
            WindowBytes += sign * frame.Length;
        }
        else
        {
            ControlFrames += sign;
            ControlBytes += sign * frame.Length;
        }
    }

    private void Grow()
    {
        SharedFrame?[] ring;
        if (_ring is null)
        {
            ring = new SharedFrame?[SmallRing];
            (ring[0], _only) = (_only, null);
        }
        else
        {
            ring = new SharedFrame?[_ring.Length * 2];
            for (int i = 0; i < _ring.Length; i++) ring[i] = _ring[(_head + i) & (_ring.Length - 1)];
        }

        (_ring, _head) = (ring, 0);
    }
}
