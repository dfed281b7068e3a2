using System.Threading.Channels;
using RabbitMQ.Client.Exceptions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq;

/// <content>Topics: bindings, events, and what other nodes have.</content>
public sealed partial class RabbitMqBackplane
{
    /// <inheritdoc/>
    public override async ValueTask<SessionCode> PublishAsync(BackplaneNode node, TopicMessage message)
    {
        var outgoing = new Outgoing(_names.Events, BrokerNames.Key(message.Topic), NodeMessage.Event(_id, message), _window.Deadline);
        PublishResult result = await _window.PublishAsync(outgoing).ConfigureAwait(false);
        return result == PublishResult.Confirmed ? SessionCode.Ok : SessionCode.Unavailable;
    }

    /// <inheritdoc/>
    public override async ValueTask<(SessionCode Code, IReadOnlyList<TopicPosition> Heads)> JoinAsync(BackplaneNode node, string topic)
    {
        _topics.TryAdd(topic, true);
        using CancellationTokenSource deadline = Deadline();
        while (await LinkAsync(deadline.Token).ConfigureAwait(false) is { } link)
        {
            try
            {
                await link.DeclareAsync(
                    async channel =>
                    {
                        await channel.QueueBindAsync(link.Queue, _names.Events, BrokerNames.Key(topic), cancellationToken: deadline.Token).ConfigureAwait(false);
                        return true;
                    },
                    deadline.Token).ConfigureAwait(false);
                byte[] Ask(NodeMessage question) => question.With(node.Counted(topic));
                (IReadOnlyList<NodeMessageBody> answers, _) = await AskAllAsync(link, NodeMessageKind.Join, topic, Ask, deadline.Token).ConfigureAwait(false);
                if (!link.IsLost) return (SessionCode.Ok, [.. answers.SelectMany(answer => answer.Positions())]);
            }
            catch (Exception exception) when (IsOfTheLink(exception))
            {
                await PauseAsync(deadline.Token).ConfigureAwait(false);
            }
        }

        return (SessionCode.Unavailable, []);
    }

    /// <inheritdoc/>
    public override void Leave(BackplaneNode node, string topic)
    {
        if (_topics.TryRemove(topic, out _)) _ = UnbindAsync(_names.Events, topic, () => _topics.ContainsKey(topic));
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<BackplaneHistory>> HistoryAsync(BackplaneNode node, string topic, IReadOnlyList<TopicPosition> after)
    {
        using CancellationTokenSource deadline = Deadline();
        while (await LinkAsync(deadline.Token).ConfigureAwait(false) is { } link)
        {
            try
            {
                (IReadOnlyList<NodeMessageBody> answers, bool areAll) =
                    await AskAllAsync(link, NodeMessageKind.AskHistory, topic, question => question.With(after), deadline.Token).ConfigureAwait(false);
                if (areAll || !link.IsLost) return [.. answers.Select(answer => answer.History(topic))];
            }
            catch (Exception exception) when (IsOfTheLink(exception))
            {
                await PauseAsync(deadline.Token).ConfigureAwait(false);
            }
        }

        return [];
    }

    /// <inheritdoc/>
    public override async ValueTask<(SessionCode Code, IReadOnlyList<(long First, long Last)> Numbers)> PublishedAsync(BackplaneNode node, string topic, ulong publisher)
    {
        using CancellationTokenSource deadline = Deadline();
        if (await LinkAsync(deadline.Token).ConfigureAwait(false) is not { } link) return (SessionCode.Unavailable, []);
        try
        {
            (IReadOnlyList<NodeMessageBody> answers, bool areAll) =
                await AskAllAsync(link, NodeMessageKind.AskPublished, topic, question => question.With(publisher), deadline.Token).ConfigureAwait(false);
            return (areAll && !link.IsLost ? SessionCode.Ok : SessionCode.Unavailable, [.. answers.SelectMany(answer => answer.Numbers())]);
        }
        catch (Exception exception) when (IsOfTheLink(exception))
        {
            return (SessionCode.Unavailable, []);
        }
    }

    /// <summary>Whether it says that the link, or the time, is over; anything else is a mistake of ours.</summary>
    internal static bool IsOfTheLink(Exception exception) =>
        exception is RabbitMQClientException or IOException or OperationCanceledException or ObjectDisposedException or TimeoutException or ChannelClosedException;

    /// <summary>Between two tries: the loss of a link is not seen everywhere at once.</summary>
    internal async Task PauseAsync(CancellationToken deadline)
    {
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _options.TimeProvider, deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task UnbindAsync(string exchange, string name, Func<bool> isWantedAgain)
    {
        using CancellationTokenSource deadline = Deadline();
        try
        {
            // What is not there any more with a link that is lost is not bound again on the next.
            if (!IsConnected || await LinkAsync(deadline.Token).ConfigureAwait(false) is not { } link) return;
            await link.DeclareAsync(
                async channel =>
                {
                    if (!isWantedAgain()) await channel.QueueUnbindAsync(link.Queue, exchange, BrokerNames.Key(name), null, deadline.Token).ConfigureAwait(false);
                    return true;
                },
                deadline.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsOfTheLink(exception))
        {
        }
    }
}
