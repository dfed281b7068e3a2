using Tandem.Link.Conversation;

namespace Tandem.Link.Tests.Support;

/// <summary>A file in memory.</summary>
internal sealed class MemoryFile(byte[] bytes) : ILinkFileTarget
{
    public byte[] Bytes { get; } = bytes;

    /// <summary>Most bytes that may be written, and may be read.</summary>
    public long Limit { get; set; } = long.MaxValue;

    public long Written { get; private set; }

    public static MemoryFile Random(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return new MemoryFile(bytes);
    }

    public int Read(long position, Span<byte> destination)
    {
        int length = (int)Math.Max(0, Math.Min(destination.Length, Math.Min(Limit, Bytes.Length) - position));
        Bytes.AsSpan((int)position, length).CopyTo(destination);
        return length;
    }

    public bool TryWrite(long position, ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(Written, position);
        if (position + bytes.Length > Limit) return false;
        bytes.CopyTo(Bytes.AsSpan((int)position));
        Written = position + bytes.Length;
        return true;
    }

    /// <summary>What is there already.</summary>
    public MemoryFile StartingAt(long written)
    {
        Written = written;
        return this;
    }
}
