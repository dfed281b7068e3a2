using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <content>What the application asks for, and what becomes of it when a session is lost.</content>
public sealed partial class SessionClient
{
    // In the order in which it is to be sent: what a full server, or having no session, holds back.
    private readonly LinkedList<Outgoing> _toSend = new();
    // In the order of their numbers.
    private readonly SortedDictionary<long, Outgoing> _unanswered = [];
    private readonly Dictionary<string, ClientSubscription> _subscriptions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ClientMailbox> _mailboxes = new(StringComparer.Ordinal);
    private int _maxRequests = 1;
    private long _lastRequest;

    /// <summary>How many requests and messages wait to be sent, or for an answer.</summary>
    public int Waiting => _toSend.Count + _unanswered.Count;

    /// <summary>Subscribes to a topic, for this session and those that follow it.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="presence">Whether to be told of presence.</param>
    /// <returns>The number of the request; 0: there is no room, or the client has this subscription.</returns>
    /// <exception cref="ArgumentException">The topic cannot be one.</exception>
    public long Subscribe(string topic, bool presence = false)
    {
        byte[] name = Names.Encode(topic, nameof(topic));
        if (Waiting >= _maxWaiting || _subscriptions.ContainsKey(topic)) return 0;
        var subscription = new ClientSubscription(topic, name, presence);
        _subscriptions.Add(topic, subscription);
        return Send(SubscribeRequest(subscription, ++_lastRequest, isRestored: false));
    }

    /// <summary>Ends a subscription.</summary>
    /// <param name="topic">The topic.</param>
    /// <returns>The number of the request; 0: there is no room, or no subscription that was granted in this session.</returns>
    public long Unsubscribe(string topic)
    {
        if (Waiting >= _maxWaiting || !_subscriptions.TryGetValue(topic, out ClientSubscription? subscription) || subscription.Id == 0) return 0;
        long request = ++_lastRequest;
        _subscriptions.Remove(topic);
        return Send(new Outgoing(Kind.End, request, new UnsubscribeFrame { Request = request, TopicId = subscription.Id }.ToShared()));
    }

    /// <summary>Publishes an event: once, also when the answer is lost with the session.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="payload">The event. It is copied.</param>
    /// <param name="flags">Text or not.</param>
    /// <param name="key">What it is the latest state of; null: nothing.</param>
    /// <returns>The number of the request; 0: there is no room.</returns>
    /// <exception cref="ArgumentException">The topic or the key cannot be one.</exception>
    public long Publish(string topic, ReadOnlySpan<byte> payload, MessageFlags flags = MessageFlags.None, string? key = null)
    {
        byte[] name = Names.Encode(topic, nameof(topic)), keyBytes = Names.EncodeKey(key, nameof(key));
        if (Waiting >= _maxWaiting) return 0;
        long request = ++_lastRequest;
        var frame = new PublishFrame
        {
            Request = request, Flags = (flags & MessageFlags.Text) | (keyBytes.Length > 0 ? MessageFlags.Key : 0), Topic = name, Key = keyBytes, Payload = payload,
        };
        return Send(new Outgoing(Kind.Repeatable, request, frame.ToShared()));
    }

    /// <summary>Puts a message into a mailbox: once, also when the answer is lost with the session.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="payload">The message. It is copied.</param>
    /// <param name="flags">Text or not.</param>
    /// <returns>The number of the request; 0: there is no room.</returns>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    public long SendToMailbox(string mailbox, ReadOnlySpan<byte> payload, MessageFlags flags = MessageFlags.None)
    {
        byte[] name = Names.Encode(mailbox, nameof(mailbox));
        if (Waiting >= _maxWaiting) return 0;
        long request = ++_lastRequest;
        var frame = new MailboxSendFrame { Request = request, Flags = flags & MessageFlags.Text, Mailbox = name, Payload = payload };
        return Send(new Outgoing(Kind.Repeatable, request, frame.ToShared()));
    }

    /// <summary>Becomes the consumer of a mailbox, in this session and those that follow it, until another takes it over.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="prefetch">Most deliveries without settlement, 1 to 256.</param>
    /// <returns>The number of the request; 0: there is no room, or the client has the mailbox open.</returns>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    public long OpenMailbox(string mailbox, int prefetch = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(prefetch, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefetch, ProtocolLimits.MaxPrefetch);
        byte[] name = Names.Encode(mailbox, nameof(mailbox));
        if (Waiting >= _maxWaiting || _mailboxes.ContainsKey(mailbox)) return 0;
        var opened = new ClientMailbox(mailbox, name, prefetch);
        _mailboxes.Add(mailbox, opened);
        return Send(MailboxRequest(opened, ++_lastRequest, isRestored: false));
    }

    /// <summary>Settles a delivery.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="delivery">The delivery.</param>
    /// <returns>False: the mailbox is not open; its message comes again.</returns>
    public bool Settle(string mailbox, long delivery)
    {
        if (!_mailboxes.TryGetValue(mailbox, out ClientMailbox? opened) || opened.Id == 0) return false;
        // Bounded by the prefetch, so not by what may wait.
        Send(new Outgoing(Kind.OfSession, 0, new MailboxSettleFrame { MailboxId = opened.Id, Delivery = delivery }.ToShared()));
        return true;
    }

    /// <summary>Gives a mailbox up.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <returns>The number of the request; 0: there is no room, or the mailbox is not open.</returns>
    public long CloseMailbox(string mailbox)
    {
        if (Waiting >= _maxWaiting || !_mailboxes.TryGetValue(mailbox, out ClientMailbox? opened) || opened.Id == 0) return 0;
        long request = ++_lastRequest;
        _mailboxes.Remove(mailbox);
        return Send(new Outgoing(Kind.End, request, new MailboxCloseFrame { Request = request, MailboxId = opened.Id }.ToShared()));
    }

    /// <summary>Sends a message to the application on the server: once, unless the session is lost before it is acknowledged.</summary>
    /// <param name="payload">The message. It is copied.</param>
    /// <param name="flags">Text or not.</param>
    /// <returns>False: there is no room.</returns>
    public bool Send(ReadOnlySpan<byte> payload, MessageFlags flags = MessageFlags.None)
    {
        if (Waiting + _outbox.Count >= _maxWaiting) return false;
        Send(new Outgoing(Kind.Message, 0, new ClientMessageFrame { Flags = flags & MessageFlags.Text, Payload = payload }.ToShared()));
        return true;
    }

    private long Send(Outgoing outgoing)
    {
        _toSend.AddLast(outgoing);
        Move();
        Signal();
        return outgoing.Request;
    }

    /// <summary>Moves on what the session has room for.</summary>
    private void Move()
    {
        while (_state == State.Open && _toSend.First is { } first)
        {
            Outgoing outgoing = first.Value;
            if (outgoing.Request > 0 && _unanswered.Count >= _maxRequests) return;
            _toSend.RemoveFirst();
            if (outgoing.Request > 0) _unanswered.Add(outgoing.Request, outgoing);
            _outbox.Add(outgoing.Frame);
        }
    }

    /// <summary>A new session takes the place of the one that is lost. Returns how many messages may or may not have arrived.</summary>
    private int Restore()
    {
        int unconfirmed = 0;
        _outbox.Rewind();
        while (_outbox.TryTake(out SharedFrame? frame, out _)) unconfirmed += frame!.Type == FrameType.ClientMessage ? 1 : 0;
        _outbox = new Outbox();
        (_received, _owedFrames, _owedBytes, _isAckDue) = (0, 0, 0, false);
        List<Outgoing> pending = [.. _unanswered.Values.Select(Again), .. _toSend];
        _unanswered.Clear();
        _toSend.Clear();
        _topicsById.Clear();
        _mailboxesById.Clear();

        // First what is heard, so that nothing published below is missed.
        foreach (ClientSubscription subscription in _subscriptions.Values)
        {
            subscription.Id = 0;
            Outgoing? asked = pending.Find(other => other.Subscription == subscription);
            _toSend.AddLast(SubscribeRequest(subscription, asked?.Request ?? ++_lastRequest, asked is null || asked.IsRestored));
        }

        foreach (ClientMailbox mailbox in _mailboxes.Values)
        {
            mailbox.Id = 0;
            Outgoing? asked = pending.Find(other => other.Mailbox == mailbox);
            _toSend.AddLast(MailboxRequest(mailbox, asked?.Request ?? ++_lastRequest, asked is null || asked.IsRestored));
        }

        foreach (Outgoing outgoing in pending)
        {
            if (outgoing.Kind is Kind.Repeatable or Kind.Message) _toSend.AddLast(outgoing);
        }

        // What was to end has ended with the session.
        foreach (Outgoing outgoing in pending)
        {
            if (outgoing.Kind == Kind.End) _events.OnReply(outgoing.Request, SessionCode.Ok, "");
        }

        return unconfirmed;
    }

    /// <summary>What may have arrived already says so: whoever takes it in has to ask the other nodes.</summary>
    private static Outgoing Again(Outgoing outgoing)
    {
        if (outgoing.Frame.Type != FrameType.Publish) return outgoing;
        PublishFrame.Read(outgoing.Frame.Span, out PublishFrame publish);
        var again = new PublishFrame
        {
            Request = publish.Request, Flags = publish.Flags | MessageFlags.Redelivered, Topic = publish.Topic, Key = publish.Key, Payload = publish.Payload,
        };
        return outgoing with { Frame = again.ToShared() };
    }

    private static Outgoing SubscribeRequest(ClientSubscription subscription, long request, bool isRestored)
    {
        var frame = new SubscribeFrame
        {
            Request = request, Topic = subscription.Name,
            Flags = (subscription.WasGranted ? SubscribeFlags.Recover : 0) | (subscription.Presence ? SubscribeFlags.Presence : 0),
            Position = new PositionList(subscription.Position),
        };
        return new Outgoing(Kind.Restored, request, frame.ToShared()) { Subscription = subscription, IsRestored = isRestored };
    }

    private static Outgoing MailboxRequest(ClientMailbox mailbox, long request, bool isRestored)
    {
        var frame = new MailboxOpenFrame { Request = request, Prefetch = mailbox.Prefetch, Mailbox = mailbox.NameBytes };
        return new Outgoing(Kind.Restored, request, frame.ToShared()) { Mailbox = mailbox, IsRestored = isRestored };
    }

    /// <summary>What becomes of a frame when the session is lost before it is answered or acknowledged.</summary>
    private enum Kind
    {
        /// <summary>Sent again with its number.</summary>
        Repeatable,

        /// <summary>Made anew from what there is: a subscription, a mailbox.</summary>
        Restored,

        /// <summary>Answered as done.</summary>
        End,

        /// <summary>Sent if it was not yet, otherwise counted.</summary>
        Message,

        /// <summary>Forgotten.</summary>
        OfSession,
    }

    private sealed record Outgoing(Kind Kind, long Request, SharedFrame Frame)
    {
        public ClientSubscription? Subscription { get; init; }

        public ClientMailbox? Mailbox { get; init; }

        /// <summary>Whether the application knows nothing of this request.</summary>
        public bool IsRestored { get; init; }
    }

    private sealed class ClientSubscription(string topic, byte[] name, bool presence)
    {
        public string Topic => topic;

        public byte[] Name => name;

        public bool Presence => presence;

        /// <summary>The topic's id in this session; 0: not granted yet.</summary>
        public long Id { get; set; }

        /// <summary>Whether there is a position to go on from, if only an empty one.</summary>
        public bool WasGranted { get; set; }

        // What was seen of each origin, and when it was last heard of, in events of this topic.
        private readonly Dictionary<uint, (long Offset, long Heard)> _position = [];
        // Of those that the present node does not name: not told to the next one, which would report a gap of unknown size each time, but not to be seen twice
        // where one does know them.
        private readonly Dictionary<uint, (long Offset, long Heard)> _past = [];
        private long _heard;

        /// <summary>What was seen of the origins that the present node knows.</summary>
        public TopicPosition[] Position => [.. _position.Select(entry => new TopicPosition(entry.Key, entry.Value.Offset))];

        /// <summary>Goes on from the position of a node, or from what was seen where that is further.</summary>
        public void Begin(TopicPosition[] start)
        {
            foreach ((uint origin, (long Offset, long Heard) seen) in _position) Keep(_past, origin, seen);
            _position.Clear();
            foreach (TopicPosition entry in start)
            {
                _past.Remove(entry.Origin, out (long Offset, long Heard) seen);
                _position[entry.Origin] = (Math.Max(entry.Offset, seen.Offset), ++_heard);
            }
        }

        /// <summary>Says how many offsets of an origin are new.</summary>
        public long Advance(uint origin, long offset)
        {
            if (!_position.TryGetValue(origin, out (long Offset, long Heard) seen)) _past.TryGetValue(origin, out seen);
            if (offset <= seen.Offset) return 0;
            _past.Remove(origin);
            if (Keep(_position, origin, (offset, ++_heard)) is { } forgotten) Keep(_past, forgotten.Key, forgotten.Value);
            return offset - seen.Offset;
        }

        /// <summary>Keeps what was seen of an origin, and forgets the one that was not heard of for longest where there are too many.</summary>
        private static KeyValuePair<uint, (long Offset, long Heard)>? Keep(Dictionary<uint, (long Offset, long Heard)> position, uint origin, (long Offset, long Heard) seen)
        {
            KeyValuePair<uint, (long Offset, long Heard)>? forgotten = null;
            if (position.Count >= ProtocolLimits.MaxPositions && !position.ContainsKey(origin))
            {
                forgotten = position.MinBy(entry => entry.Value.Heard);
                position.Remove(forgotten.Value.Key);
            }

            position[origin] = seen;
            return forgotten;
        }
    }

    private sealed class ClientMailbox(string name, byte[] nameBytes, int prefetch)
    {
        public string Name => name;

        public byte[] NameBytes => nameBytes;

        public int Prefetch => prefetch;

        public long Id { get; set; }
    }
}
