namespace Tandem.Coap.Exchanges;

/// <summary>The endpoints that are known: bounded, the one that was quiet for longest is forgotten first, one that has something under way never.</summary>
internal sealed class PeerTable(ExchangeSettings settings)
{
    // How many busy ones are passed over in the search for one that may be forgotten.
    private const int SearchLength = 64;

    private readonly Dictionary<CoapAddress, Peer> _peers = [];
    private readonly Dictionary<UInt128, int> _perAddress = [];
    private readonly LinkedList<Peer> _byQuiet = new();

    public int Count => _peers.Count;

    /// <summary>Since when the longest quiet one is quiet.</summary>
    public TimeSpan? NextIdle => _byQuiet.First?.Value.LastSeen;

    public Peer? Find(CoapAddress address, TimeSpan now)
    {
        if (!_peers.TryGetValue(address, out Peer? peer)) return null;
        Touch(peer, now);
        return peer;
    }

    /// <summary>Adds one that is not there; null when there is no room.</summary>
    public Peer? Add(CoapAddress address, ushort firstId, TimeSpan now, out Peer? evicted)
    {
        evicted = null;
        if (_perAddress.GetValueOrDefault(address.Prefix) >= settings.MaxPeersPerAddress) return null;
        if (_peers.Count >= settings.MaxPeers)
        {
            evicted = FindQuiet();
            if (evicted is null) return null;
            Remove(evicted);
        }

        var peer = new Peer(address, firstId) { LastSeen = now };
        _peers.Add(address, peer);
        _byQuiet.AddLast(peer.Node);
        _perAddress[address.Prefix] = _perAddress.GetValueOrDefault(address.Prefix) + 1;
        return peer;
    }

    /// <summary>Removes one that has been quiet since then; null when there is none. Busy ones are seen again by it.</summary>
    public Peer? TakeIdle(TimeSpan since)
    {
        while (_byQuiet.First is { } first && first.Value.LastSeen <= since)
        {
            if (first.Value.IsBusy)
            {
                Touch(first.Value, since + settings.PeerLifetime);
                continue;
            }

            Remove(first.Value);
            return first.Value;
        }

        return null;
    }

    private void Touch(Peer peer, TimeSpan now)
    {
        peer.LastSeen = now;
        _byQuiet.Remove(peer.Node);
        _byQuiet.AddLast(peer.Node);
    }

    private Peer? FindQuiet()
    {
        int searched = 0;
        for (LinkedListNode<Peer>? node = _byQuiet.First; node is not null && searched < SearchLength; node = node.Next, searched++)
        {
            if (!node.Value.IsBusy) return node.Value;
        }

        return null;
    }

    private void Remove(Peer peer)
    {
        _peers.Remove(peer.Address);
        _byQuiet.Remove(peer.Node);
        int left = _perAddress[peer.Address.Prefix] - 1;
        if (left == 0) _perAddress.Remove(peer.Address.Prefix);
        else _perAddress[peer.Address.Prefix] = left;
    }
}
