using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>A file that this end offers and sends.</summary>
public sealed class OutgoingFile : LinkFile
{
    private readonly ILinkFileSource _source;
    private long _taken;
    private long _next;
    private long _furthest;
    private bool _offerIsDue = true;
    private bool _isAccepted;
    private bool _isEnded;

    internal OutgoingFile(long id, long size, string name, string mediaType, ILinkFileSource source)
        : base(id, size, name, mediaType)
    {
        _source = source;
    }

    /// <inheritdoc/>
    public override long Transferred => _taken;

    /// <summary>The other end has started, or something was lost: nothing follows until it accepts again.</summary>
    internal void Resync()
    {
        _offerIsDue = true;
        _isAccepted = false;
    }

    internal void Accept(long offset)
    {
        // An acceptance that crossed a new offer is answered by the next one.
        if (offset > Size) return;
        (_isAccepted, _isEnded) = (true, false);
        _next = _taken = offset;
        _furthest = Math.Max(_furthest, offset);
    }

    internal bool Taken(long offset)
    {
        if (!_isAccepted || offset <= _taken || offset > _furthest) return false;
        _taken = offset;
        // Of two acceptances that crossed two offers the second leads back to where the first began: what has come meanwhile need not go again.
        _next = Math.Max(_next, offset);
        return true;
    }

    /// <summary>The next message; null: none now. <paramref name="unreadable"/>: the source fails, and the file is over.</summary>
    internal byte[]? Take(int largestChunk, out bool unreadable)
    {
        unreadable = false;
        if (_offerIsDue)
        {
            _offerIsDue = false;
            return new FileOfferMessage
            {
                Id = Id, Size = Size, Name = WireText.Encode(Name, LinkLimits.MaxFileNameBytes), MediaType = WireText.Encode(MediaType, LinkLimits.MaxMediaTypeBytes),
            }.ToArray();
        }

        if (!_isAccepted || _isEnded) return null;
        if (_next == Size)
        {
            byte[]? hash = WholeHash(_source);
            unreadable = hash == null;
            _isEnded = true;
            return hash == null ? null : new FileEndMessage { Id = Id, Hash = hash }.ToArray();
        }

        // What is beyond the window waits for FILE-TAKEN; a last piece of the window is not sent by itself, unless the file ends there.
        long window = _taken + LinkLimits.FileWindowBytes - _next;
        int length = (int)Math.Min(Math.Min(largestChunk, LinkLimits.MaxChunkBytes), Size - _next);
        if (window < length) return null;
        byte[] chunk = new byte[length];
        if (_source.Read(_next, chunk) < length)
        {
            unreadable = true;
            return null;
        }

        Hash(_next, chunk);
        byte[] message = new FileChunkMessage { Id = Id, Offset = _next, Payload = chunk }.ToArray();
        _next += length;
        _furthest = Math.Max(_furthest, _next);
        return message;
    }
}
