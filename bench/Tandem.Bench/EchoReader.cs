namespace Tandem.Benchmarks;

/// <summary>
/// Reads what a server sends back and compares every byte of every message with what was sent. A server may fragment its echo as it likes
/// (RFC 6455 section 5.4), and messages that come as one frame each are compared many at a time. A mutable struct inside the connection.
/// </summary>
internal struct EchoReader
{
    private const int OpcodeBits = 0x0F;

    private FrameHead _head; // of the frame in progress
    private bool _inPayload;
    private bool _inMessage;
    private bool _wrong; // something in the message in progress differs
    private int _index; // the message that is expected, by its place in the ring
    private long _received; // payload of that message so far
    private long _left; // payload of the frame in progress that has not come

    /// <summary>Messages that did not come back as they were sent.</summary>
    public int Bad { get; private set; }

    /// <summary>Takes received bytes.</summary>
    /// <returns>How many messages ended in them.</returns>
    public int Read(ReadOnlySpan<byte> bytes, FrameTrain train)
    {
        int done = 0;
        while (!bytes.IsEmpty)
        {
            if (_inPayload)
            {
                int count = (int)Math.Min(bytes.Length, _left);
                done += TakePayload(bytes[..count], train);
                bytes = bytes[count..];
                continue;
            }

            if (!_head.IsBegun && !_inMessage)
            {
                int whole = TakeWhole(bytes, train);
                done += whole;
                bytes = bytes[(whole * train.EchoLength)..];
                if (bytes.IsEmpty) break;
            }

            bool isWhole = _head.Add(bytes[0]);
            bytes = bytes[1..];
            if (isWhole) done += BeginFrame(train);
        }

        return done;
    }

    private int TakeWhole(ReadOnlySpan<byte> bytes, FrameTrain train)
    {
        int count = Math.Min(bytes.Length / train.EchoLength, train.Frames - _index);
        if (count == 0 || !bytes.StartsWith(train.Echoes(_index, count))) return 0;
        _index = (_index + count) % train.Count;
        return count;
    }

    // A frame without payload ends where it begins, so this too may end a message.
    private int BeginFrame(FrameTrain train)
    {
        _left = _head.Length;
        if (!_head.IsControl)
        {
            if (_head.Opcode != (_inMessage ? 0 : train.FirstByte & OpcodeBits)) _wrong = true;
            _inMessage = true;
        }

        _inPayload = true;
        return _left == 0 ? TakePayload(default, train) : 0;
    }

    private int TakePayload(ReadOnlySpan<byte> bytes, FrameTrain train)
    {
        // Pings and pongs are let pass: a measurement ends before a server gives up waiting for an answer.
        bool data = !_head.IsControl;
        if (data)
        {
            ReadOnlySpan<byte> sent = train.Payload(_index);
            _wrong |= bytes.Length > sent.Length - _received || !sent[(int)_received..].StartsWith(bytes);
            if (!_wrong) _received += bytes.Length;
        }

        _left -= bytes.Length;
        if (_left != 0) return 0;
        _inPayload = false;
        _head.Clear();
        if (!data || !_head.IsFinal) return 0;

        if (_wrong || _received != train.Size) Bad++;
        _wrong = false;
        _inMessage = false;
        _received = 0;
        _index = (_index + 1) % train.Count;
        return 1;
    }
}
