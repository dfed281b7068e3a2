using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Model;

/// <summary>A backplane in process, with all that passes held against a simple model: numbered events, and one list for each mailbox.</summary>
internal sealed class WatchedBackplane(bool isShared, EventLedger ledger, TimeProvider time) : Backplane
{
    private readonly InProcessBackplane _inner = new(isShared, timeProvider: time);
    private readonly Dictionary<string, MailboxModel> _mailboxes = [];

    public override bool IsShared => isShared;

    /// <summary>What does not hold, found where an exception would be taken for the application's.</summary>
    public List<string> Violations { get; } = [];

    public int MessagesLeft => _mailboxes.Values.Sum(mailbox => mailbox.Count);

    public override void Attach(BackplaneNode node) => _inner.Attach(node);

    public void Detach(BackplaneNode node) => _inner.Detach(node);

    public override ValueTask<SessionCode> PublishAsync(BackplaneNode node, TopicMessage message)
    {
        ledger.Add(message.Topic, message.Origin, message.Offset, Encoding.UTF8.GetString(message.Payload.Span));
        return _inner.PublishAsync(node, message);
    }

    public override ValueTask<(SessionCode Code, IReadOnlyList<TopicPosition> Heads)> JoinAsync(BackplaneNode node, string topic) => _inner.JoinAsync(node, topic);

    public override void Leave(BackplaneNode node, string topic) => _inner.Leave(node, topic);

    public override ValueTask<IReadOnlyList<BackplaneHistory>> HistoryAsync(BackplaneNode node, string topic, IReadOnlyList<TopicPosition> after) =>
        _inner.HistoryAsync(node, topic, after);

    public override ValueTask<(SessionCode Code, IReadOnlyList<(long First, long Last)> Numbers)> PublishedAsync(BackplaneNode node, string topic, ulong publisher) =>
        _inner.PublishedAsync(node, topic, publisher);

    public override ValueTask<SessionCode> SendAsync(string mailbox, MailboxOptions options, MailboxMessage message)
    {
        SessionCode expected = Model(mailbox, options).Send(message);
        SessionCode code = _inner.SendAsync(mailbox, options, message).Now();
        if (code != expected) Violations.Add($"{mailbox}: {code} where the model says {expected}");
        return new(code);
    }

    public override ValueTask<SessionCode> ConsumeAsync(string mailbox, MailboxOptions options, MailboxConsumer consumer)
    {
        MailboxModel model = Model(mailbox, options);
        var watched = new WatchedConsumer(this, model, consumer) { Prefetch = consumer.Prefetch };
        model.TakeOver(watched);
        ValueTask<SessionCode> result = _inner.ConsumeAsync(mailbox, options, watched);
        consumer.Settle = delivery =>
        {
            model.Settle(watched, delivery);
            watched.Settle!(delivery);
        };
        consumer.Resume = () => watched.Resume!();
        consumer.Close = () =>
        {
            model.Close(watched);
            watched.Close!();
        };
        return result;
    }

    public override ValueTask DisposeAsync() => _inner.DisposeAsync();

    private MailboxModel Model(string mailbox, MailboxOptions options)
    {
        if (!_mailboxes.TryGetValue(mailbox, out MailboxModel? model)) _mailboxes.Add(mailbox, model = new MailboxModel(options.MaxMessages));
        return model;
    }

    private sealed class WatchedConsumer(WatchedBackplane backplane, MailboxModel model, MailboxConsumer consumer) : MailboxConsumer
    {
        public override bool TryDeliver(long delivery, MailboxMessage message)
        {
            string? wrong = model.Judge(this, delivery, message);
            if (wrong is not null) backplane.Violations.Add(wrong);
            bool taken = consumer.TryDeliver(delivery, message);
            if (taken) model.Delivered(delivery);
            return taken;
        }

        public override void OnClosed(SessionCode code) => consumer.OnClosed(code);
    }

    /// <summary>A mailbox as one list, oldest first.</summary>
    private sealed class MailboxModel(int capacity)
    {
        private readonly List<Stored> _stored = [];
        private readonly Dictionary<(ulong, long), SessionCode> _answers = [];
        private WatchedConsumer? _consumer;
        private long _last;

        public int Count => _stored.Count;

        public SessionCode Send(MailboxMessage message)
        {
            if (_answers.TryGetValue((message.Publisher, message.Number), out SessionCode answered)) return answered;
            SessionCode code = _stored.Count < capacity ? SessionCode.Ok : SessionCode.Full;
            _answers.Add((message.Publisher, message.Number), code);
            if (code == SessionCode.Ok) _stored.Add(new Stored { Name = Encoding.UTF8.GetString(message.Payload.Span) });
            return code;
        }

        public void TakeOver(WatchedConsumer consumer)
        {
            GiveBack();
            (_consumer, _last) = (consumer, 0);
        }

        public void Close(WatchedConsumer consumer)
        {
            if (_consumer != consumer) return;
            GiveBack();
            _consumer = null;
        }

        public void Settle(WatchedConsumer consumer, long delivery)
        {
            if (_consumer == consumer) _stored.RemoveAll(stored => stored.Delivery == delivery && delivery > 0);
        }

        public string? Judge(WatchedConsumer consumer, long delivery, MailboxMessage message)
        {
            string name = Encoding.UTF8.GetString(message.Payload.Span);
            Stored? next = _stored.Find(stored => stored.Delivery == 0);
            if (consumer != _consumer) return $"{name} goes to somebody who does not have the mailbox";
            if (next?.Name != name || delivery != _last + 1) return $"delivery {delivery} is {name} where the model says {_last + 1}, {next?.Name}";
            if (_stored.Count(stored => stored.Delivery > 0) >= consumer.Prefetch) return $"{name} is beyond the prefetch";
            return next.WasDelivered == ((message.Flags & MessageFlags.Redelivered) != 0) ? null : $"{name}: the mark of redelivery is wrong";
        }

        public void Delivered(long delivery)
        {
            Stored next = _stored.First(stored => stored.Delivery == 0);
            (next.Delivery, next.WasDelivered, _last) = (delivery, true, delivery);
        }

        private void GiveBack()
        {
            foreach (Stored stored in _stored) stored.Delivery = 0;
        }

        private sealed class Stored
        {
            public required string Name { get; init; }

            public long Delivery { get; set; }

            public bool WasDelivered { get; set; }
        }
    }
}
