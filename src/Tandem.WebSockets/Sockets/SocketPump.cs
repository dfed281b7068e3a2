using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Sockets;

/// <summary>
/// Tells the sockets of <see cref="SocketStream"/>s that they are ready, on threads of the pool: what waits for a socket goes on right there. While there is work, those
/// threads look for more themselves, and the thread that waits for the kernel sleeps; so a busy process is not switched between the two for every few messages.
/// </summary>
/// <remarks>
/// What goes on may be anything, an application that blocks its thread too. The others are not held up by it: where there is more than one socket to tell, another worker
/// is asked for, up to one for each processor, and where no worker has come forward for some milliseconds, one more.
/// </remarks>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "There is one, for as long as the process lives.")]
internal sealed class SocketPump : IThreadPoolWorkItem
{
    // Most sockets taken from the kernel by one call.
    private const int Batch = 256;

    // In milliseconds, for which a worker goes on before other work of the pool has a turn. Some thousand messages.
    private const int Quantum = 10;

    // In milliseconds: what a handler that blocks may cost the others, once. Many times what one takes that does not.
    private const int StallCheck = 5;

    private const int Initial = 64;

    private readonly Epoll _sockets = new(Batch);
    private readonly Epoll _news = new(1); // waits for the other one, which says once that it has something, and again when it is asked to
    private readonly Lock _gate = new();
    private readonly int _workersWanted = Environment.ProcessorCount;

    // Guarded by the gate.
    private readonly Stack<int> _free = new();
    private SocketStream?[] _streams = new SocketStream?[Initial];
    private int _used; // slots below it have been used at least once
    private int _next; // the first of the batch that nobody has taken
    private int _count; // of the batch
    private int _generation;
    private volatile int _workers; // at work, or queued
    private bool _isQueued; // one of them, and never more: a pool that comes to none of its work is not helped by another item
    private long _taken;

    private SocketPump()
    {
        _news.Add(_sockets.Descriptor, EpollEvents.In | EpollEvents.OneShot, 0);
        // Of the process, as its sockets are, and it does not keep it from ending.
        new Thread(WaitForNews) { IsBackground = true, Name = "Tandem sockets" }.UnsafeStart();
    }

    /// <summary>That of the process.</summary>
    public static SocketPump Shared { get; } = new();

    /// <summary>Registers a socket; its stream may be told of events before this returns.</summary>
    /// <param name="stream">Has its key set.</param>
    /// <param name="descriptor">Of its socket.</param>
    /// <param name="error">errno, when the kernel refuses.</param>
    public bool TryAdd(SocketStream stream, int descriptor, out int error)
    {
        lock (_gate)
        {
            if (!_free.TryPop(out int slot))
            {
                slot = _used++;
                if (slot == _streams.Length) Array.Resize(ref _streams, slot * 2);
            }

            // Events of a socket that used the slot before may still be on their way.
            stream.Key = ((long)++_generation << 32) | (uint)slot;
            _streams[slot] = stream;
        }

        const EpollEvents all = EpollEvents.In | EpollEvents.Out | EpollEvents.PeerHangUp | EpollEvents.EdgeTriggered;
        bool isAdded = _sockets.Add(descriptor, all, stream.Key);
        error = isAdded ? 0 : Marshal.GetLastSystemError(); // before a lock can change it
        if (isAdded) return true;
        Remove(stream.Key, descriptor: -1);
        return false;
    }

    /// <summary>Forgets a socket.</summary>
    /// <param name="key">Of its stream.</param>
    /// <param name="descriptor">Negative for one that the kernel does not know, or has forgotten: it does when the last copy is closed.</param>
    public void Remove(long key, int descriptor)
    {
        if (descriptor >= 0) _sockets.Delete(descriptor);
        int slot = (int)key;
        lock (_gate)
        {
            _streams[slot] = null;
            _free.Push(slot);
        }
    }

    /// <summary>A worker's turn.</summary>
    public void Execute()
    {
        long until = Environment.TickCount64 + Quantum;
        lock (_gate) _isQueued = false;
        while (TryTake(out SocketStream? stream, out EpollEvents events, out bool wantsHelp))
        {
            if (wantsHelp) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            stream?.OnEvents(events);
            if (Environment.TickCount64 >= until)
            {
                EndTurn();
                return;
            }
        }
    }

    private void EndTurn()
    {
        lock (_gate)
        {
            if (_isQueued)
            {
                _workers--; // another one comes anyway
                return;
            }

            _isQueued = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    // False where there is nothing, and the worker ends.
    private bool TryTake(out SocketStream? stream, out EpollEvents events, out bool wantsHelp)
    {
        lock (_gate)
        {
            if (_next == _count)
            {
                _next = 0;
                _count = _sockets.Wait(0);
                if (_count == 0)
                {
                    _workers--;
                    _news.Modify(_sockets.Descriptor, EpollEvents.In | EpollEvents.OneShot, 0);
                    (stream, events, wantsHelp) = (null, EpollEvents.None, false);
                    return false;
                }
            }

            long key = _sockets.Take(_next++, out events);
            stream = _streams[(int)key];
            if (stream?.Key != key) stream = null;
            _taken++;
            wantsHelp = _next < _count && _workers < _workersWanted && !_isQueued;
            if (wantsHelp) AddWorker();
            return true;
        }
    }

    private void WaitForNews()
    {
        long seen = 0;
        while (true)
        {
            // Only this thread makes a first worker, so none can come while it waits for ever.
            bool news = _news.Wait(_workers == 0 ? -1 : StallCheck) != 0;
            bool starts;
            lock (_gate)
            {
                // There is news only where a worker has found nothing, and ended.
                starts = !_isQueued && (news || (_workers != 0 && _taken == seen));
                seen = _taken;
                if (starts) AddWorker();
            }

            if (starts) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    // The gate is held; the caller queues it without.
    private void AddWorker()
    {
        _workers++;
        _isQueued = true;
    }
}
