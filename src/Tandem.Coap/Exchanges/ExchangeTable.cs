using Tandem.Coap.Limits;

namespace Tandem.Coap.Exchanges;

/// <summary>
/// Messages and exchanges of one endpoint (RFC 7252 sections 4 and 5) without I/O: datagrams and the time go in, datagrams and events come out. Not for concurrent use.
/// Whoever drives it takes all of <see cref="Outbox"/> and <see cref="Events"/> after every call, and calls <see cref="Sweep"/> at <see cref="NextDue"/>.
/// </summary>
internal sealed partial class ExchangeTable
{
    // Forgetting is not urgent: this often at most.
    private static readonly TimeSpan HousekeepingInterval = TimeSpan.FromSeconds(1);

    private readonly ExchangeSettings _settings;
    private readonly CoapTransmissionOptions _timers;
    private readonly Random _random;
    private readonly RateLimiter _limiter;
    private readonly EchoChallenge _echo;
    private readonly DeadlineSet _deadlines = new();
    private readonly PeerTable _peers;
    private readonly LinkedList<Received> _remembered = new();
    private long _rememberedBytes;
    private TimeSpan _housekept;
    private long _received, _sent, _malformed, _limited, _duplicates, _retransmissions, _givenUp, _challenges, _tooSmall, _refused;

    /// <param name="settings">Bounds and timers.</param>
    /// <param name="random">For message IDs, tokens and waits. Nobody must be able to guess it (section 11.4).</param>
    public ExchangeTable(ExchangeSettings settings, Random random)
    {
        _settings = settings;
        _timers = settings.Transmission;
        _random = random;
        _limiter = new RateLimiter(settings.RateLimits);
        byte[] key = new byte[32];
        random.NextBytes(key);
        // A challenge that came in time must be good for as long as its request is repeated.
        _echo = new EchoChallenge(key, _timers.ExchangeLifetime);
        _peers = new PeerTable(settings);
    }

    public Queue<Datagram> Outbox { get; } = new();

    public Queue<ExchangeEvent> Events { get; } = new();

    /// <summary>When to call <see cref="Sweep"/>; null: not before something else has happened.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            TimeSpan? next = _deadlines.Next;
            if (NextToForget is { } forget)
            {
                TimeSpan soonest = _housekept + HousekeepingInterval;
                if (forget < soonest) forget = soonest;
                if (next is null || forget < next) next = forget;
            }

            return next;
        }
    }

    public CoapStatistics Statistics => new()
    {
        Received = _received,
        Sent = _sent,
        Malformed = _malformed,
        RateLimited = _limited,
        Duplicates = _duplicates,
        Retransmissions = _retransmissions,
        GivenUp = _givenUp,
        Challenges = _challenges,
        TooSmallToChallenge = _tooSmall,
        Refused = _refused,
        Peers = _peers.Count,
    };

    internal int Deadlines => _deadlines.Count;

    internal int Remembered => _remembered.Count;

    internal long RememberedBytes => _rememberedBytes;

    internal int TrackedAddresses => _limiter.Tracked;

    private TimeSpan? NextToForget
    {
        get
        {
            TimeSpan? next = _remembered.First?.Value.Expires;
            TimeSpan? peer = _peers.NextIdle is { } idle ? idle + _settings.PeerLifetime : null;
            return next is null || peer < next ? peer ?? next : next;
        }
    }

    /// <summary>Sets the deadline of something that is not of this layer; it comes back as <see cref="ExchangeEventKind.Elapsed"/>.</summary>
    public void Schedule(Timed timed, TimeSpan? due) => _deadlines.Set(timed, due);

    /// <summary>Section 5.3.1: long and random, since it is what a forged response would have to guess.</summary>
    public CoapToken NewToken()
    {
        Span<byte> bytes = stackalloc byte[CoapToken.MaxLength];
        _random.NextBytes(bytes);
        return new CoapToken(bytes);
    }

    /// <summary>Does what is due.</summary>
    public void Sweep(TimeSpan now)
    {
        while (_deadlines.Take(now) is { } timed)
        {
            switch (timed)
            {
                case Sending sending:
                    OnDeadline(sending, now);
                    break;
                case IncomingRequest request:
                    Acknowledge(request);
                    break;
                case Peer peer:
                    Pump(peer, now);
                    break;
                default:
                    Events.Enqueue(new ExchangeEvent(ExchangeEventKind.Elapsed, timed));
                    break;
            }
        }

        if (now - _housekept < HousekeepingInterval) return;
        _housekept = now;
        while (_remembered.First is { } first && first.Value.Expires <= now) Forget(first.Value);
        while (_peers.TakeIdle(now - _settings.PeerLifetime) is { } idle) ForgetAll(idle);
    }

    private void Post(CoapAddress to, ReadOnlyMemory<byte> datagram)
    {
        _sent++;
        Outbox.Enqueue(new Datagram(to, datagram));
    }

    private void PostReset(CoapAddress to, ushort messageId) => Post(to, new CoapMessage(CoapType.Reset, CoapCode.Empty, messageId).ToArray());

    /// <summary>The peer with an address, made when there is none; null when there are too many.</summary>
    private Peer? Admit(CoapAddress address, TimeSpan now)
    {
        Peer? peer = _peers.Find(address, now);
        if (peer is not null) return peer;
        // A new endpoint gets nothing else first, so that its message IDs may begin anywhere (section 4.4).
        peer = _peers.Add(address, (ushort)_random.Next(ushort.MaxValue + 1), now, out Peer? evicted);
        if (evicted is not null) ForgetAll(evicted);
        return peer;
    }

    private Received Remember(Peer peer, CoapMessage message, TimeSpan now)
    {
        TimeSpan lifetime = message.Type == CoapType.Confirmable ? _timers.ExchangeLifetime : _timers.NonLifetime;
        // The peer's own oldest goes first: nobody can make this end forget what another sent by sending much.
        if (peer.ReceivedOrder.Count >= _settings.MaxRememberedPerPeer) Forget(peer.ReceivedOrder.Peek());
        var received = new Received(peer, message.MessageId, now + lifetime);
        peer.Received[message.MessageId] = received;
        peer.ReceivedOrder.Enqueue(received);
        received.Node = _remembered.AddLast(received);
        _rememberedBytes += received.Size;
        TrimRemembered(received);
        return received;
    }

    private void SetAnswer(Received received, byte[] answer)
    {
        if (received.Node is null) return;
        _rememberedBytes -= received.Size;
        received.Answer = answer;
        _rememberedBytes += received.Size;
        TrimRemembered(received);
    }

    private void TrimRemembered(Received latest)
    {
        while (_rememberedBytes > _settings.MaxRememberedBytes && _remembered.First is { } first && first.Value != latest) Forget(first.Value);
    }

    /// <summary>Forgets a message ID. It is always the oldest of its peer, since both orders are the order of arrival.</summary>
    private void Forget(Received received)
    {
        if (received.Node is null) return;
        received.Peer.ReceivedOrder.Dequeue();
        if (received.Peer.Received.TryGetValue(received.MessageId, out Received? known) && known == received) received.Peer.Received.Remove(received.MessageId);
        _rememberedBytes -= received.Size;
        _remembered.Remove(received.Node);
        received.Node = null;
    }

    private void ForgetAll(Peer peer)
    {
        while (peer.ReceivedOrder.TryPeek(out Received? received)) Forget(received);
        _deadlines.Set(peer, null);
    }
}
