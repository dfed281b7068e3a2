using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests.Model;

/// <summary>Every event that any hub has counted, under its number: what subscribers see is held against it.</summary>
internal sealed class EventLedger
{
    private readonly Dictionary<(string Topic, uint Origin), List<string>> _events = [];
    private readonly Dictionary<string, List<(uint Origin, long Offset)>> _places = [];

    public IEnumerable<(string Topic, uint Origin)> Origins => _events.Keys;

    public void Add(string topic, uint origin, long offset, string name)
    {
        if (!_events.TryGetValue((topic, origin), out List<string>? events)) _events.Add((topic, origin), events = []);
        Assert.True(offset == events.Count + 1, $"{topic}: event {name} has the offset {offset}, after {events.Count}.");
        events.Add(name);
        if (!_places.TryGetValue(name, out List<(uint, long)>? places)) _places.Add(name, places = []);
        places.Add((origin, offset));
    }

    public long Head(string topic, uint origin) => _events.TryGetValue((topic, origin), out List<string>? events) ? events.Count : 0;

    public IReadOnlyList<string> Events(string topic, uint origin) => _events[(topic, origin)];

    public string? Find(string topic, uint origin, long offset) =>
        _events.TryGetValue((topic, origin), out List<string>? events) && offset <= events.Count ? events[(int)offset - 1] : null;

    public IReadOnlyList<(uint Origin, long Offset)> Places(string name) => _places.GetValueOrDefault(name) ?? [];

    /// <summary>How many of an origin's offsets after one and up to another are events that have a place elsewhere too, so that a hub may have left them out.</summary>
    public long Repeated(string topic, uint origin, long after, long upTo)
    {
        long count = 0;
        for (long offset = after + 1; offset <= upTo; offset++)
        {
            if (Find(topic, origin, offset) is { } name && Places(name).Count > 1) count++;
        }

        return count;
    }
}

/// <summary>A subscriber that takes everything at once, and writes it down: on a hub alone nobody else sees all of its events.</summary>
internal sealed class Observer : Carrier
{
    private readonly EventLedger _ledger;
    private readonly string[] _topics;
    private readonly Dictionary<long, string> _names = [];
    private long _received;

    public Observer(SessionHub hub, EventLedger ledger, string[] topics)
        : base(hub, new CarrierContext())
    {
        (_ledger, _topics) = (ledger, topics);
        Receive(new OpenFrame { Version = ProtocolLimits.Version, Publisher = 1 }.ToShared().Span);
        for (int i = 0; i < topics.Length; i++) Receive(new SubscribeFrame { Request = i + 1, Topic = System.Text.Encoding.UTF8.GetBytes(topics[i]) }.ToShared().Span);
        OnReady();
    }

    protected internal override void OnReady()
    {
        while (TryTake(out SharedFrame? frame, out _))
        {
            if (frame.IsReliable) _received++;
            if (frame.Type == FrameType.Subscribed)
            {
                SubscribedFrame.Read(frame.Span, out SubscribedFrame subscribed);
                _names[subscribed.TopicId] = _topics[subscribed.Request - 1];
            }
            else if (frame.Type == FrameType.Event)
            {
                EventFrame.Read(frame.Span, out EventFrame found);
                _ledger.Add(_names[found.TopicId], found.Origin, found.Offset, System.Text.Encoding.UTF8.GetString(found.Payload));
            }
        }

        Rewind(_received);
    }

    protected internal override void OnEnded(SessionCode code, string reason)
    {
    }
}
