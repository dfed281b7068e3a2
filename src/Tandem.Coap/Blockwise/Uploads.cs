using Tandem.Coap.Exchanges;

namespace Tandem.Coap.Blockwise;

/// <summary>Puts the blocks of requests together (RFC 7959 section 2.5), atomically: nobody sees a body before its last block is there.</summary>
internal sealed class Uploads(ExchangeTable exchanges, CoapServerOptions options)
{
    private readonly TransferTable _table = new(exchanges, options.MaxTransferBytes, options.MaxTransfersPerPeer, options.TransferTimeout);
    private readonly int _exponent = BlockOption.ExponentOf(options.BlockSize);

    public TransferTable Table => _table;

    /// <summary>Takes a block.</summary>
    /// <param name="peer">Whose.</param>
    /// <param name="message">The request that it came in.</param>
    /// <param name="block">Its Block1.</param>
    /// <param name="now">The time.</param>
    /// <param name="body">The whole body, when this was its last block.</param>
    /// <param name="answer">The response, when it was not.</param>
    public bool TryComplete(Peer peer, CoapMessage message, BlockOption block, TimeSpan now, out ReadOnlyMemory<byte> body, out CoapMessage? answer)
    {
        body = default;
        answer = null;
        string key = TransferTable.KeyOf(message.Code, message.Options, withRequestTag: true);
        // Section 2.9.3: too large, by what was announced or by what has come.
        if (message.Options.Size1 > options.MaxBodySize || block.Offset + message.Payload.Length > options.MaxBodySize)
        {
            if (_table.Find(peer, key, now) is { } tooLarge) _table.Remove(tooLarge);
            answer = TooLarge(options);
            return false;
        }

        // Section 2.2: every block but the last is full. One that is not would leave a hole, or a body that is not what was sent.
        if (block.More ? message.Payload.Length != block.Size : message.Payload.Length > block.Size)
        {
            answer = Answer(CoapCode.BadRequest);
            return false;
        }

        // Block 0 begins anew, also when a transfer with this key is under way: its client has begun anew.
        Transfer? transfer = block.Number == 0 ? _table.Begin(peer, key, now) : _table.Find(peer, key, now);
        if (transfer is null || transfer.Length != block.Offset)
        {
            // Section 2.9.2: blocks are missing, or this one has come before.
            if (transfer is not null) _table.Remove(transfer);
            answer = Answer(CoapCode.RequestEntityIncomplete);
            return false;
        }

        if (!_table.TryAppend(transfer, message.Payload.Span))
        {
            _table.Remove(transfer);
            answer = Answer(CoapCode.ServiceUnavailable);
            return false;
        }

        if (block.More)
        {
            // Section 2.9.1; section 2.3: a smaller size in it asks for smaller blocks from the next one on.
            answer = Answer(CoapCode.Continue);
            answer.Options.Block1 = block.Number == 0 && block.Exponent > _exponent ? new BlockOption(0, true, _exponent) : block;
            return false;
        }

        body = transfer.Body;
        _table.Remove(transfer);
        return true;
    }

    /// <summary>RFC 7252 section 5.9.2.9: Size1 says what would not be too large.</summary>
    public static CoapMessage TooLarge(CoapServerOptions options)
    {
        CoapMessage answer = Answer(CoapCode.RequestEntityTooLarge);
        answer.Options.Size1 = (uint)options.MaxBodySize;
        return answer;
    }

    private static CoapMessage Answer(CoapCode code) => new(CoapType.Acknowledgement, code, 0);
}
