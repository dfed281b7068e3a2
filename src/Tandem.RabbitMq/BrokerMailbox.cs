using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq;

/// <summary>
/// A mailbox that is open on this node: its one consumer, as an exclusive consumer of its queue. What the consumer settles is first written to the queue of settled
/// messages and then acknowledged, so that whoever has the mailbox next knows what was settled, also where a sender that lost its node has put a message in twice.
/// The loss of the broker is not seen by the consumer: what it has comes again, and is recognised.
/// </summary>
internal sealed partial class BrokerMailbox
{
    // Somebody else has it: asked again after so long, doubled up to the second, in milliseconds. Most let go within one round trip.
    private const int FirstRetry = 10;
    private const int LastRetry = 200;

    private static long s_lastOpening;

    private readonly RabbitMqBackplane _backplane;
    private readonly MailboxOptions _options;
    private readonly MailboxConsumer _consumer;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _opening = Interlocked.Increment(ref s_lastOpening);
    private bool _isOpening = true;
    private volatile bool _isOver;
    private IChannel? _channel;
    private ITimer? _timer;

    public BrokerMailbox(RabbitMqBackplane backplane, string name, MailboxOptions options, MailboxConsumer consumer)
    {
        (_backplane, Name, _options, _consumer) = (backplane, name, options, consumer);
        consumer.Settle = Settle;
        consumer.Resume = Resume;
        consumer.Close = Close;
    }

    public string Name { get; }

    /// <summary>Completes when the broker has back what was not settled.</summary>
    public Task Released => _released.Task;

    /// <summary>Becomes the one consumer.</summary>
    public async Task<SessionCode> OpenAsync()
    {
        using CancellationTokenSource deadline = _backplane.Deadline();
        SessionCode code = await TryOpenAsync(wantsIt: true, deadline.Token).ConfigureAwait(false);
        lock (_gate)
        {
            _isOpening = false;
            if (code == SessionCode.Ok && !_isOver && _options.ConsumerTimeToLive != Timeout.InfiniteTimeSpan)
            {
                _timer = _backplane.Options.TimeProvider.CreateTimer(
                    static state => ((BrokerMailbox)state!).Lose(SessionCode.Expired), this, _options.ConsumerTimeToLive, Timeout.InfiniteTimeSpan);
            }
        }

        // Where it was lost again meanwhile, the consumer has been told so.
        return _isOver ? SessionCode.Ok : code;
    }

    /// <summary>The broker is there again.</summary>
    public void Reopen()
    {
        lock (_gate)
        {
            // While it is being opened for the first time it finds the new link by itself.
            if (_isOpening || _isOver) return;
            _isOpening = true;
        }

        _ = ReopenAsync();
    }

    /// <summary>The consumer is done with it.</summary>
    public void Close()
    {
        if (TryEnd()) _ = ReleaseAsync();
    }

    /// <summary>It is the consumer's no longer, who is told.</summary>
    public void Lose(SessionCode code)
    {
        if (!TryEnd()) return;
        _ = ReleaseAsync();
        _consumer.OnClosed(code);
    }

    /// <summary>
    /// Another node on this mailbox. Who wants it asks until it has it; who has it asks back, since the wish may be an old one, and lets go when it is repeated.
    /// So of several who want it at the same time one gets it in the end, and is not put out by a wish from before.
    /// </summary>
    public void Hear(NodeMessage message, BrokerLink link)
    {
        bool isOpening;
        lock (_gate) isOpening = _isOpening;
        switch (message.Kind)
        {
            case NodeMessageKind.Want when !isOpening:
                Tell(NodeMessageKind.Held, message, link);
                break;
            case NodeMessageKind.Held when isOpening && message.Request == _opening:
                Tell(NodeMessageKind.Take, message, link);
                break;
            case NodeMessageKind.Take when !isOpening:
                Lose(SessionCode.TakenOver);
                break;
        }
    }

    private void Tell(NodeMessageKind kind, NodeMessage to, BrokerLink link) => _backplane.Window.TryPublish(
        new Outgoing("", to.Queue, (to with { Kind = kind, Node = _backplane.Id, Queue = link.Queue }).Bare(), _backplane.Window.Deadline));

    private bool TryEnd()
    {
        lock (_gate)
        {
            if (_isOver) return false;
            _timer?.Dispose();
            return _isOver = true;
        }
    }

    private async Task ReopenAsync()
    {
        using CancellationTokenSource deadline = _backplane.Deadline();
        SessionCode code = await TryOpenAsync(wantsIt: false, deadline.Token).ConfigureAwait(false);
        lock (_gate) _isOpening = false;
        if (code != SessionCode.Ok) Lose(code);
    }

    private async Task<SessionCode> TryOpenAsync(bool wantsIt, CancellationToken deadline)
    {
        bool wasRefused = false;
        for (int retry = FirstRetry; await _backplane.LinkAsync(deadline).ConfigureAwait(false) is { } link; retry = Math.Min(2 * retry, LastRetry))
        {
            IChannel? channel = null;
            try
            {
                if (wantsIt)
                {
                    await link.DeclareAsync(channel => BindAsync(channel, link, deadline), deadline).ConfigureAwait(false);
                }

                await _backplane.DeclareMailboxAsync(link, Name, _options, deadline).ConfigureAwait(false);
                if (!_options.RequiresConsumer) await _backplane.DeclareSettledAsync(link, Name, _options, deadline).ConfigureAwait(false);
                channel = await link.OpenChannelAsync(deadline).ConfigureAwait(false);
                await ConsumeAsync(link, channel, deadline).ConfigureAwait(false);
                if (!_isOver) return SessionCode.Ok;
            }
            catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.AccessRefused && !link.IsLost)
            {
                wasRefused = true;
                var want = new NodeMessage(NodeMessageKind.Want, _backplane.Id, link.Queue, _opening, Name);
                if (wantsIt) _backplane.Window.TryPublish(new Outgoing(_backplane.Names.Openings, BrokerNames.Key(Name), want.Bare(), _backplane.Window.Deadline));
            }
            catch (Exception exception) when (RabbitMqBackplane.IsOfTheLink(exception))
            {
                wasRefused = false;
            }

            if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
            if (_isOver) return SessionCode.TakenOver;
            await WaitAsync(retry, deadline).ConfigureAwait(false);
        }

        // Refused to the end after a loss: another has it by now. When it is wanted, whoever has it does not let go, because it cannot be reached.
        return wasRefused && !wantsIt ? SessionCode.TakenOver : SessionCode.Unavailable;
    }

    private async Task<bool> BindAsync(IChannel channel, BrokerLink link, CancellationToken deadline)
    {
        await channel.QueueBindAsync(link.Queue, _backplane.Names.Openings, BrokerNames.Key(Name), cancellationToken: deadline).ConfigureAwait(false);
        return true;
    }

    private async Task WaitAsync(int milliseconds, CancellationToken deadline)
    {
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), _backplane.Options.TimeProvider, deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ConsumeAsync(BrokerLink link, IChannel channel, CancellationToken deadline)
    {
        lock (_gate)
        {
            _channel = channel;
            _isLoaded = false;
            _arrived.Clear();
            // They come again, in their place; those of a queue that went with the link do not.
            if (!_options.RequiresConsumer)
            {
                foreach (Held waiting in _waiting) _byId.Remove(waiting.Id);
                _waiting.Clear();
            }
        }

        await channel.BasicQosAsync(0, (ushort)_consumer.Prefetch, global: false, deadline).ConfigureAwait(false);
        await channel.BasicConsumeAsync(_backplane.Names.Mailbox(Name), autoAck: false, "", noLocal: false, exclusive: true, null, new Consumer(this, channel), deadline)
            .ConfigureAwait(false);
        // Only now: whoever had it before writes no more.
        if (!_options.RequiresConsumer) await LoadSettledAsync(link, deadline).ConfigureAwait(false);
        lock (_gate)
        {
            _isLoaded = true;
            foreach (Held arrived in _arrived) Take(arrived);
            _arrived.Clear();
        }

        Pump();
    }

    /// <summary>Reads the queue of settled messages and puts all of it back, which closing the channel does.</summary>
    private async Task LoadSettledAsync(BrokerLink link, CancellationToken deadline)
    {
        IChannel channel = await link.OpenChannelAsync(deadline).ConfigureAwait(false);
        await using (channel.ConfigureAwait(false))
        {
            string queue = _backplane.Names.Settled(Name);
            uint count = await channel.MessageCountAsync(queue, deadline).ConfigureAwait(false);
            if (count == 0) return;
            var reader = new SettledReader(channel, count);
            await channel.BasicConsumeAsync(queue, autoAck: false, reader, deadline).ConfigureAwait(false);
            await reader.Done.WaitAsync(_backplane.Options.AnswerTimeout, _backplane.Options.TimeProvider, deadline).ConfigureAwait(false);
            lock (_gate)
            {
                foreach (string id in reader.Ids) _settled.Add(id);
            }

            await channel.CloseAsync(cancellationToken: deadline).ConfigureAwait(false);
        }
    }

    private async Task ReleaseAsync()
    {
        try
        {
            // What the consumer has settled is not to go back.
            await Marked().WaitAsync(_backplane.Options.AnswerTimeout, _backplane.Options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
        }

        IChannel? channel;
        lock (_gate) (channel, _channel) = (_channel, null);
        try
        {
            if (channel is { IsOpen: true }) await channel.CloseAsync().ConfigureAwait(false);
            if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (RabbitMqBackplane.IsOfTheLink(exception))
        {
        }
        finally
        {
            _backplane.Forget(this);
            _released.TrySetResult();
        }
    }

    private sealed class Consumer(BrokerMailbox mailbox, IChannel channel) : AsyncDefaultBasicConsumer(channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default)
        {
            MessageFlags flags = (properties.ContentType == "text/plain" ? MessageFlags.Text : MessageFlags.None) | (redelivered ? MessageFlags.Redelivered : MessageFlags.None);
            // One that somebody else has put in has no identifier, and is never taken for a repetition.
            string id = properties.MessageId ?? string.Create(CultureInfo.InvariantCulture, $"{Guid.NewGuid():n}");
            mailbox.Arrive(new Held(id, Channel, deliveryTag, new MailboxMessage(0, 0, flags, body.ToArray())));
            return Task.CompletedTask;
        }

        // The queue was deleted.
        public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            mailbox.Lose(SessionCode.Expired);
            return Task.CompletedTask;
        }
    }

    private sealed class SettledReader(IChannel channel, uint count) : AsyncDefaultBasicConsumer(channel)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private uint _left = count;

        public Task Done => _done.Task;

        public List<string> Ids { get; } = [];

        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default)
        {
            if (_left == 0) return Task.CompletedTask;
            Ids.AddRange(Encoding.UTF8.GetString(body.Span).Split('\n'));
            if (--_left == 0) _done.TrySetResult();
            return Task.CompletedTask;
        }
    }
}
