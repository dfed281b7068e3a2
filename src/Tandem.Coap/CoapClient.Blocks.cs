using System.Buffers;
using System.Buffers.Binary;
using Tandem.Coap.Exchanges;

namespace Tandem.Coap;

/// <content>Bodies in blocks (RFC 7959).</content>
public sealed partial class CoapClient
{
    // How often a transfer is begun anew before it is given up.
    private const int MaxRestarts = 3;

    private uint _lastTag = (uint)new SecureRandom().Next(int.MaxValue);

    /// <summary>Section 2.4: the size of the blocks of the response is asked for where it is not the largest.</summary>
    private CoapOptionSet WithBlockSize(CoapRequest request)
    {
        var options = new CoapOptionSet(request.Options);
        int exponent = BlockOption.ExponentOf(_options.BlockSize);
        if (exponent < BlockOption.MaxExponent) options.Block2 = new BlockOption(0, false, exponent);
        return options;
    }

    /// <summary>Section 2.5: block by block, each when the one before was answered. The turn ends when the last one has arrived.</summary>
    private async Task<CoapMessage> UploadAsync(CoapRequest request, TurnQueue.Turn turn, CancellationToken cancellationToken)
    {
        int exponent = BlockOption.ExponentOf(_options.BlockSize);
        ReadOnlyMemory<byte> body = request.Payload;
        ReadOnlyMemory<byte> tag = NewTag();
        for (int offset = 0, restarts = 0; ;)
        {
            BlockOption block = BlockOption.At(offset, body.Length, exponent);
            CoapOptionSet options = block.More ? new CoapOptionSet(request.Options) : WithBlockSize(request);
            options.Block1 = block;
            // RFC 9175 section 3.3: blocks of two bodies to one path are told apart.
            options.Add(CoapOptionNumber.RequestTag, tag);
            if (offset == 0) options.Size1 = (uint)body.Length;
            ReadOnlyMemory<byte> part = body.Slice(offset, Math.Min(block.Size, body.Length - offset));
            CoapMessage response = await ExchangeAsync(request, options, part, block.More ? null : turn, cancellationToken).ConfigureAwait(false);
            BlockOption? answered = response.Options.Block1;
            if (block.More && response.Code.IsSuccess && answered is { IsValid: true })
            {
                // Section 2.3: the server may ask for smaller blocks. What it has taken it has taken.
                offset += block.Size;
                exponent = Math.Min(exponent, answered.Value.Exponent);
                continue;
            }

            bool isTooLarge = response.Code == CoapCode.RequestEntityTooLarge && answered is { IsValid: true } && answered.Value.Exponent < exponent;
            if ((!isTooLarge && response.Code != CoapCode.RequestEntityIncomplete) || restarts++ == MaxRestarts) return response;
            // Section 2.9.3: in smaller blocks; section 2.9.2: anew, since the server does not have all blocks any more.
            if (isTooLarge) exponent = answered!.Value.Exponent;
            tag = NewTag();
            offset = 0;
        }
    }

    /// <summary>Section 2.4: fetches the blocks behind the first. Each is a request of its own, with a turn of its own.</summary>
    private async Task<CoapResponse> DownloadAsync(CoapRequest request, CoapMessage first, CancellationToken cancellationToken)
    {
        for (int restarts = 0; ; restarts++)
        {
            if (first.Options.Block2 is not { More: true } block) return ToResponse(first, first.Payload);
            if (await FetchAsync(request, first, block, cancellationToken).ConfigureAwait(false) is { } response) return response;
            // Only what is safe may be asked for again.
            if (restarts == MaxRestarts || request.Method != CoapCode.Get) throw new CoapException(CoapError.BrokenTransfer, "The blocks of the response do not fit each other.");
            using TurnQueue.Turn turn = await _turns.EnterAsync(cancellationToken).ConfigureAwait(false);
            first = await ExchangeAsync(request, WithBlockSize(request), ReadOnlyMemory<byte>.Empty, turn, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The whole response; null when the representation has changed on the way.</summary>
    private async Task<CoapResponse?> FetchAsync(CoapRequest request, CoapMessage first, BlockOption block, CancellationToken cancellationToken)
    {
        if (!block.IsValid || block.Number != 0) throw new CoapException(CoapError.BrokenTransfer, "The response begins with another block than the first.");
        var body = new ArrayBufferWriter<byte>(first.Payload.Length * 2);
        CoapMessage latest = first;
        while (true)
        {
            // A block before the last is full, and the next begins where it ends.
            if (block.More && latest.Payload.Length != block.Size) throw new CoapException(CoapError.BrokenTransfer, "A block of the response is not full.");
            if (body.WrittenCount + latest.Payload.Length > _options.MaxBodySize) throw new CoapException(CoapError.TooLarge, $"The response is larger than {_options.MaxBodySize} bytes.");
            body.Write(latest.Payload.Span);
            if (!block.More) return ToResponse(first, body.WrittenMemory);
            var options = new CoapOptionSet(request.Options);
            options.Remove(CoapOptionNumber.Observe); // section 2.6
            int exponent = block.Exponent;
            options.Block2 = new BlockOption(body.WrittenCount >> (exponent + 4), false, exponent);
            using (TurnQueue.Turn turn = await _turns.EnterAsync(cancellationToken).ConfigureAwait(false))
            {
                latest = await ExchangeAsync(request, options, ReadOnlyMemory<byte>.Empty, turn, cancellationToken).ConfigureAwait(false);
            }

            // What answers now is no block of it: the error is the response.
            if (!latest.Code.IsSuccess) return request.Method == CoapCode.Get ? null : ToResponse(latest, latest.Payload);
            if (latest.Options.Block2 is not { IsValid: true } next || next.Offset != body.WrittenCount || next.Exponent > exponent || !HasSameTag(first, latest)) return null;
            block = next;
        }
    }

    private static bool HasSameTag(CoapMessage first, CoapMessage latest) =>
        first.Options.ETag is { } a ? latest.Options.ETag is { } b && a.Span.SequenceEqual(b.Span) : latest.Options.ETag is null;

    private static CoapResponse ToResponse(CoapMessage message, ReadOnlyMemory<byte> body)
    {
        message.Options.Block1 = null;
        message.Options.Block2 = null;
        return new CoapResponse(message.Code, message.Options) { Payload = body };
    }

    private byte[] NewTag()
    {
        byte[] tag = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(tag, Interlocked.Increment(ref _lastTag));
        return tag;
    }
}
