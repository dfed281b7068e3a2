using System.Security.Cryptography;
using Tandem.Cli.Bench;

namespace Tandem.Benchmarks;

/// <summary>
/// A client of docs/session-protocol.md, written from that document: one binary message is one frame. It acknowledges as it has to, after 64
/// frames or between 100 and 200 ms, so what that costs the server is in the figure.
/// </summary>
internal sealed class SessionSubscriber(int fd, News news, bool subscribes) : Subscriber(fd)
{
    public const string Path = "/session/websocket";
    public const string Subprotocol = "tandem.session.1";

    private const int AckFrames = 64;
    private const byte FlagText = 1;

    private readonly byte[] _frame = new byte[64 + news.Size];
    private byte[] _expected = []; // the fields of its EVENT frames up to the offset
    private long _offset; // of the last event
    private long _received;
    private int _owed;
    private bool _wasOwed; // a tick ago

    private static ReadOnlySpan<byte> Topic => "news"u8;

    protected override bool IsText => false;

    public override void Tick()
    {
        if (_owed > 0 && _wasOwed) Acknowledge();
        _wasOwed = _owed > 0;
    }

    protected override void Begin()
    {
        Span<byte> open = stackalloc byte[14]; // no flags, received 0, no token, no ticket
        (open[0], open[1]) = (0x01, 1);
        // The publisher: a run that had the number of another would repeat its requests, and be answered without anything being done.
        RandomNumberGenerator.Fill(open[3..11]);
        Send(open);
    }

    protected override void AddPublish(long number)
    {
        _frame[0] = 0x12;
        int at = 1 + Write(_frame.AsSpan(1), number + 1); // requests are numbered from 1
        _frame[at++] = FlagText;
        _frame[at++] = (byte)Topic.Length;
        Topic.CopyTo(_frame.AsSpan(at));
        at += Topic.Length;
        news.Payload(number).CopyTo(_frame.AsSpan(at));
        Gather(_frame.AsSpan(0, at + news.Size));
    }

    protected override void TakePart(ReadOnlySpan<byte> part, bool endOfMessage)
    {
        if (!endOfMessage) Keep(part);
        else if (!HasKept) TakeFrame(part);
        else
        {
            Keep(part);
            TakeFrame(Kept());
        }
    }

    private void TakeFrame(ReadOnlySpan<byte> frame)
    {
        if (frame.IsEmpty) throw new BenchException("the server sent an empty frame");
        switch (frame[0])
        {
            case 0x22:
                TakeEvent(frame);
                break;
            case 0x23:
                TakeGap(frame[1..]);
                break;
            case 0x20:
                TakeReply(frame[1..]);
                break;
            case 0x21:
                TakeSubscribed(frame[1..]);
                break;
            case 0x02:
                if (subscribes) Send([0x10, 1, 0, (byte)Topic.Length, .. Topic]);
                IsJoined = !subscribes;
                return;
            case 0x03: // ACK
                return;
            case 0x04: // PING
                Send([0x05, .. frame[1..]]);
                return;
            default:
                throw new BenchException($"the server sent a frame of type 0x{frame[0]:x2}: {Convert.ToHexStringLower(frame)}");
        }

        _received++;
        if (++_owed >= AckFrames) Acknowledge();
    }

    private void TakeEvent(ReadOnlySpan<byte> frame)
    {
        if (!frame.StartsWith(_expected)) throw new BenchException("an event is of another topic or origin");
        frame = frame[_expected.Length..];
        if (Read(ref frame) != ++_offset) throw new BenchException($"an event is missing: {_offset} was to come");
        if (frame[0] != FlagText || !frame[1..].SequenceEqual(news.Payload(Events + Missed))) throw new BenchException("an event is not what was published");
        CountEvent();
    }

    private void TakeGap(ReadOnlySpan<byte> fields)
    {
        _ = Read(ref fields); // the topic
        long missed = Read(ref fields);
        if (Read(ref fields) != 1) throw new BenchException("a gap does not have one origin");
        _ = Read(ref fields); // the origin
        if (Read(ref fields) != _offset + missed) throw new BenchException($"a gap of {missed} events behind event {_offset} does not end where it says");
        _offset += missed;
        Missed += missed;
    }

    private void TakeReply(ReadOnlySpan<byte> fields)
    {
        long request = Read(ref fields);
        if (request != Answers + 1 || fields[0] != 0) throw new BenchException($"request {request} was answered with code {fields[0]}");
        Answers++;
    }

    private void TakeSubscribed(ReadOnlySpan<byte> fields)
    {
        _ = Read(ref fields); // the request
        long topic = Read(ref fields);
        fields = fields[1..]; // flags
        _ = Read(ref fields); // presence
        if (Read(ref fields) != 1) throw new BenchException("the topic does not have one origin");
        long origin = Read(ref fields);
        _offset = Read(ref fields);
        Span<byte> expected = stackalloc byte[1 + 8 + 8];
        expected[0] = 0x22;
        int length = 1 + Write(expected[1..], topic);
        length += Write(expected[length..], origin);
        _expected = expected[..length].ToArray();
        IsJoined = true;
        // At once: in mode idle nothing is owed.
        _owed = AckFrames;
    }

    private void Acknowledge()
    {
        Span<byte> ack = stackalloc byte[9];
        ack[0] = 0x03;
        int length = 1 + Write(ack[1..], _received);
        Send(ack[..length]);
        _owed = 0;
        _wasOwed = false;
    }

    private static int Write(Span<byte> destination, long value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7) destination[length++] = (byte)(value | 0x80);
        destination[length++] = (byte)value;
        return length;
    }

    private static long Read(ref ReadOnlySpan<byte> bytes)
    {
        long value = 0;
        for (int i = 0; i < Math.Min(8, bytes.Length); i++)
        {
            value |= (long)(bytes[i] & 0x7F) << (7 * i);
            if ((bytes[i] & 0x80) != 0) continue;
            bytes = bytes[(i + 1)..];
            return value;
        }

        throw new BenchException("a frame of the session protocol is cut short");
    }
}
