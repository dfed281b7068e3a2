using System.Threading.Channels;
using RabbitMQ.Client;
using Tandem.Sessions;

namespace Tandem.RabbitMq;

/// <content>
/// What comes through this node's own queue, one after the other: events, and what nodes say to each other. One loop, so that an answer about the history
/// comes behind the events that came before the question.
/// </content>
public sealed partial class RabbitMqBackplane
{
    // So many messages are acknowledged at once: it only tells the broker that there is room for more.
    private const int AckEvery = 32;

    // Bounded by the prefetch, and the few that this node posts to itself.
    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>();
    private readonly Queue<(BrokerLink Link, ulong Tag, Task Done)> _open = new();
    // While the histories of others are fetched, what comes live waits here.
    private readonly Queue<TopicMessage> _held = new();
    private readonly Dictionary<string, List<BackplaneHistory>> _missed = new(StringComparer.Ordinal);
    private long _heldBytes;
    private int _holds;
    private int _done;

    private enum WorkKind
    {
        Acknowledge,
        Message,
        Hold,
        CatchUp,
        Release,
    }

    private void Post(Work work) => _work.Writer.TryWrite(work);

    private async Task ReadInboxAsync()
    {
        await foreach (Work work in _work.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            Task done = Task.CompletedTask;
            try
            {
                done = Process(work);
            }
            catch (Exception exception)
            {
                // A malformed message, or the hub's: the next one may be good.
                _options.Faulted?.Invoke(exception);
            }

            if (work.Link is { } link) NoteOpen(link, work.Tag, done);
            await AcknowledgeAsync().ConfigureAwait(false);
        }
    }

    private Task Process(Work work)
    {
        switch (work.Kind)
        {
            case WorkKind.Message:
                return Receive(work.Link!, work.Body!);
            case WorkKind.Acknowledge:
                return Task.CompletedTask;
            case WorkKind.Hold:
                _holds++;
                return Task.CompletedTask;
            case WorkKind.CatchUp:
                if (!_missed.TryGetValue(work.Topic!, out List<BackplaneHistory>? parts)) _missed.Add(work.Topic!, parts = []);
                parts.Add(work.Part!);
                return Task.CompletedTask;
            default:
                if (--_holds == 0)
                {
                    // All nodes' parts together: what one of them has of another may have holes, too.
                    foreach ((string topic, List<BackplaneHistory> all) in _missed) _ = _node!.CatchUpAsync(topic, all).AsTask();
                    _missed.Clear();
                    while (_held.TryDequeue(out TopicMessage message)) _ = Deliver(message);
                    _heldBytes = 0;
                }

                return Task.CompletedTask;
        }
    }

    private Task Receive(BrokerLink link, byte[] body)
    {
        NodeMessage message = NodeMessage.Read(body, out NodeMessageBody rest);
        if (message.Node == _id)
        {
            if (message.Kind is NodeMessageKind.Join or NodeMessageKind.AskHistory or NodeMessageKind.AskPublished && _asks.TryGetValue(message.Request, out PendingAsk? own)) own.Add(null);
            return Task.CompletedTask;
        }

        switch (message.Kind)
        {
            case NodeMessageKind.Event:
                TopicMessage found = rest.Event(message.Name);
                if (_holds == 0) return Deliver(found);
                // Beyond the bounds of the queue it came from it is dropped, as there, and told as a gap.
                if (_held.Count >= _options.MaxQueuedMessages || _heldBytes >= _options.MaxQueuedBytes) return Task.CompletedTask;
                _held.Enqueue(found);
                _heldBytes += found.Payload.Length;
                return Task.CompletedTask;
            case NodeMessageKind.Hello:
                Send(message.Queue, new NodeMessage(NodeMessageKind.Here, _id, link.Queue, 0, "").Bare());
                _holds++;
                _ = CatchUpWithAsync(message.Queue);
                return Task.CompletedTask;
            case NodeMessageKind.Here:
                _holds++;
                _ = CatchUpWithAsync(message.Queue);
                _round?.Count();
                return Task.CompletedTask;
            case NodeMessageKind.Join or NodeMessageKind.AskHistory or NodeMessageKind.AskPublished:
                Answer(message, rest);
                return Task.CompletedTask;
            case NodeMessageKind.Answer:
                if (_asks.TryGetValue(message.Request, out PendingAsk? ask)) ask.Add(rest);
                return Task.CompletedTask;
            case NodeMessageKind.Want or NodeMessageKind.Held or NodeMessageKind.Take:
                if (_mailboxes.TryGetValue(message.Name, out BrokerMailbox? mailbox)) mailbox.Hear(message, link);
                return Task.CompletedTask;
            default:
                throw new InvalidDataException("A message of an unknown kind came from another node.");
        }
    }

    private Task Deliver(TopicMessage message) => _topics.ContainsKey(message.Topic) ? _node!.DeliverAsync(message).AsTask() : Task.CompletedTask;

    private void NoteOpen(BrokerLink link, ulong tag, Task done)
    {
        // What is open of a link that was lost is the broker's no longer.
        if (_open.TryPeek(out var oldest) && oldest.Link != link) _open.Clear();
        _open.Enqueue((link, tag, done));
        if (!done.IsCompleted) _ = done.ContinueWith(_ => Post(new Work { Kind = WorkKind.Acknowledge }), TaskScheduler.Default);
    }

    /// <summary>Acknowledges in order what is done with: what is not holds back the broker when it is as much as the prefetch.</summary>
    private async ValueTask AcknowledgeAsync()
    {
        BrokerLink? link = null;
        ulong last = 0;
        while (_open.TryPeek(out var first) && first.Done.IsCompleted)
        {
            (link, last) = (first.Link, first.Tag);
            _open.Dequeue();
            _done++;
        }

        if (link is null || (_done < AckEvery && _work.Reader.Count > 0)) return;
        _done = 0;
        try
        {
            await link.Consuming.BasicAckAsync(last, multiple: true).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsOfTheLink(exception))
        {
            link.Lose(exception);
        }
    }

    private void Send(string queue, byte[] body, bool mandatory = false) => _window.TryPublish(new Outgoing("", queue, body, _window.Deadline) { Mandatory = mandatory });

    private sealed class Work
    {
        public required WorkKind Kind { get; init; }

        public BrokerLink? Link { get; init; }

        public ulong Tag { get; init; }

        public byte[]? Body { get; init; }

        public string? Topic { get; init; }

        public BackplaneHistory? Part { get; init; }
    }

    private sealed class NodeConsumer(RabbitMqBackplane backplane, BrokerLink link) : AsyncDefaultBasicConsumer(link.Consuming)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default)
        {
            // The client takes its buffer back.
            backplane._work.Writer.TryWrite(new Work { Kind = WorkKind.Message, Link = link, Tag = deliveryTag, Body = body.ToArray() });
            return Task.CompletedTask;
        }

        // The queue is gone: somebody deleted it.
        public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            link.Lose(new IOException("RabbitMQ ended the consumption of this node's queue."));
            return Task.CompletedTask;
        }
    }
}
