using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Blockwise;

/// <summary>A body that comes, or goes, in blocks. Its deadline is when the peer has been idle at it for too long.</summary>
internal sealed class Transfer(TransferTable table, Peer peer, string key) : Timed
{
    private byte[] _bytes = [];

    public TransferTable Table => table;

    public Peer Peer => peer;

    public string Key => key;

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Body => _bytes.AsMemory(0, Length);

    /// <summary>Of a body that goes: code and options of each of its responses.</summary>
    public CoapResponse? Response { get; set; }

    /// <summary>Its place among those of its table, the longest idle first.</summary>
    public LinkedListNode<Transfer>? Node { get; set; }

    /// <summary>Adds a block. Memory is taken for what has come, at most twice of it, never for what was announced.</summary>
    public void Append(ReadOnlySpan<byte> block)
    {
        if (_bytes.Length - Length < block.Length) Array.Resize(ref _bytes, Math.Max(Length + block.Length, _bytes.Length * 2));
        block.CopyTo(_bytes.AsSpan(Length));
        Length += block.Length;
    }

    public void Set(ReadOnlyMemory<byte> body)
    {
        _bytes = body.ToArray();
        Length = body.Length;
    }
}
