using System.Security.Cryptography;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Blockwise;

/// <summary>
/// Cuts responses into blocks (RFC 7959 section 2.4) and keeps them while their blocks are asked for, so that a transfer is of one representation, and a handler
/// that is not idempotent is called once.
/// </summary>
internal sealed class Downloads(ExchangeTable exchanges, CoapServerOptions options)
{
    // Section 5.10.6 of RFC 7252: an ETag has at most 8 bytes.
    private const int ETagLength = 8;

    private readonly TransferTable _table = new(exchanges, options.MaxTransferBytes, options.MaxTransfersPerPeer, options.TransferTimeout);
    private readonly int _exponent = BlockOption.ExponentOf(options.BlockSize);

    public TransferTable Table => _table;

    /// <summary>A later block of a response that is kept; null when none is.</summary>
    public CoapMessage? Find(Peer peer, CoapCode method, CoapOptionSet request, BlockOption asked, TimeSpan now) =>
        _table.Find(peer, TransferTable.KeyOf(method, request, withRequestTag: false), now) is { Response: { } response } transfer
            ? Cut(response.Code, response.Options, transfer.Body, asked)
            : null;

    /// <summary>The message that carries a response, or its block that is asked for.</summary>
    /// <param name="peer">Whose request it was.</param>
    /// <param name="method">Its method.</param>
    /// <param name="request">Its options.</param>
    /// <param name="response">What the handler answered.</param>
    /// <param name="now">The time.</param>
    public CoapMessage Begin(Peer peer, CoapCode method, CoapOptionSet request, CoapResponse response, TimeSpan now)
    {
        BlockOption asked = request.Block2 ?? new BlockOption(0, false, _exponent);
        var all = new CoapOptionSet(response.Options);
        int size = Math.Min(asked.Size, 16 << _exponent);
        if (response.Payload.Length <= size && asked.Number == 0)
        {
            // Section 2.4: who asks with Block2 is told that there is one block.
            if (request.Block2 is not null && !response.Payload.IsEmpty) all.Block2 = new BlockOption(0, false, BlockOption.ExponentOf(size));
            return new CoapMessage(CoapType.Acknowledgement, response.Code, 0) { Options = all, Payload = response.Payload };
        }

        // Section 2.4: blocks of different representations are told apart by their ETag.
        all.ETag ??= SHA256.HashData(response.Payload.Span).AsMemory(0, ETagLength);
        var kept = new CoapResponse(response.Code, all) { Payload = response.Payload };
        Transfer transfer = _table.Begin(peer, TransferTable.KeyOf(method, request, withRequestTag: false), now);
        transfer.Response = kept;
        if (!_table.TrySet(transfer, response.Payload)) _table.Remove(transfer);
        return Cut(kept.Code, all, response.Payload, asked);
    }

    private CoapMessage Cut(CoapCode code, CoapOptionSet options, ReadOnlyMemory<byte> body, BlockOption asked)
    {
        if (asked.Offset >= body.Length) return new CoapMessage(CoapType.Acknowledgement, CoapCode.BadRequest, 0);
        // Section 2.3: the server may make blocks smaller than asked for; the number then counts those.
        var block = BlockOption.At(asked.Offset, body.Length, Math.Min(asked.Exponent, _exponent));
        var all = new CoapOptionSet(options) { Block2 = block };
        if (block.Number == 0) all.Size2 = (uint)body.Length;
        int length = Math.Min(block.Size, body.Length - (int)block.Offset);
        return new CoapMessage(CoapType.Acknowledgement, code, 0) { Options = all, Payload = body.Slice((int)block.Offset, length) };
    }
}
