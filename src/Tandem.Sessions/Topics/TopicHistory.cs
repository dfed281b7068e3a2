using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>The latest events of a topic, and how far each origin has counted. Guarded by the topic.</summary>
internal sealed class TopicHistory(TopicOptions options)
{
    // Each start of a node brings one, and the dead are many. More than a position names, so that what a subscriber brings from another node, which has heard of
    // them in another order, is known here.
    private const int MaxOrigins = 4 * ProtocolLimits.MaxPositions;

    private readonly Queue<TopicEvent> _events = [];
    // In the order in which they were last heard of: the first is forgotten when there are too many.
    private readonly List<OriginState> _origins = [];
    private long _bytes;

    public int Count => _events.Count;

    public IEnumerable<TopicEvent> Events => _events;

    public IReadOnlyList<OriginState> Origins => _origins;

    /// <summary>How far an origin has counted; null: it is not known here.</summary>
    public OriginState? Find(uint origin)
    {
        // From the end: who is alive was heard of last.
        for (int i = _origins.Count - 1; i >= 0; i--)
        {
            if (_origins[i].Origin == origin) return _origins[i];
        }

        return null;
    }

    /// <summary>Makes an origin known whose events up to an offset are not here.</summary>
    public OriginState Learn(uint origin, long head)
    {
        if (Find(origin) is { } known) return known;
        if (_origins.Count == MaxOrigins) _origins.RemoveAt(0);
        var state = new OriginState(origin) { Head = head, Floor = head };
        _origins.Add(state);
        return state;
    }

    /// <summary>Counts an offset that brings no event.</summary>
    public void Skip(OriginState origin, long offset)
    {
        origin.AddSkipped(offset);
        if (origin.Floor == origin.Head || offset > origin.Head + 1) origin.Floor = offset;
        Advance(origin, offset);
    }

    public void Add(OriginState origin, TopicEvent topicEvent, long oldest)
    {
        long offset = topicEvent.Message.Offset;
        // A hole: what lies before it cannot be recovered from here without one.
        if (offset > origin.Head + 1) origin.Floor = offset - 1;
        Advance(origin, offset);
        _events.Enqueue(topicEvent);
        _bytes += topicEvent.Length;
        Trim(oldest);
    }

    /// <summary>Drops what is beyond the bounds, or older than a time.</summary>
    public void Trim(long oldest)
    {
        while (_events.TryPeek(out TopicEvent? first)
            && (_events.Count > options.HistoryEvents || _bytes > options.HistoryBytes || first.Time < oldest))
        {
            _events.Dequeue();
            _bytes -= first.Length;
            if (Find(first.Message.Origin) is { } origin) origin.Floor = Math.Max(origin.Floor, first.Message.Offset);
        }
    }

    private void Advance(OriginState origin, long offset)
    {
        origin.Head = offset;
        if (_origins[^1] == origin) return;
        _origins.Remove(origin);
        _origins.Add(origin);
    }

    /// <summary>How far one origin has counted: its events after Floor are in the history.</summary>
    internal sealed class OriginState(uint origin)
    {
        // They are rare: a publisher moved while its answer was on the way.
        private const int MaxSkipped = 64;

        private Queue<long>? _skipped;

        public uint Origin { get; } = origin;

        public long Head { get; set; }

        public long Floor { get; set; }

        /// <summary>Whether an offset stands for an event that is already there under another number.</summary>
        public bool IsSkipped(long offset) => _skipped is not null && _skipped.Contains(offset);

        /// <summary>How many of the offsets after one and up to another do.</summary>
        public int Skipped(long after, long upTo) => _skipped is null ? 0 : _skipped.Count(offset => offset > after && offset <= upTo);

        public void AddSkipped(long offset)
        {
            _skipped ??= [];
            if (_skipped.Count == MaxSkipped) _skipped.Dequeue();
            _skipped.Enqueue(offset);
        }
    }
}
