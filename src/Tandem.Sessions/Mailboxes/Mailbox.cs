using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>A mailbox in memory. Its consumer is called by one thread at a time, outside the lock.</summary>
internal sealed class Mailbox(MailboxOptions options, TimeProvider time, MailboxBudget? budget = null)
{
    private readonly Lock _gate = new();
    private readonly PublisherTable _senders = new(1024);
    // Those that wait, and those that are with the consumer: both in the order in which they came, and what came back is older than what waits.
    private readonly LinkedList<Stored> _waiting = new();
    private readonly LinkedList<Stored> _delivered = new();
    private MailboxConsumer? _consumer;
    private long _lastDelivery;
    private long _bytes;
    private long _used = time.GetTimestamp();
    private long _opened;
    private bool _isBlocked;
    private int _resumes;
    private bool _isPumping;
    private bool _isExpired;

    /// <summary>What is to be done when it has ended with its consumer.</summary>
    public Action<Mailbox>? Ended { get; init; }

    /// <summary>Puts a message in.</summary>
    /// <returns>Null: the mailbox has expired, and another is to be made.</returns>
    public SessionCode? Send(MailboxMessage message)
    {
        lock (_gate)
        {
            if (_isExpired) return null;
            // It was made for a consumer that is about to open it.
            if (options.RequiresConsumer && _consumer is null) return SessionCode.NotFound;
            Expire();
            if (_senders.WasSeen(message.Publisher, message.Number, out SessionCode code)) return code;
            _used = time.GetTimestamp();
            bool fits = _waiting.Count + _delivered.Count < options.MaxMessages && _bytes + message.Payload.Length <= options.MaxBytes && budget?.TryTake(message.Payload.Length) != false;
            code = fits ? SessionCode.Ok : SessionCode.Full;
            _senders.Record(message.Publisher, message.Number, code);
            if (!fits) return code;
            _bytes += message.Payload.Length;
            _waiting.AddLast(new Stored(message, _used));
        }

        Pump();
        return SessionCode.Ok;
    }

    /// <summary>Makes somebody the consumer.</summary>
    /// <returns>False: the mailbox has expired, and another is to be made.</returns>
    public bool Consume(MailboxConsumer consumer)
    {
        MailboxConsumer? older;
        lock (_gate)
        {
            if (_isExpired) return false;
            older = _consumer;
            GiveBack();
            _consumer = consumer;
            _lastDelivery = 0;
            _isBlocked = true;
            _opened = time.GetTimestamp();
            consumer.Settle = delivery => Settle(consumer, delivery);
            consumer.Resume = () => Resume(consumer);
            consumer.Close = () => Close(consumer);
        }

        older?.OnClosed(SessionCode.TakenOver);
        return true;
    }

    /// <summary>Drops what is too old, and a consumer that has had it for long enough.</summary>
    /// <returns>True: the mailbox itself is too old.</returns>
    public bool Sweep()
    {
        MailboxConsumer? late;
        lock (_gate)
        {
            Expire();
            late = _consumer;
            if (late is null)
            {
                if (time.GetElapsedTime(_used) < options.UnusedTimeToLive) return false;
                Clear();
                return _isExpired = true;
            }

            if (options.ConsumerTimeToLive == Timeout.InfiniteTimeSpan || time.GetElapsedTime(_opened) < options.ConsumerTimeToLive) return false;
            Release();
        }

        if (_isExpired) Ended?.Invoke(this);
        late.OnClosed(SessionCode.Expired);
        return false;
    }

    public MailboxSnapshot ToSnapshot(string name)
    {
        lock (_gate) return new MailboxSnapshot(name, _consumer is not null, _waiting.Count + _delivered.Count, _bytes);
    }

    private void Settle(MailboxConsumer consumer, long delivery)
    {
        lock (_gate)
        {
            if (_consumer != consumer) return;
            for (LinkedListNode<Stored>? node = _delivered.First; node is not null; node = node.Next)
            {
                if (node.Value.Delivery != delivery) continue;
                _delivered.Remove(node);
                Count(node.Value);
                break;
            }
        }

        Pump();
    }

    private void Resume(MailboxConsumer consumer)
    {
        lock (_gate)
        {
            if (_consumer != consumer) return;
            _isBlocked = false;
            _resumes++;
        }

        Pump();
    }

    private void Close(MailboxConsumer consumer)
    {
        lock (_gate)
        {
            if (_consumer != consumer) return;
            Release();
        }

        if (_isExpired) Ended?.Invoke(this);
    }

    /// <summary>It has no consumer any more. The lock is held.</summary>
    private void Release()
    {
        GiveBack();
        _consumer = null;
        _used = time.GetTimestamp();
        if (!options.RequiresConsumer) return;
        _isExpired = true;
        Clear();
    }

    private void Pump()
    {
        while (true)
        {
            MailboxConsumer consumer;
            LinkedListNode<Stored> node;
            long delivery;
            int resumes;
            lock (_gate)
            {
                Expire();
                if (_isPumping || _isBlocked || _consumer is null || _delivered.Count >= _consumer.Prefetch || _waiting.First is not { } first) return;
                (consumer, node) = (_consumer, first);
                _waiting.RemoveFirst();
                _delivered.AddLast(node);
                delivery = node.Value.Delivery = ++_lastDelivery;
                _isPumping = true;
                resumes = _resumes;
            }

            bool taken = false;
            try
            {
                taken = consumer.TryDeliver(delivery, node.Value.Message with { Flags = node.Value.Flags });
            }
            finally
            {
                lock (_gate)
                {
                    _isPumping = false;
                    // Where it was taken over meanwhile, the message has gone back already.
                    if (_consumer == consumer)
                    {
                        if (taken) node.Value.WasDelivered = true;
                        else if (node.List == _delivered) Refuse(node, resumes);
                    }
                }
            }
        }
    }

    private void Refuse(LinkedListNode<Stored> node, int resumes)
    {
        _delivered.Remove(node);
        _waiting.AddFirst(node);
        _lastDelivery--;
        // There may be room again since it was refused.
        _isBlocked = _resumes == resumes;
    }

    private void GiveBack()
    {
        while (_delivered.Last is { } node)
        {
            _delivered.RemoveLast();
            node.Value.WasDelivered = true;
            _waiting.AddFirst(node);
        }
    }

    private void Expire()
    {
        while (_waiting.First is { } first && time.GetElapsedTime(first.Value.Time) >= options.MessageTimeToLive)
        {
            _waiting.RemoveFirst();
            Count(first.Value);
        }
    }

    private void Clear()
    {
        foreach (Stored stored in _waiting) Count(stored);
        _waiting.Clear();
    }

    /// <summary>A message is gone.</summary>
    private void Count(Stored gone)
    {
        _bytes -= gone.Message.Payload.Length;
        budget?.Return(gone.Message.Payload.Length);
    }

    private sealed class Stored(MailboxMessage message, long time)
    {
        public MailboxMessage Message { get; } = message;

        public long Time { get; } = time;

        public long Delivery { get; set; }

        public bool WasDelivered { get; set; }

        public MessageFlags Flags => (Message.Flags & MessageFlags.Text) | (WasDelivered ? MessageFlags.Redelivered : MessageFlags.None);
    }
}
