using System.Threading.Tasks.Sources;

namespace Tandem.WebSockets.Sockets;

/// <summary>
/// One direction of a socket: whether the kernel is worth asking, and the one operation that waits until it is. That goes on where it is told, at once.
/// </summary>
/// <remarks>
/// Events come once (edge-triggered), on other threads than those that receive and send. So the state is three bits, changed by interlocked operations alone. Who takes
/// Waiting away has the operation: it alone tries again, completes it, or puts it back.
/// </remarks>
internal abstract class SocketOperation : IValueTaskSource<int>, IValueTaskSource, IThreadPoolWorkItem
{
    private const int Ready = 1; // an event came since the kernel was asked last, or it may have more; so it is in the beginning
    private const int Waiting = 2; // never with Ready
    private const int Ended = 4;

    private volatile int _state = Ready;
    private ManualResetValueTaskSourceCore<int> _core;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    /// <summary>An event has come.</summary>
    /// <returns>Whether an operation waited for it, which the caller has now, and gives on to <see cref="Execute"/>.</returns>
    public bool Tell()
    {
        while (true)
        {
            int state = _state;
            if ((state & Waiting) != 0)
            {
                if (Interlocked.CompareExchange(ref _state, state & ~Waiting, state) == state) return true;
            }
            else if ((state & Ready) != 0 || Interlocked.CompareExchange(ref _state, state | Ready, state) == state)
            {
                return false;
            }
        }
    }

    /// <summary>Goes on with an operation that has been told.</summary>
    public void Execute()
    {
        while (true)
        {
            try
            {
                if (TryOnce(isTold: true, out int result))
                {
                    _registration.Dispose();
                    _core.SetResult(result);
                    return;
                }
            }
            catch (IOException exception)
            {
                Complete(exception);
                return;
            }
            catch (ObjectDisposedException)
            {
                // The stream was disposed of behind the event: what waited then ends as if there had been none.
                Complete(SocketStream.Aborted());
                return;
            }

            if (Interlocked.CompareExchange(ref _state, Waiting, 0) == 0)
            {
                CancelIfRequested();
                return;
            }

            if (TakeReady()) continue;
            Complete(SocketStream.Aborted());
            return;
        }
    }

    /// <summary>The stream has been disposed of: what waits ends, and nothing waits any more.</summary>
    public void End()
    {
        if ((Interlocked.Exchange(ref _state, Ended) & Waiting) != 0) CompleteLater(static operation => operation.Complete(SocketStream.Aborted()));
    }

    int IValueTaskSource<int>.GetResult(short token) => _core.GetResult(token);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Asks the kernel.</summary>
    /// <param name="isTold">Whether an event has just told that it is worth it.</param>
    /// <param name="result">What came of it.</param>
    /// <returns>False when it has nothing, or takes nothing.</returns>
    /// <exception cref="IOException">The connection has failed.</exception>
    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    protected abstract bool TryOnce(bool isTold, out int result);

    /// <summary>Worth asking again, whatever it says to others.</summary>
    protected void KeepReady() => Interlocked.Or(ref _state, Ready);

    /// <summary>Asks the kernel, where that is worth it, and else begins to wait.</summary>
    /// <returns>False when an operation waits, which is awaited by <paramref name="version"/>. It may have been completed already.</returns>
    /// <exception cref="IOException">The connection has failed.</exception>
    /// <exception cref="ObjectDisposedException">The socket has been closed.</exception>
    protected bool TryOrWait(CancellationToken token, out int result, out short version)
    {
        version = 0;
        while (true)
        {
            ObjectDisposedException.ThrowIf((_state & Ended) != 0, typeof(SocketStream));
            if (TakeReady() && TryOnce(isTold: false, out result)) return true;
            if (TryWait(token, out version))
            {
                result = 0;
                return false;
            }
        }
    }

    private bool TryWait(CancellationToken token, out short version)
    {
        _core.Reset();
        version = _core.Version; // what waits may be over, and the source in use again, before this returns
        _token = token;
        _registration = token.UnsafeRegister(static state => ((SocketOperation)state!).Cancel(), this);
        if (Interlocked.CompareExchange(ref _state, Waiting, 0) != 0)
        {
            _registration.Dispose();
            return false;
        }

        CancelIfRequested();
        return true;
    }

    // Of two who take it one has it.
    private bool TakeReady() => (_state & Ready) != 0 && (Interlocked.And(ref _state, ~Ready) & Ready) != 0;

    // The token may have been cancelled while there was nothing that waited.
    private void CancelIfRequested()
    {
        if (_token.IsCancellationRequested) Cancel();
    }

    private void Cancel()
    {
        if (Interlocked.CompareExchange(ref _state, 0, Waiting) != Waiting) return;
        // Who completes an operation waits for this callback to return.
        CompleteLater(static operation => operation.Complete(new OperationCanceledException(operation._token)));
    }

    // Who disposes or cancels may hold a lock, and what goes on then may take its time.
    private void CompleteLater(Action<SocketOperation> complete) => ThreadPool.UnsafeQueueUserWorkItem(complete, this, preferLocal: false);

    private void Complete(Exception exception)
    {
        _registration.Dispose();
        _core.SetException(exception);
    }
}
