namespace Tandem.Coap.Exchanges;

/// <summary>Another endpoint, and all that is known of it. Its deadline is when message IDs are free again.</summary>
internal sealed class Peer : Timed
{
    private const int IdsPerBlock = 1024;

    // The last non-confirmable messages that a reset may refer to.
    private const int RecentCapacity = 16;

    private readonly Queue<Sending> _recent = new();
    private TimeSpan[]? _idBlocks;
    private ushort _nextId;

    public Peer(CoapAddress address, ushort firstId)
    {
        Address = address;
        Node = new LinkedListNode<Peer>(this);
        _nextId = firstId;
    }

    public CoapAddress Address { get; }

    public TimeSpan LastSeen { get; set; }

    /// <summary>Its place among all, the one that was quiet for longest first.</summary>
    public LinkedListNode<Peer> Node { get; }

    /// <summary>When it has proved its address; null: it has not (it was spoken to first).</summary>
    public TimeSpan? Verified { get; set; }

    /// <summary>The message ID of the request that proved it.</summary>
    public ushort VerifiedBy { get; set; }

    /// <summary>Confirmable messages that wait for NSTART, in their order.</summary>
    public LinkedList<Sending> Waiting { get; } = new();

    /// <summary>Confirmable messages that wait for their acknowledgement, by message ID.</summary>
    public Dictionary<ushort, Sending> Transmitting { get; } = [];

    /// <summary>Requests that wait for responses, by token.</summary>
    public Dictionary<CoapToken, Sending> Requests { get; } = [];

    public Dictionary<ushort, Received> Received { get; } = [];

    public Queue<Received> ReceivedOrder { get; } = new();

    /// <summary>Requests of it that have no response.</summary>
    public int InProgress { get; set; }

    /// <summary>Observations and whatever else must not be forgotten.</summary>
    public int References { get; set; }

    /// <summary>What the layer above keeps with it.</summary>
    public object? Attachment { get; set; }

    public bool IsBusy => InProgress > 0 || References > 0 || Transmitting.Count > 0 || Waiting.Count > 0 || Requests.Count > 0;

    /// <summary>
    /// Section 4.4: no message ID is used twice within EXCHANGE_LIFETIME. What is kept is when each block of them was last used; a block is entered when that is long enough ago.
    /// </summary>
    public bool TryTakeId(TimeSpan now, TimeSpan lifetime, out ushort id, out TimeSpan free)
    {
        if (_idBlocks is null)
        {
            _idBlocks = new TimeSpan[(ushort.MaxValue + 1) / IdsPerBlock];
            Array.Fill(_idBlocks, TimeSpan.MinValue);
        }

        ref TimeSpan used = ref _idBlocks[_nextId / IdsPerBlock];
        free = default;
        id = _nextId;
        if (_nextId % IdsPerBlock == 0 && used != TimeSpan.MinValue)
        {
            free = used + lifetime;
            if (free > now) return false;
        }

        used = now;
        _nextId++;
        return true;
    }

    public void AddRecent(Sending sending)
    {
        if (_recent.Count == RecentCapacity) _recent.Dequeue();
        _recent.Enqueue(sending);
    }

    public Sending? FindRecent(ushort messageId)
    {
        foreach (Sending sending in _recent)
        {
            if (sending.MessageId == messageId) return sending;
        }

        return null;
    }
}
