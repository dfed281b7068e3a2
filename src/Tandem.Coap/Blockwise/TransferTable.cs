using System.Text;
using Tandem.Coap.Exchanges;
using Tandem.Coap.Messages;

namespace Tandem.Coap.Blockwise;

/// <summary>
/// The bodies under way in one direction: bounded in bytes, in number for each peer, and in time. Each peer's own oldest goes first when it begins too many; when the bytes
/// are used up, what comes is refused, and of what goes the longest idle is dropped.
/// </summary>
internal sealed class TransferTable(ExchangeTable exchanges, long maxBytes, int maxPerPeer, TimeSpan lifetime)
{
    private readonly Dictionary<(Peer, string), Transfer> _transfers = [];
    private readonly Dictionary<Peer, List<Transfer>> _perPeer = [];
    private readonly LinkedList<Transfer> _byIdle = new();

    public long Bytes { get; private set; }

    public int Count => _transfers.Count;

    /// <summary>
    /// What blocks of one body have in common (RFC 7959 section 2.4, RFC 9175 section 3.3): method and all options that are part of the cache key, but those that differ by block.
    /// </summary>
    public static string KeyOf(CoapCode method, CoapOptionSet options, bool withRequestTag)
    {
        var key = new StringBuilder(64).Append((char)method.Value);
        foreach (CoapOption option in options)
        {
            if (OptionRules.IsNoCacheKey(option.Number) || option.Number is CoapOptionNumber.Block1 or CoapOptionNumber.Block2 or CoapOptionNumber.Observe) continue;
            if (option.Number == CoapOptionNumber.RequestTag && !withRequestTag) continue;
            key.Append((char)option.Number).Append((char)option.Value.Length).Append(Encoding.Latin1.GetString(option.Value.Span));
        }

        return key.ToString();
    }

    /// <summary>The one with a key, from now on not idle.</summary>
    public Transfer? Find(Peer peer, string key, TimeSpan now)
    {
        if (!_transfers.TryGetValue((peer, key), out Transfer? transfer)) return null;
        exchanges.Schedule(transfer, now + lifetime);
        _byIdle.Remove(transfer.Node!);
        _byIdle.AddLast(transfer.Node!);
        return transfer;
    }

    /// <summary>Begins one; another with that key ends.</summary>
    public Transfer Begin(Peer peer, string key, TimeSpan now)
    {
        if (_transfers.TryGetValue((peer, key), out Transfer? before)) Remove(before);
        if (!_perPeer.TryGetValue(peer, out List<Transfer>? own)) _perPeer.Add(peer, own = []);
        if (own.Count >= maxPerPeer)
        {
            Remove(own[0]);
            _perPeer[peer] = own; // it may have been the last
        }

        var transfer = new Transfer(this, peer, key);
        own.Add(transfer);
        _transfers.Add((peer, key), transfer);
        transfer.Node = _byIdle.AddLast(transfer);
        peer.References++;
        exchanges.Schedule(transfer, now + lifetime);
        return transfer;
    }

    /// <summary>Adds a block, when there is room for it.</summary>
    public bool TryAppend(Transfer transfer, ReadOnlySpan<byte> block)
    {
        if (Bytes + block.Length > maxBytes) return false;
        Bytes += block.Length;
        transfer.Append(block);
        return true;
    }

    /// <summary>Sets the whole body, for which others that are idle make room.</summary>
    public bool TrySet(Transfer transfer, ReadOnlyMemory<byte> body)
    {
        while (Bytes + body.Length > maxBytes && _byIdle.First is { } first && first.Value != transfer) Remove(first.Value);
        if (Bytes + body.Length > maxBytes) return false;
        Bytes += body.Length;
        transfer.Set(body);
        return true;
    }

    public void Remove(Transfer transfer)
    {
        if (transfer.Node is null) return;
        Bytes -= transfer.Length;
        _transfers.Remove((transfer.Peer, transfer.Key));
        _byIdle.Remove(transfer.Node);
        transfer.Node = null;
        List<Transfer> own = _perPeer[transfer.Peer];
        own.Remove(transfer);
        if (own.Count == 0) _perPeer.Remove(transfer.Peer);
        transfer.Peer.References--;
        exchanges.Schedule(transfer, null);
    }
}
