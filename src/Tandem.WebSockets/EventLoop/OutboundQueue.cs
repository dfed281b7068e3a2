using System.Runtime.InteropServices;

namespace Tandem.WebSockets.EventLoop;

/// <summary>What came of a flush.</summary>
internal enum FlushResult : byte
{
    /// <summary>Everything has gone to the kernel.</summary>
    Done,

    /// <summary>The kernel's buffer is full; the rest waits for the socket to become writable.</summary>
    Blocked,

    /// <summary>The transport is gone.</summary>
    Failed,
}

/// <summary>
/// The bytes that one connection has to send and the kernel has not taken: a list of pooled segments. What a batch of events produced is
/// gathered here and leaves with one send. Empty, it holds no memory. A mutable struct inside the connection.
/// </summary>
internal unsafe struct OutboundQueue
{
    // 16 vectors of 64 KiB: a whole message of 1 MiB in one call.
    private const int MaxVectors = 16;

    private Segment? _head;
    private Segment? _tail;

    /// <summary>Bytes that wait.</summary>
    public int Bytes { get; private set; }

    /// <summary>Contiguous room at the end, to be filled and then committed.</summary>
    /// <param name="length">At most <see cref="Segment.LargeSize"/>.</param>
    /// <param name="pool">Where segments come from.</param>
    /// <param name="large">Whether a new segment should be a large one even if a small one would do.</param>
    public Span<byte> Reserve(int length, SegmentPool pool, bool large)
    {
        Segment? tail = _tail;
        if (tail is null || tail.Free.Length < length) tail = Grow(length, pool, large);
        return tail.Free;
    }

    /// <summary>Takes over what was written into the reserved room.</summary>
    public void Commit(int length)
    {
        _tail!.End += length;
        Bytes += length;
    }

    /// <summary>Copies bytes to the end, over as many segments as they need.</summary>
    public void Append(ReadOnlySpan<byte> bytes, SegmentPool pool, bool large)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> free = Reserve(1, pool, large || bytes.Length > Segment.SmallSize);
            int count = Math.Min(free.Length, bytes.Length);
            bytes[..count].CopyTo(free);
            Commit(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Sends what waits.</summary>
    public FlushResult Flush(int fd, SegmentPool pool) => Flush(fd, pool, default, out _);

    /// <summary>Sends what waits and, behind it, bytes that are not copied into the queue.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="pool">Where emptied segments go.</param>
    /// <param name="behind">The bytes behind the queue; may be empty.</param>
    /// <param name="sentBehind">How many of them have gone; not all, unless the result is <see cref="FlushResult.Done"/>.</param>
    public FlushResult Flush(int fd, SegmentPool pool, ReadOnlySpan<byte> behind, out int sentBehind)
    {
        sentBehind = 0;
        fixed (byte* behindPointer = behind)
        {
            while (Bytes != 0 || sentBehind < behind.Length)
            {
                long offered = 0;
                nint sent = _head is not null && _head.Next is null && sentBehind == behind.Length
                    ? Libc.Send(fd, _head.Pointer, (nint)(offered = _head.Length), Libc.MsgNoSignal)
                    : SendVectors(fd, behindPointer + sentBehind, behind.Length - sentBehind, out offered);
                if (sent < 0)
                {
                    int error = Marshal.GetLastSystemError();
                    if (error == Libc.Eintr) continue;
                    return error is Libc.Eagain or Libc.Enobufs ? FlushResult.Blocked : FlushResult.Failed;
                }

                sentBehind += Consume(sent, pool);
                // A short send says that the buffer is full: asking again would only cost the answer EAGAIN.
                if (sent < offered) return FlushResult.Blocked;
            }
        }

        return FlushResult.Done;
    }

    /// <summary>The first bytes that wait, for a transport that takes one piece at a time.</summary>
    public readonly ReadOnlyMemory<byte> First => _head!.Memory;

    /// <summary>Forgets bytes from the start, which have been sent.</summary>
    public void Sent(int count, SegmentPool pool) => Consume(count, pool);

    /// <summary>Forgets what waits.</summary>
    public void Clear(SegmentPool pool) => Consume(Bytes, pool);

    private Segment Grow(int length, SegmentPool pool, bool large)
    {
        Segment segment = pool.Rent(large || length > Segment.SmallSize);
        if (_tail is null) _head = segment;
        else _tail.Next = segment;
        _tail = segment;
        return segment;
    }

    private readonly nint SendVectors(int fd, byte* behind, int behindLength, out long offered)
    {
        Libc.IoVector* vectors = stackalloc Libc.IoVector[MaxVectors + 1];
        int count = 0;
        offered = 0;
        Segment? segment = _head;
        for (; segment is not null && count < MaxVectors; segment = segment.Next)
        {
            vectors[count++] = new Libc.IoVector { Base = segment.Pointer, Length = segment.Length };
            offered += segment.Length;
        }

        if (segment is null && behindLength != 0)
        {
            vectors[count++] = new Libc.IoVector { Base = behind, Length = behindLength };
            offered += behindLength;
        }

        var message = new Libc.MessageHeader { Vectors = vectors, VectorCount = count };
        return Libc.SendMessage(fd, &message, Libc.MsgNoSignal);
    }

    // Drops bytes from the start; returns how many of them were not the queue's own.
    private int Consume(nint count, SegmentPool pool)
    {
        while (_head is { } head && count >= head.Length)
        {
            count -= head.Length;
            Bytes -= head.Length;
            _head = head.Next;
            if (_head is null) _tail = null;
            pool.Return(head);
        }

        if (_head is null) return (int)count;
        _head.Start += (int)count;
        Bytes -= (int)count;
        return 0;
    }
}
