using System.Collections.Concurrent;
using Tandem.Sessions;

namespace Tandem.RabbitMq;

/// <content>What nodes ask each other: the history of a topic, when one joins it, and of all topics, when one was cut off.</content>
public sealed partial class RabbitMqBackplane
{
    // A node that was cut off asks each other one for so many topics at a time.
    private const int MaxAsksAtATime = 64;

    // While not all have answered, the broker is asked so often whether one of them has gone: it knows within milliseconds of a process that was killed.
    private static readonly TimeSpan RollCall = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<long, PendingAsk> _asks = new();
    private long _lastAsk;
    private volatile Round? _round;

    /// <summary>How many nodes there are. Each consumes from the roster while it lives; the broker knows first when one does not.</summary>
    private Task<int> CountNodesAsync(BrokerLink link, CancellationToken cancellation) => link.DeclareAsync(
        async channel => (int)(await channel.QueueDeclarePassiveAsync(_names.Roster, cancellation).ConfigureAwait(false)).ConsumerCount, cancellation);

    /// <summary>Asks all nodes, this one among them: its own answer is empty, and says that what was in its queue before the question has been taken in.</summary>
    private async Task<(IReadOnlyList<NodeMessageBody> Answers, bool AreAll)> AskAllAsync(
        BrokerLink link, NodeMessageKind kind, string topic, Func<NodeMessage, byte[]> toBody, CancellationToken cancellation)
    {
        long began = _options.TimeProvider.GetTimestamp();
        List<NodeMessageBody> answers = [];
        while (true)
        {
            int nodes = await CountNodesAsync(link, cancellation).ConfigureAwait(false), left = nodes;
            PendingAsk ask = await AskAsync(_names.Nodes, "", new NodeMessage(kind, _id, link.Queue, 0, topic), toBody, nodes, began, HasOneGoneAsync).ConfigureAwait(false);
            answers.AddRange(ask.Answers);
            if (ask.Count >= nodes) return (answers, true);
            if (left >= nodes) return (answers, false);
            // Whether it is one of those that have answered is not known: those that are left are asked again.
            async Task<bool> HasOneGoneAsync() => (left = await CountNodesAsync(link, cancellation).ConfigureAwait(false)) < nodes;
        }
    }

    /// <summary>Asks, and waits for the answers until a time after it began, or until the wait is in vain.</summary>
    private async Task<PendingAsk> AskAsync(
        string exchange, string key, NodeMessage question, Func<NodeMessage, byte[]> toBody, int expected, long began, Func<Task<bool>>? isInVain = null)
    {
        long number = Interlocked.Increment(ref _lastAsk);
        var ask = new PendingAsk(expected);
        _asks[number] = ask;
        try
        {
            // Asked of one node, its absence is an answer too.
            var outgoing = new Outgoing(exchange, key, toBody(question with { Request = number }), _window.Deadline) { Mandatory = exchange.Length == 0 };
            _ = EndWhenUnroutableAsync(_window.PublishAsync(outgoing), ask);
            while (!ask.Done.IsCompleted && !_stop.IsCancellationRequested)
            {
                TimeSpan left = _options.AnswerTimeout - _options.TimeProvider.GetElapsedTime(began);
                if (left <= TimeSpan.Zero) break;
                TimeSpan wait = isInVain is not null && left > RollCall ? RollCall : left;
                await Task.WhenAny(ask.Done, Task.Delay(wait, _options.TimeProvider, _stop.Token)).ConfigureAwait(false);
                if (!ask.Done.IsCompleted && isInVain is not null && await isInVain().ConfigureAwait(false)) break;
            }

            return ask;
        }
        finally
        {
            _asks.TryRemove(number, out _);
        }
    }

    private static async Task EndWhenUnroutableAsync(Task<PublishResult> published, PendingAsk ask)
    {
        if (await published.ConfigureAwait(false) is PublishResult.Unroutable or PublishResult.Unknown) ask.End();
    }

    private void Answer(NodeMessage question, NodeMessageBody rest)
    {
        NodeMessage answer = question with { Kind = NodeMessageKind.Answer, Node = _id };
        BackplaneNode node = _node!;
        switch (question.Kind)
        {
            case NodeMessageKind.Join:
                node.Meet(question.Name, rest.Positions());
                Send(question.Queue, answer.With(node.Counted(question.Name)));
                break;
            case NodeMessageKind.AskHistory:
                Send(question.Queue, answer.With(node.History(question.Name, rest.Positions()), _options.MaxHistoryBytes));
                break;
            default:
                Send(question.Queue, answer.With(node.Published(question.Name, (ulong)rest.Int64())));
                break;
        }
    }

    /// <summary>After this node was cut off: everybody who is there says so, and is asked.</summary>
    private async Task CatchUpWithAllAsync(int others)
    {
        Post(new Work { Kind = WorkKind.Hold });
        var round = new Round(others);
        _round = round;
        if (others > 0) await Task.WhenAny(round.Done, Task.Delay(_options.AnswerTimeout, _options.TimeProvider, _stop.Token)).ConfigureAwait(false);
        Post(new Work { Kind = WorkKind.Release });
    }

    /// <summary>Fetches what one node has of all that this one wants, then lets go on what was held back; whoever calls this has begun to hold it.</summary>
    private async Task CatchUpWithAsync(string queue)
    {
        try
        {
            await Parallel.ForEachAsync(
                _topics.Keys,
                new ParallelOptions { MaxDegreeOfParallelism = MaxAsksAtATime, CancellationToken = _stop.Token },
                async (topic, _) =>
                {
                    BrokerLink? link = await LinkAsync(_stop.Token).ConfigureAwait(false);
                    if (link is null) return;
                    var question = new NodeMessage(NodeMessageKind.AskHistory, _id, link.Queue, 0, topic);
                    PendingAsk ask = await AskAsync("", queue, question, asked => asked.With(_node!.Counted(topic)), 1, _options.TimeProvider.GetTimestamp()).ConfigureAwait(false);
                    foreach (NodeMessageBody answer in ask.Answers) Post(new Work { Kind = WorkKind.CatchUp, Topic = topic, Part = answer.History(topic) });
                }).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            Post(new Work { Kind = WorkKind.Release });
        }
    }

    /// <summary>A question that waits for its answers.</summary>
    private sealed class PendingAsk(int expected)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<NodeMessageBody> _answers = [];
        private int _count;

        public Task Done => _done.Task;

        /// <summary>How many nodes have answered, this one among them where it was asked.</summary>
        public int Count => Volatile.Read(ref _count);

        public IReadOnlyList<NodeMessageBody> Answers
        {
            get
            {
                lock (_answers) return [.. _answers];
            }
        }

        public void Add(NodeMessageBody? answer)
        {
            lock (_answers)
            {
                if (answer is { } found) _answers.Add(found);
                if (++_count < expected) return;
            }

            _done.TrySetResult();
        }

        public void End() => _done.TrySetResult();
    }

    /// <summary>The nodes that are to say that they are there.</summary>
    private sealed class Round(int expected)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = expected;

        public Task Done => _done.Task;

        public void Count()
        {
            if (Interlocked.Decrement(ref _left) <= 0) _done.TrySetResult();
        }
    }
}
