using System.Security.Cryptography;
using Tandem.Cli.Bench;

namespace Tandem.Benchmarks;

/// <summary>
/// A connection with a subscription, or the one that publishes. Here is what both protocols have in common: frames of WebSockets, in and out.
/// What the protocol says is laid out and read by hand in the classes derived from this, not by the code that is being measured.
/// </summary>
internal abstract class Subscriber(int fd)
{
    private const int OpcodeText = 0x1;
    private const int OpcodeBinary = 0x2;
    private const int MaxHeader = 14;

    // One for all: what unpredictable keys protect from (RFC 6455 section 5.3) is not on loopback. One thread uses the buffer.
    private static readonly byte[] s_key = RandomNumberGenerator.GetBytes(4);
    private static readonly byte[] s_frames = new byte[256 * 1024];
    private static int s_gathered;

    private FrameHead _head;
    private bool _inPayload;
    private long _left; // payload of the frame in progress that has not come
    private byte[] _part = []; // of a message of the protocol that has not come whole
    private int _partLength;

    public int Fd => fd;

    /// <summary>The subscription is there, or for the publisher: it may publish.</summary>
    public bool IsJoined { get; protected set; }

    /// <summary>Events that have come.</summary>
    public long Events { get; private set; }

    /// <summary>Events that it was told it missed.</summary>
    public long Missed { get; protected set; }

    /// <summary>Publishes that have been answered.</summary>
    public long Answers { get; protected set; }

    /// <summary>Text messages, not binary ones.</summary>
    protected abstract bool IsText { get; }

    /// <summary>Begins, and waits until it is joined.</summary>
    public void Join(Span<byte> buffer)
    {
        Begin();
        while (!IsJoined) Take(buffer[..ClientSocket.Receive(fd, buffer)]);
    }

    /// <summary>Takes received bytes.</summary>
    /// <returns>How many events ended in them.</returns>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        long before = Events;
        while (!bytes.IsEmpty)
        {
            if (!_inPayload)
            {
                _inPayload = _head.Add(bytes[0]);
                _left = _head.Length;
                bytes = bytes[1..];
                if (!_inPayload || _left != 0) continue;
            }

            int count = (int)Math.Min(bytes.Length, _left);
            _left -= count;
            // Pings and pongs are let pass, for a server may check on its peers.
            if (!_head.IsControl)
            {
                if (_head.Opcode != 0 && _head.Opcode != (IsText ? OpcodeText : OpcodeBinary)) throw new BenchException("the server sent a message of the wrong type");
                TakePart(bytes[..count], _left == 0 && _head.IsFinal);
            }

            bytes = bytes[count..];
            if (_left != 0) continue;
            _inPayload = false;
            _head.Clear();
        }

        return (int)(Events - before);
    }

    /// <summary>Publishes the events from a number on, with one send.</summary>
    public void Publish(long first, int count)
    {
        for (int i = 0; i < count; i++) AddPublish(first + i);
        SendGathered();
    }

    /// <summary>About ten times a second: sends what is due by time.</summary>
    public abstract void Tick();

    /// <summary>Says what a client says first.</summary>
    protected abstract void Begin();

    /// <summary>Adds the frame that publishes an event to what is gathered.</summary>
    protected abstract void AddPublish(long number);

    /// <summary>Takes payload of a message.</summary>
    protected abstract void TakePart(ReadOnlySpan<byte> part, bool endOfMessage);

    /// <summary>An event has come, and was the one that had to come.</summary>
    protected void CountEvent() => Events++;

    /// <summary>Keeps bytes until what they belong to is whole.</summary>
    protected void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_partLength + bytes.Length > s_frames.Length) throw new BenchException("the server sent a message that does not end");
        if (_partLength + bytes.Length > _part.Length) Array.Resize(ref _part, Math.Max(512, 2 * (_partLength + bytes.Length)));
        bytes.CopyTo(_part.AsSpan(_partLength));
        _partLength += bytes.Length;
    }

    /// <summary>What was kept, to be used before anything else is kept.</summary>
    protected ReadOnlySpan<byte> Kept()
    {
        ReadOnlySpan<byte> kept = _part.AsSpan(0, _partLength);
        _partLength = 0;
        return kept;
    }

    protected bool HasKept => _partLength != 0;

    protected void Send(ReadOnlySpan<byte> payload)
    {
        Gather(payload);
        SendGathered();
    }

    /// <summary>Adds a message, as one masked frame, to what the next <see cref="SendGathered"/> sends.</summary>
    protected void Gather(ReadOnlySpan<byte> payload)
    {
        if (s_gathered + MaxHeader + payload.Length > s_frames.Length) throw new BenchException($"a burst has at most {s_frames.Length} bytes");
        Span<byte> frame = s_frames.AsSpan(s_gathered);
        frame[0] = (byte)(0x80 | (IsText ? OpcodeText : OpcodeBinary));
        int at = 2;
        if (payload.Length < 126)
        {
            frame[1] = (byte)(0x80 | payload.Length);
        }
        else
        {
            if (payload.Length > ushort.MaxValue) throw new BenchException("an event has at most 64 KiB");
            (frame[1], frame[2], frame[3]) = (0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length);
            at = 4;
        }

        s_key.CopyTo(frame[at..]);
        at += s_key.Length;
        for (int i = 0; i < payload.Length; i++) frame[at + i] = (byte)(payload[i] ^ s_key[i & 3]);
        s_gathered += at + payload.Length;
    }

    protected void SendGathered()
    {
        ClientSocket.SendAll(fd, s_frames.AsSpan(0, s_gathered));
        s_gathered = 0;
    }
}
