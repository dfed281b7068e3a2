using System.Diagnostics.CodeAnalysis;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Sessions;

/// <summary>
/// A session's frames over HTTP: streaming, long polling and polling are one carrier, since each of their requests says where it goes on. It has no
/// connection and no task of its own. One request at a time is the way down; a newer one takes over, and what the older one had not
/// confirmed is sent again there.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A semaphore whose handle nobody asks for has nothing to dispose.")]
internal sealed class HttpCarrier(SessionHub hub, CarrierContext context) : Carrier(hub, context)
{
    private readonly Lock _gate = new();
    // What the base asks for: frames of one request at a time.
    private readonly SemaphoreSlim _receiving = new(1);
    private volatile Downstream? _down;
    private volatile EndOfCarrier? _end;

    /// <summary>Why it has ended; null: it has not, or its session was only detached.</summary>
    public EndOfCarrier? End => _end;

    /// <summary>Whether there was a request that is the way down.</summary>
    public bool HasWayDown => _down is not null;

    /// <summary>Takes in the body of a request, behind those that came before it.</summary>
    public async Task<BodyStatus> ReceiveBodyAsync(ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        await _receiving.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return ReceiveBody(body.Span);
        }
        finally
        {
            _receiving.Release();
        }
    }

    /// <summary>Makes a request the way down.</summary>
    /// <param name="received">How many frames its client has.</param>
    /// <returns>Null: the count cannot be, or the session is elsewhere by now.</returns>
    public Downstream? Take(long received)
    {
        Downstream? older;
        var down = new Downstream(this);
        bool hasSession;
        lock (_gate)
        {
            older = _down;
            _down = down;
            // Under the lock, so that the older one takes nothing behind it.
            hasSession = Rewind(received);
        }

        older?.Wake();
        // The end may have come before it was there to be woken.
        Interlocked.MemoryBarrier();
        if (_end is not null) down.Wake();
        return hasSession ? down : null;
    }

    protected override void OnReady() => _down?.Wake();

    // Without the lock: that is held while the session is spoken to, and who ends it may hold locks of its own.
    protected override void OnEnded(SessionCode code, string reason)
    {
        _end = new EndOfCarrier(code, reason);
        Interlocked.MemoryBarrier();
        _down?.Wake();
    }

    internal sealed record EndOfCarrier(SessionCode Code, string Reason);

    /// <summary>A request on its way down.</summary>
    internal sealed class Downstream(HttpCarrier carrier)
    {
        private readonly SemaphoreSlim _wake = new(0);

        /// <summary>Whether it is the way down no more: a newer request is, or the carrier has ended.</summary>
        public bool IsOver => carrier._down != this || carrier._end is not null;

        public bool TryTake([NotNullWhen(true)] out SharedFrame? frame, out long number)
        {
            lock (carrier._gate)
            {
                if (carrier._down == this) return carrier.TryTake(out frame, out number);
            }

            (frame, number) = (null, 0);
            return false;
        }

        /// <summary>Waits for something to take, or the end.</summary>
        /// <returns>False: the time is over.</returns>
        public Task<bool> WaitAsync(TimeSpan wait, CancellationToken cancellation) => _wake.WaitAsync(wait, cancellation);

        // One is enough, and one too many only makes it look.
        public void Wake()
        {
            if (_wake.CurrentCount == 0) _wake.Release();
        }
    }
}
