using System.Text;
using Tandem.Cli.Bench;

namespace Tandem.Benchmarks;

/// <summary>
/// A client of SignalR's hub protocol in JSON: records that end with U+001E, over a WebSocket without negotiation. An event has to be byte for
/// byte what SignalR makes of the published string.
/// </summary>
internal sealed class SignalRSubscriber(int fd, News news, bool subscribes) : Subscriber(fd)
{
    public const string Path = "/hub";

    private const byte End = 0x1E;
    private const int TicksPerPing = 100; // SignalR gives up a client that says nothing for 30 s

    private readonly byte[] _frame = new byte[128 + news.Size];
    private bool _isOpen;
    private int _ticks;

    private static ReadOnlySpan<byte> Ping => "{\"type\":6}\u001e"u8;

    private static ReadOnlySpan<byte> EventHead => "{\"type\":1,\"target\":\"news\",\"arguments\":[\""u8;

    private static ReadOnlySpan<byte> EventTail => "\"]}\u001e"u8;

    private static ReadOnlySpan<byte> Completion => "{\"type\":3,"u8;

    protected override bool IsText => true;

    public override void Tick()
    {
        if (++_ticks % TicksPerPing == 0) Send(Ping);
    }

    protected override void Begin() => Send("{\"protocol\":\"json\",\"version\":1}\u001e"u8);

    protected override void AddPublish(long number)
    {
        var frame = new Laid(_frame);
        frame.Add("{\"type\":1,\"invocationId\":\""u8);
        frame.Add([(byte)('0' + (number / 10 % 10)), (byte)('0' + (number % 10))]);
        frame.Add("\",\"target\":\"Publish\",\"arguments\":[\""u8);
        frame.Add(news.Payload(number));
        frame.Add(EventTail);
        Gather(frame.Bytes);
    }

    // Records that were written one after the other may come in one message, and one record in fragments; the ends of messages say nothing.
    protected override void TakePart(ReadOnlySpan<byte> part, bool endOfMessage)
    {
        while (!part.IsEmpty)
        {
            int length = part.IndexOf(End) + 1;
            if (length == 0)
            {
                Keep(part);
                return;
            }

            if (HasKept)
            {
                Keep(part[..length]);
                TakeRecord(Kept());
            }
            else
            {
                TakeRecord(part[..length]);
            }

            part = part[length..];
        }
    }

    private void TakeRecord(ReadOnlySpan<byte> record)
    {
        if (record.StartsWith(EventHead))
        {
            ReadOnlySpan<byte> rest = record[EventHead.Length..];
            if (rest.Length != news.Size + EventTail.Length || !rest.StartsWith(news.Payload(Events)) || !rest.EndsWith(EventTail))
            {
                throw new BenchException("an event is not what was published");
            }

            CountEvent();
        }
        else if (record.StartsWith(Completion) && record.IndexOf("\"error\""u8) < 0)
        {
            if (IsJoined) Answers++;
            IsJoined = true;
        }
        else if (!_isOpen && record.SequenceEqual("{}\u001e"u8))
        {
            _isOpen = true;
            IsJoined = !subscribes;
            if (subscribes) Send("{\"type\":1,\"invocationId\":\"0\",\"target\":\"Subscribe\",\"arguments\":[]}\u001e"u8);
        }
        else if (!record.SequenceEqual(Ping))
        {
            throw new BenchException($"the server sent {Encoding.UTF8.GetString(record[..Math.Min(200, record.Length)])}");
        }
    }

    private ref struct Laid(Span<byte> bytes)
    {
        private readonly Span<byte> _bytes = bytes;
        private int _length;

        public readonly ReadOnlySpan<byte> Bytes => _bytes[.._length];

        public void Add(scoped ReadOnlySpan<byte> more)
        {
            more.CopyTo(_bytes[_length..]);
            _length += more.Length;
        }
    }
}
