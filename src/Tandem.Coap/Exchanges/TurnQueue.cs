namespace Tandem.Coap.Exchanges;

/// <summary>
/// Lets so many in at a time, in the order in which they came. A turn is for a whole body: the blocks of one request are not overtaken by the next one, which NSTART for single
/// messages would allow.
/// </summary>
internal sealed class TurnQueue(int atATime, int maxWaiting)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = new();
    private int _free = atATime;

    /// <summary>Waits for a turn, which ends when the result is disposed.</summary>
    /// <exception cref="CoapException">Too many wait.</exception>
    public async ValueTask<Turn> EnterAsync(CancellationToken cancellationToken)
    {
        LinkedListNode<TaskCompletionSource>? node = null;
        lock (_gate)
        {
            if (_free > 0)
            {
                _free--;
                return new Turn(this);
            }

            if (_waiting.Count >= maxWaiting) throw new CoapException(CoapError.Busy, $"{maxWaiting} requests wait to be sent.");
            node = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        using (cancellationToken.UnsafeRegister(_ => GiveUp(node, cancellationToken), null)) await node.Value.Task.ConfigureAwait(false);
        return new Turn(this);
    }

    private void GiveUp(LinkedListNode<TaskCompletionSource> node, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (node.List is null) return; // it has its turn
            _waiting.Remove(node);
        }

        node.Value.TrySetCanceled(cancellationToken);
    }

    private void Leave()
    {
        TaskCompletionSource next;
        lock (_gate)
        {
            if (_waiting.First is not { } first)
            {
                _free++;
                return;
            }

            _waiting.RemoveFirst();
            next = first.Value;
        }

        next.SetResult();
    }

    internal sealed class Turn(TurnQueue queue) : IDisposable
    {
        private TurnQueue? _queue = queue;

        public void Dispose() => Interlocked.Exchange(ref _queue, null)?.Leave();
    }
}
