using System.Collections.Concurrent;
using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>Topics and mailboxes by name.</content>
public sealed partial class SessionHub
{
    private readonly ConcurrentDictionary<string, Topic> _topics = new(StringComparer.Ordinal);
    private long _lastTopicId;

    /// <summary>How many topics this node has.</summary>
    public int Topics => _topics.Count;

    /// <summary>Publishes an event of the application.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="payload">The event. It is copied.</param>
    /// <param name="flags">Text or not.</param>
    /// <param name="key">What it is the latest state of; null: nothing.</param>
    /// <returns>Ok, Busy, PayloadTooLarge, InvalidName, Full (too many topics), or Unavailable.</returns>
    /// <exception cref="ArgumentException">The topic or the key cannot be one.</exception>
    public ValueTask<SessionCode> PublishAsync(string topic, ReadOnlySpan<byte> payload, MessageFlags flags = MessageFlags.None, string? key = null)
    {
        Names.Encode(topic, nameof(topic));
        Names.EncodeKey(key, nameof(key));
        return Publish(new TopicMessage(topic, 0, 0, 0, 0, flags & MessageFlags.Text, string.IsNullOrEmpty(key) ? null : key, default), payload, isRepeated: false);
    }

    /// <summary>Puts a message of the application into a mailbox.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="payload">The message. It is copied.</param>
    /// <param name="flags">Text or not.</param>
    /// <returns>Ok, Full, PayloadTooLarge, InvalidName, or Unavailable.</returns>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    public ValueTask<SessionCode> SendToMailboxAsync(string mailbox, ReadOnlySpan<byte> payload, MessageFlags flags = MessageFlags.None)
    {
        Names.Encode(mailbox, nameof(mailbox));
        return SendToMailbox(mailbox, 0, 0, flags, payload);
    }

    /// <summary>How many subscribers a topic has on this node.</summary>
    /// <param name="topic">The topic.</param>
    /// <returns>0 also where there is no such topic.</returns>
    public int Subscribers(string topic) => _topics.TryGetValue(topic, out Topic? found) ? found.Subscribers : 0;

    /// <summary>The name of a topic, checked bytes of UTF-8, as a string: that of the topic where it is there.</summary>
    internal string NameOf(ReadOnlySpan<byte> topic)
    {
        // UTF-8 has no more characters than bytes.
        Span<char> text = stackalloc char[ProtocolLimits.MaxNameBytes];
        text = text[..Encoding.UTF8.GetChars(topic, text)];
        return _topics.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out Topic? found) ? found.Name : text.ToString();
    }

    internal ValueTask<SessionCode> Publish(TopicMessage message, ReadOnlySpan<byte> payload, bool isRepeated)
    {
        SessionCode code = TryUse(message.Topic, out Topic? topic);
        if (topic is null) return new(code);
        try
        {
            // What the fields of EVENT need at most.
            const int fields = 1 + 8 + 5 + 8 + 1 + 2 + ProtocolLimits.MaxKeyBytes;
            if (payload.Length > Math.Min(topic.Options.MaxPayload, Options.MaxFrameBytes - fields)) return new(SessionCode.PayloadTooLarge);
            return topic.Publish(message with { Payload = payload.ToArray() }, isRepeated);
        }
        finally
        {
            topic.Unuse();
        }
    }

    internal ValueTask<SessionCode> SendToMailbox(string mailbox, ulong publisher, long number, MessageFlags flags, ReadOnlySpan<byte> payload)
    {
        if (Application.FindMailbox(mailbox) is not { } options) return new(SessionCode.InvalidName);
        const int fields = 1 + 8 + 8 + 1;
        if (payload.Length > Math.Min(options.MaxPayload, Options.MaxFrameBytes - fields)) return new(SessionCode.PayloadTooLarge);
        return Backplane.SendAsync(mailbox, options, new MailboxMessage(publisher, number, flags & MessageFlags.Text, payload.ToArray()));
    }

    internal async ValueTask<SessionCode> SubscribeAsync(Session session, long request, string name, bool presence, TopicPosition[]? position)
    {
        SessionCode code = TryUse(name, out Topic? topic);
        if (topic is null) return code;
        try
        {
            IReadOnlyList<BackplaneHistory> elsewhere = [];
            if (Backplane.IsShared)
            {
                code = await topic.JoinAsync().ConfigureAwait(false);
                if (code != SessionCode.Ok) return code;
                if (position is not null && !topic.Covers(position)) elsewhere = await Backplane.HistoryAsync(Node, name, position).ConfigureAwait(false);
            }

            return topic.Subscribe(session, request, presence, position, elsewhere);
        }
        finally
        {
            topic.Unuse();
        }
    }

    private SessionCode TryUse(string name, out Topic? topic)
    {
        while (true)
        {
            if (!_topics.TryGetValue(name, out topic))
            {
                if (_topics.Count >= Options.MaxTopics) return SessionCode.Full;
                if (Application.FindTopic(name) is not { } options) return SessionCode.InvalidName;
                topic = _topics.GetOrAdd(name, new Topic(this, name, Interlocked.Increment(ref _lastTopicId), options));
            }

            if (topic.TryUse()) return SessionCode.Ok;
            // It was just retired, and is about to be taken out.
            Thread.Yield();
        }
    }

    /// <summary>The hub as its backplane sees it.</summary>
    private sealed class NodeFace(SessionHub hub) : BackplaneNode
    {
        // A topic that this node does not have any more has nobody to deliver to.
        public override async ValueTask DeliverAsync(TopicMessage message)
        {
            if (!hub._topics.TryGetValue(message.Topic, out Topic? topic) || !topic.TryUse()) return;
            try
            {
                await topic.DeliverRemote(message).ConfigureAwait(false);
            }
            finally
            {
                topic.Unuse();
            }
        }

        public override async ValueTask CatchUpAsync(string topic, IReadOnlyList<BackplaneHistory> parts)
        {
            List<Task> open = [];
            foreach (TopicMessage message in HistoryMerge.Events(parts)) open.Add(DeliverAsync(message).AsTask());
            await Task.WhenAll(open).ConfigureAwait(false);
        }

        public override BackplaneHistory History(string topic, IReadOnlyList<TopicPosition> after) =>
            hub._topics.TryGetValue(topic, out Topic? found) ? found.All(after) : BackplaneHistory.Empty;

        public override IReadOnlyList<(long First, long Last)> Published(string topic, ulong publisher) =>
            hub._topics.TryGetValue(topic, out Topic? found) ? found.Published(publisher) : [];

        public override IReadOnlyList<TopicPosition> Counted(string topic) => hub._topics.TryGetValue(topic, out Topic? found) ? found.Counted() : [];

        public override void Meet(string topic, IReadOnlyList<TopicPosition> counted)
        {
            if (hub._topics.TryGetValue(topic, out Topic? found)) found.Meet(counted);
        }
    }
}
