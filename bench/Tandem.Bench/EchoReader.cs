using System.Buffers.Binary;

namespace Tandem.Benchmarks;

/// <summary>
/// Reads what a server sends back and compares every byte of every message with what was sent. A server may fragment its echo as it likes
/// (RFC 6455 section 5.4), and messages that come as one frame each are compared many at a time. A mutable struct inside the connection.
/// </summary>
internal unsafe struct EchoReader
{
    private const int OpcodeBits = 0x0F;
    private const int ControlBit = 0x08;
    private const int FinBit = 0x80;

    private fixed byte _header[10];
    private int _headerLength; // bytes of the header in progress
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

            if (_headerLength == 0 && !_inMessage)
            {
                int whole = TakeWhole(bytes, train);
                done += whole;
                bytes = bytes[(whole * train.EchoLength)..];
                if (bytes.IsEmpty) break;
            }

            _header[_headerLength++] = bytes[0];
            bytes = bytes[1..];
            if (_headerLength >= 2 && _headerLength == HeaderLength()) done += BeginFrame(train);
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

    private readonly int HeaderLength() => (_header[1] & 0x7F) switch { 126 => 4, 127 => 10, _ => 2 };

    // A frame without payload ends where it begins, so this too may end a message.
    private int BeginFrame(FrameTrain train)
    {
        fixed (byte* header = _header)
        {
            if ((header[1] & 0x80) != 0) throw new LoadFailureException("the server masked a frame (RFC 6455 section 5.1)");
            if ((header[0] & 0x70) != 0) throw new LoadFailureException("the server set a reserved bit (RFC 6455 section 5.2)");
            _left = _headerLength switch
            {
                2 => header[1],
                4 => BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(header + 2, 2)),
                _ => BinaryPrimitives.ReadInt64BigEndian(new ReadOnlySpan<byte>(header + 2, 8)),
            };
            int opcode = header[0] & OpcodeBits;
            if (opcode == 0x8) throw new LoadFailureException("the server began the closing handshake");
            if ((opcode & ControlBit) == 0)
            {
                if (opcode != (_inMessage ? 0 : train.FirstByte & OpcodeBits)) _wrong = true;
                _inMessage = true;
            }
        }

        if (_left < 0) throw new LoadFailureException("the server announced a length over 63 bits (RFC 6455 section 5.2)");
        _inPayload = true;
        return _left == 0 ? TakePayload(default, train) : 0;
    }

    private int TakePayload(ReadOnlySpan<byte> bytes, FrameTrain train)
    {
        // Pings and pongs are let pass: a measurement ends before a server gives up waiting for an answer.
        bool data = (_header[0] & ControlBit) == 0;
        if (data)
        {
            ReadOnlySpan<byte> sent = train.Payload(_index);
            _wrong |= bytes.Length > sent.Length - _received || !sent[(int)_received..].StartsWith(bytes);
            if (!_wrong) _received += bytes.Length;
        }

        _left -= bytes.Length;
        if (_left != 0) return 0;
        _inPayload = false;
        _headerLength = 0;
        if (!data || (_header[0] & FinBit) == 0) return 0;

        if (_wrong || _received != train.Size) Bad++;
        _wrong = false;
        _inMessage = false;
        _received = 0;
        _index = (_index + 1) % train.Count;
        return 1;
    }
}
