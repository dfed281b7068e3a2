using System.Globalization;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.RabbitMq;

/// <summary>
/// The way into mailboxes: each is declared before the first message and its lease renewed by further ones; messages go in the order in which they came; what a client
/// sends again on this node is answered as the first time. What it sends again on another node is in the queue twice, and found out by who consumes it.
/// </summary>
internal sealed class MailboxSenders(RabbitMqBackplane backplane)
{
    /// <summary>A lease is renewed so many times in the life of a mailbox that nobody consumes; the queue lives for one of them longer than it was promised.</summary>
    public const int LeasesPerLife = 8;

    // Beyond so many names all are forgotten, and declared again when they are next used.
    private const int MaxNames = 100_000;
    // So many answers to clients are kept for those who ask again: some tens of thousands of clients with a few requests each.
    private const int MaxRecent = 65_536;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Sender> _senders = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, ulong, long), Task<SessionCode>> _recent = [];
    private readonly Queue<(string, ulong, long)> _recentOrder = new();
    private long _lastNumber;

    public Task<SessionCode> SendAsync(string mailbox, MailboxOptions options, MailboxMessage message)
    {
        var outgoing = new Outgoing("", backplane.Names.Mailbox(mailbox), message.Payload, backplane.Window.Deadline)
        {
            Mandatory = true, Persistent = !options.RequiresConsumer, IsText = (message.Flags & MessageFlags.Text) != 0, MessageId = Identify(message),
        };
        if (message.Publisher == 0) return SendAsync(mailbox, options, outgoing);
        (string, ulong, long) key = (mailbox, message.Publisher, message.Number);
        Task<SessionCode> sent;
        lock (_gate)
        {
            if (_recent.TryGetValue(key, out Task<SessionCode>? same) && !(same.IsCompletedSuccessfully && same.Result == SessionCode.Unavailable)) return same;
            // Begun under the lock, for the order.
            sent = SendAsync(mailbox, options, outgoing);
            if (_recent.TryAdd(key, sent)) _recentOrder.Enqueue(key);
            else _recent[key] = sent;
            if (_recentOrder.Count > MaxRecent) _recent.Remove(_recentOrder.Dequeue());
        }

        return sent;
    }

    private string Identify(MailboxMessage message) => message.Publisher == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{backplane.Id:n}.{Interlocked.Increment(ref _lastNumber)}")
        : string.Create(CultureInfo.InvariantCulture, $"{message.Publisher:x16}.{message.Number}");

    private async Task<SessionCode> SendAsync(string mailbox, MailboxOptions options, Outgoing outgoing)
    {
        // Declared by its consumer alone: where there is none, there is no queue.
        PublishResult result = await (options.RequiresConsumer ? backplane.Window.PublishAsync(outgoing) : PublishAsync(mailbox, options, outgoing)).ConfigureAwait(false);
        if (result == PublishResult.Unroutable && options.RequiresConsumer) return SessionCode.NotFound;
        if (result == PublishResult.Unroutable)
        {
            // It has expired, or somebody has deleted it.
            lock (_gate) _senders.Remove(mailbox);
            var again = new Outgoing("", outgoing.Key, outgoing.Body, outgoing.Deadline) { Mandatory = true, Persistent = true, IsText = outgoing.IsText, MessageId = outgoing.MessageId };
            result = await PublishAsync(mailbox, options, again).ConfigureAwait(false);
        }

        return result switch
        {
            PublishResult.Confirmed => SessionCode.Ok,
            PublishResult.Refused => SessionCode.Full,
            _ => SessionCode.Unavailable,
        };
    }

    private Task<PublishResult> PublishAsync(string mailbox, MailboxOptions options, Outgoing outgoing)
    {
        Sender? sender;
        lock (_gate)
        {
            if (!_senders.TryGetValue(mailbox, out sender))
            {
                if (_senders.Count >= MaxNames) _senders.Clear();
                _senders.Add(mailbox, sender = new Sender(backplane, mailbox, options));
            }
        }

        return sender.PublishAsync(outgoing);
    }

    private sealed class Sender(RabbitMqBackplane backplane, string name, MailboxOptions options)
    {
        private readonly Lock _gate = new();
        // Waits for the declaration. Null: none is under way.
        private List<Outgoing>? _waiting;
        private long _declared;
        private bool _wasDeclared;

        public Task<PublishResult> PublishAsync(Outgoing outgoing)
        {
            lock (_gate)
            {
                TimeProvider time = backplane.Options.TimeProvider;
                if (_waiting is null && _wasDeclared && time.GetElapsedTime(_declared) < options.UnusedTimeToLive / LeasesPerLife) return backplane.Window.PublishAsync(outgoing);
                if (_waiting is { } waiting)
                {
                    if (waiting.Count >= backplane.Options.MaxUnconfirmedMessages) return Task.FromResult(PublishResult.Unknown);
                    waiting.Add(outgoing);
                    return outgoing.Result;
                }

                _waiting = [outgoing];
            }

            _ = DeclareAsync();
            return outgoing.Result;
        }

        private async Task DeclareAsync()
        {
            bool isDeclared = false;
            using CancellationTokenSource deadline = backplane.Deadline();
            while (!isDeclared && await backplane.LinkAsync(deadline.Token).ConfigureAwait(false) is { } link)
            {
                try
                {
                    await backplane.DeclareMailboxAsync(link, name, options, deadline.Token).ConfigureAwait(false);
                    isDeclared = true;
                }
                catch (Exception exception) when (RabbitMqBackplane.IsOfTheLink(exception))
                {
                    await backplane.PauseAsync(deadline.Token).ConfigureAwait(false);
                }
            }

            List<Outgoing> refused = [];
            lock (_gate)
            {
                foreach (Outgoing outgoing in _waiting!)
                {
                    if (!isDeclared || !backplane.Window.TryPublish(outgoing)) refused.Add(outgoing);
                }

                _waiting = null;
                _wasDeclared = isDeclared;
                _declared = backplane.Options.TimeProvider.GetTimestamp();
            }

            foreach (Outgoing outgoing in refused) outgoing.Complete(PublishResult.Unknown);
        }
    }
}
