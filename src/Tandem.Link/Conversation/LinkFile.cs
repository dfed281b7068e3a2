using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Conversation;

/// <summary>Where the bytes of a file are read.</summary>
public interface ILinkFileSource
{
    /// <summary>Reads; called from within the conversation.</summary>
    /// <param name="position">Where the bytes begin.</param>
    /// <param name="destination">At most 32 KiB.</param>
    /// <returns>How many were read; less than asked for: it cannot be read any more.</returns>
    public int Read(long position, Span<byte> destination);
}

/// <summary>Where the bytes of a file are written, and read again to compute the hash of what was there before.</summary>
public interface ILinkFileTarget : ILinkFileSource
{
    /// <summary>Writes; called from within the conversation.</summary>
    /// <param name="position">Where the bytes begin: where those before end.</param>
    /// <param name="bytes">At most 32 KiB.</param>
    /// <returns>False: it cannot be written, and the file is cancelled.</returns>
    public bool TryWrite(long position, ReadOnlySpan<byte> bytes);
}

/// <summary>A file under way, in either direction.</summary>
public abstract class LinkFile : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _hashed;

    private protected LinkFile(long id, long size, string name, string mediaType)
    {
        Id = id;
        Size = size;
        Name = name;
        MediaType = mediaType;
    }

    /// <summary>The sender's random number for it.</summary>
    public long Id { get; }

    /// <summary>Its bytes.</summary>
    public long Size { get; }

    /// <summary>What it is called. It comes from the other end: not a path to be trusted.</summary>
    public string Name { get; }

    /// <summary>Its media type; empty: not known.</summary>
    public string MediaType { get; }

    /// <summary>How many bytes the receiver has.</summary>
    public abstract long Transferred { get; }

    /// <summary>Whether it is over: done or cancelled.</summary>
    public bool IsOver { get; internal set; }

    /// <summary>Gives up what the hash needs. Conversations do that when a file is over.</summary>
    public void Dispose()
    {
        _hash.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Bytes that pass by. They count when they follow those before; others are read when the hash is wanted.</summary>
    private protected void Hash(long position, ReadOnlySpan<byte> bytes)
    {
        if (position > _hashed || position + bytes.Length <= _hashed) return;
        _hash.AppendData(bytes[(int)(_hashed - position)..]);
        _hashed = position + bytes.Length;
    }

    /// <summary>The hash of the whole file: null when it cannot be read. What did not pass by is read here, all at once.</summary>
    private protected byte[]? WholeHash(ILinkFileSource source)
    {
        byte[] buffer = new byte[LinkLimits.MaxChunkBytes];
        while (_hashed < Size)
        {
            int length = (int)Math.Min(buffer.Length, Size - _hashed);
            if (source.Read(_hashed, buffer.AsSpan(0, length)) < length) return null;
            Hash(_hashed, buffer.AsSpan(0, length));
        }

        return _hash.GetCurrentHash();
    }
}
