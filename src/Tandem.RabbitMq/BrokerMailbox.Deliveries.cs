using System.Text;
using RabbitMQ.Client;
using Tandem.Sessions;

namespace Tandem.RabbitMq;

/// <content>From the broker to the consumer, and back as settled. The consumer is called by one thread at a time, outside the lock.</content>
internal sealed partial class BrokerMailbox
{
    // Four times what is sure to be in the queue of settled ones, so that what was settled here is known longer.
    private readonly RecentIds _settled = new(4 * RabbitMqBackplane.MaxMarks);
    // All that is here and not acknowledged: what waits, what is with the consumer, and what it has settled. Bounded by the prefetch.
    private readonly Dictionary<string, Held> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Held> _delivered = [];
    private readonly LinkedList<Held> _waiting = new();
    private readonly List<Held> _arrived = [];
    private readonly Queue<Held> _toMark = new();
    private Task _marking = Task.CompletedTask;
    private long _lastDelivery;
    private long _resumes;
    private bool _isLoaded;
    private bool _isBlocked = true;
    private bool _isPumping;
    private bool _isMarking;

    private void Arrive(Held held)
    {
        lock (_gate)
        {
            if (held.Channel != _channel || _isOver) return;
            if (_isLoaded) Take(held);
            else _arrived.Add(held);
        }

        Pump();
    }

    /// <summary>The lock is held.</summary>
    private void Take(Held held)
    {
        if (_byId.TryGetValue(held.Id, out Held? known))
        {
            // After a loss of the broker it is the same one; otherwise its sender, having lost its node, has put it in twice.
            if (known.Channel == held.Channel)
            {
                _ = AcknowledgeAsync(held);
            }
            else
            {
                (known.Channel, known.Tag) = (held.Channel, held.Tag);
                if (known.IsMarked)
                {
                    _byId.Remove(known.Id);
                    _ = AcknowledgeAsync(held);
                }
            }
        }
        else if (_settled.Contains(held.Id))
        {
            _ = AcknowledgeAsync(held);
        }
        else
        {
            _byId.Add(held.Id, held);
            _waiting.AddLast(held);
        }
    }

    private void Resume()
    {
        lock (_gate)
        {
            _isBlocked = false;
            _resumes++;
        }

        Pump();
    }

    private void Pump()
    {
        while (true)
        {
            Held held;
            long delivery, resumes;
            lock (_gate)
            {
                if (_isPumping || _isBlocked || _isOver || _waiting.First is not { } first) return;
                held = first.Value;
                _waiting.RemoveFirst();
                delivery = ++_lastDelivery;
                _delivered.Add(delivery, held);
                _isPumping = true;
                resumes = _resumes;
            }

            bool isTaken = false;
            try
            {
                isTaken = _consumer.TryDeliver(delivery, held.Message);
            }
            finally
            {
                lock (_gate)
                {
                    _isPumping = false;
                    if (!isTaken && _delivered.Remove(delivery))
                    {
                        _lastDelivery--;
                        // Where the broker was lost meanwhile, it comes again.
                        if (held.Channel == _channel || _options.RequiresConsumer) _waiting.AddFirst(held);
                        else _byId.Remove(held.Id);
                        // There may be room again since it was refused.
                        _isBlocked = _resumes == resumes;
                    }
                }
            }
        }
    }

    private void Settle(long delivery)
    {
        lock (_gate)
        {
            if (_isOver || !_delivered.Remove(delivery, out Held? held)) return;
            _settled.Add(held.Id);
            _toMark.Enqueue(held);
            if (_isMarking) return;
            _isMarking = true;
            _marking = Task.Run(MarkAsync);
        }
    }

    private Task Marked()
    {
        lock (_gate) return _marking;
    }

    /// <summary>Writes down what was settled, then acknowledges it. What comes meanwhile goes into one mark.</summary>
    private async Task MarkAsync()
    {
        List<Held> marked = [];
        while (true)
        {
            marked.Clear();
            lock (_gate)
            {
                while (marked.Count < RabbitMqBackplane.MaxIdsInMark && _toMark.TryDequeue(out Held? held)) marked.Add(held);
                if (marked.Count == 0)
                {
                    _isMarking = false;
                    return;
                }
            }

            if (!_options.RequiresConsumer) await PublishMarkAsync(Encoding.UTF8.GetBytes(string.Join('\n', marked.Select(held => held.Id)))).ConfigureAwait(false);
            foreach (Held held in marked)
            {
                lock (_gate)
                {
                    held.IsMarked = true;
                    // Of a channel that was lost: it is acknowledged when it comes again.
                    if (held.Channel != _channel && !_options.RequiresConsumer) continue;
                    _byId.Remove(held.Id);
                }

                await AcknowledgeAsync(held).ConfigureAwait(false);
            }
        }
    }

    private async Task PublishMarkAsync(byte[] body)
    {
        string queue = _backplane.Names.Settled(Name);
        if (await _backplane.Window.PublishAsync(Mark()).ConfigureAwait(false) != PublishResult.Unroutable) return;
        // Nothing was settled here for longer than its life.
        using CancellationTokenSource deadline = _backplane.Deadline();
        if (await _backplane.LinkAsync(deadline.Token).ConfigureAwait(false) is not { } link) return;
        try
        {
            await _backplane.DeclareSettledAsync(link, Name, _options, deadline.Token).ConfigureAwait(false);
            await _backplane.Window.PublishAsync(Mark()).ConfigureAwait(false);
        }
        catch (Exception exception) when (RabbitMqBackplane.IsOfTheLink(exception))
        {
        }

        Outgoing Mark() => new("", queue, body, _backplane.Window.Deadline) { Persistent = true, Mandatory = true };
    }

    private static async Task AcknowledgeAsync(Held held)
    {
        try
        {
            await held.Channel.BasicAckAsync(held.Tag, multiple: false).ConfigureAwait(false);
        }
        catch (Exception exception) when (RabbitMqBackplane.IsOfTheLink(exception))
        {
            // It comes again, and is known.
        }
    }

    private sealed class Held(string id, IChannel channel, ulong tag, MailboxMessage message)
    {
        public string Id => id;

        public MailboxMessage Message => message;

        public IChannel Channel { get; set; } = channel;

        public ulong Tag { get; set; } = tag;

        /// <summary>Whether it is written down as settled.</summary>
        public bool IsMarked { get; set; }
    }
}
