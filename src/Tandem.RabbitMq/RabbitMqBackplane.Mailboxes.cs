using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq;

/// <content>
/// Mailboxes: durable queues, and a second one each for what was settled of late. One that requires a consumer is declared by that alone, deleted by the broker when that is
/// gone, and has no second one: nobody comes after its consumer.
/// </content>
public sealed partial class RabbitMqBackplane
{
    // At most so many identifiers in a message of the queue of settled ones, and so many messages there: each has one or more, so of that many at least it is known.
    internal const int MaxIdsInMark = 64;
    internal const int MaxMarks = 1024;

    // Between the declaration of a queue that goes with its consumer and that consumer: should the node die there, or the broker start again without it.
    private static readonly TimeSpan UnopenedTimeToLive = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, BrokerMailbox> _mailboxes = new(StringComparer.Ordinal);
    private readonly MailboxSenders _mailboxSenders;

    /// <inheritdoc/>
    public override ValueTask<SessionCode> SendAsync(string mailbox, MailboxOptions options, MailboxMessage message) => new(_mailboxSenders.SendAsync(mailbox, options, message));

    /// <inheritdoc/>
    public override async ValueTask<SessionCode> ConsumeAsync(string mailbox, MailboxOptions options, MailboxConsumer consumer)
    {
        var opened = new BrokerMailbox(this, mailbox, options, consumer);
        while (!_mailboxes.TryAdd(mailbox, opened))
        {
            if (!_mailboxes.TryGetValue(mailbox, out BrokerMailbox? older)) continue;
            older.Lose(SessionCode.TakenOver);
            await older.Released.ConfigureAwait(false);
        }

        if (_mailboxes.Count > _options.MaxOpenMailboxes)
        {
            opened.Close();
            return SessionCode.Full;
        }

        SessionCode code = await opened.OpenAsync().ConfigureAwait(false);
        if (code != SessionCode.Ok) opened.Close();
        return code;
    }

    internal void Forget(BrokerMailbox mailbox)
    {
        if (_mailboxes.TryRemove(new(mailbox.Name, mailbox))) _ = UnbindAsync(_names.Openings, mailbox.Name, () => _mailboxes.ContainsKey(mailbox.Name));
    }

    /// <summary>Makes a mailbox's queue, or renews its lease: a queue that is not declared, nor consumed from, expires.</summary>
    internal Task DeclareMailboxAsync(BrokerLink link, string name, MailboxOptions options, CancellationToken cancellation) => DeclareAsync(
        link,
        _names.Mailbox(name),
        new Dictionary<string, object?>
        {
            ["x-expires"] = Milliseconds(options.RequiresConsumer ? UnopenedTimeToLive : options.UnusedTimeToLive + (options.UnusedTimeToLive / MailboxSenders.LeasesPerLife)),
            ["x-message-ttl"] = Milliseconds(options.MessageTimeToLive),
            ["x-max-length"] = (long)options.MaxMessages, ["x-max-length-bytes"] = options.MaxBytes, ["x-overflow"] = "reject-publish",
        },
        cancellation,
        options.RequiresConsumer);

    /// <summary>The same for the queue of what was settled.</summary>
    internal Task DeclareSettledAsync(BrokerLink link, string name, MailboxOptions options, CancellationToken cancellation) => DeclareAsync(
        link,
        _names.Settled(name),
        new Dictionary<string, object?> { ["x-expires"] = Milliseconds(options.UnusedTimeToLive * 2), ["x-max-length"] = (long)MaxMarks, ["x-overflow"] = "drop-head" },
        cancellation);

    private static async Task DeclareAsync(
        BrokerLink link, string queue, Dictionary<string, object?> arguments, CancellationToken cancellation, bool goesWithConsumer = false)
    {
        try
        {
            await link.DeclareAsync(
                channel => channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: goesWithConsumer, arguments, cancellationToken: cancellation), cancellation)
                .ConfigureAwait(false);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.PreconditionFailed)
        {
            // It was made with other bounds, which count until it is gone.
            await link.DeclareAsync(channel => channel.QueueDeclarePassiveAsync(queue, cancellation), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>What the broker takes: 1 ms to 2^32 - 1 ms, 49 days.</summary>
    private static long Milliseconds(TimeSpan time) => (long)Math.Clamp(time.TotalMilliseconds, 1, uint.MaxValue);
}
