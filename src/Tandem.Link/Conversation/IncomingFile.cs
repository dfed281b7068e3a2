using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>A file that the other end offers and sends.</summary>
public sealed class IncomingFile : LinkFile
{
    private ILinkFileTarget? _target;
    private long _reported;
    private bool _acceptIsDue;
    private bool _takenIsDue;
    private long _have;

    internal IncomingFile(long id, long size, string name, string mediaType)
        : base(id, size, name, mediaType)
    {
    }

    /// <inheritdoc/>
    public override long Transferred => _have;

    /// <summary>Whether this end has accepted it.</summary>
    public bool IsAccepted => _target != null;

    /// <summary>Accepts it: what comes is written from now on.</summary>
    /// <param name="target">Where its bytes go.</param>
    /// <param name="offset">How many of its bytes are there already, at most <see cref="LinkFile.Size"/>.</param>
    /// <exception cref="InvalidOperationException">It is over, or was accepted before.</exception>
    public void Accept(ILinkFileTarget target, long offset = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Size);
        if (IsOver || _target != null) throw new InvalidOperationException("The file is over, or was accepted before.");
        _target = target;
        _have = _reported = offset;
        _acceptIsDue = true;
    }

    /// <summary>It is offered again: it goes on from what is here.</summary>
    internal void OfferedAgain()
    {
        _acceptIsDue = _target != null;
        _takenIsDue = false;
        _reported = _have;
    }

    /// <summary>Takes of a chunk what begins where the file has come to. Null: all is well.</summary>
    internal FileCancelCode? Receive(long offset, ReadOnlySpan<byte> chunk)
    {
        if (_target == null || offset > _have) return null;
        if (offset + chunk.Length <= _have)
        {
            // The sender does not know how far the file has come.
            _takenIsDue = true;
            return null;
        }

        // Not the sum, which may be above what is to be trusted.
        if (chunk.Length > Size - offset) return FileCancelCode.Damaged;
        ReadOnlySpan<byte> fresh = chunk[(int)(_have - offset)..];
        if (!_target.TryWrite(_have, fresh)) return FileCancelCode.TooLarge;
        Hash(_have, fresh);
        _have += fresh.Length;
        _takenIsDue |= _have - _reported >= LinkLimits.FileTakenBytes;
        return null;
    }

    /// <summary>Whether FILE-END comes when there is nothing more to come. Then <paramref name="failure"/> says what is wrong with the file, or null.</summary>
    internal bool End(ReadOnlySpan<byte> hash, out FileCancelCode? failure)
    {
        failure = null;
        if (_target == null || _have < Size) return false;
        byte[]? own = WholeHash(_target);
        if (own == null || !CryptographicOperations.FixedTimeEquals(own, hash)) failure = FileCancelCode.Damaged;
        return true;
    }

    internal byte[]? Take()
    {
        if (_acceptIsDue)
        {
            _acceptIsDue = false;
            return new FileAcceptMessage { Id = Id, Offset = _have }.ToArray();
        }

        if (!_takenIsDue) return null;
        _takenIsDue = false;
        _reported = _have;
        return new FileTakenMessage { Id = Id, Offset = _have }.ToArray();
    }
}
