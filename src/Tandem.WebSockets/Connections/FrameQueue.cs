using System.Buffers;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.Connections;

/// <summary>
/// The frames of a connection that wait to be written, in the order of their senders' calls, and the operations that are kept for more of them.
/// </summary>
/// <remarks>Every member is used with the connection's gate held.</remarks>
internal sealed class FrameQueue(FrameSender sender, bool masks, OutboundDeflate? deflate, TrafficLedger traffic)
{
    /// <summary>Most bytes gathered for one write: more gains nothing, and the first sender waits for the whole write.</summary>
    public const int BatchBytes = 64 * 1024;

    // Of a large payload, what leaves with its header.
    private const int LargeStart = 4 * 1024;

    private const int MaxControlFrame = FrameHeader.MaxLength + FrameHeader.MaxControlPayload;

    // Operations kept for reuse: as many as there are senders at once in all but odd cases.
    private const int MaxFree = 64;

    private SendOperation? _head;
    private SendOperation? _tail;
    private SendOperation? _free;
    private int _freeCount;
    private bool _pingDue;
    private byte[]? _pong;
    private int _pongLength = -1; // no pong is due
    private PendingPings? _pings; // once the application has pinged
    private bool _inMessage;
    private bool _disablesCompression;
    private WebSocketMessageType _type;

    /// <summary>Whether the close frame has been taken, behind which nothing is sent (RFC 6455 section 5.5.1).</summary>
    public bool IsClosed { get; private set; }

    public bool HasWork => _head is not null || ((_pingDue || _pongLength >= 0) && !IsClosed);

    /// <summary>Whether a frame with this flag may be next: the fragments of one message must agree about it.</summary>
    public bool Accepts(bool disablesCompression) => !_inMessage || disablesCompression == _disablesCompression;

    /// <summary>Queues a data frame.</summary>
    public SendOperation Enqueue(ReadOnlyMemory<byte> payload, WebSocketMessageType type, bool endOfMessage, bool disablesCompression)
    {
        SendOperation operation = Rent();
        operation.Payload = payload;
        operation.EndOfMessage = endOfMessage;
        operation.IsWhole = !_inMessage && endOfMessage;
        operation.Type = Pass(type, endOfMessage, disablesCompression);
        if (deflate is not null && !disablesCompression) Compress(operation, deflate);
        Append(operation);
        return operation;
    }

    /// <summary>Notes a data frame, which need not wait here, for those that continue its message.</summary>
    /// <returns>The type of its message: the BCL does not look at the type of what continues one, and programs rely on it.</returns>
    public WebSocketMessageType Pass(WebSocketMessageType type, bool endOfMessage, bool disablesCompression)
    {
        if (!_inMessage) _type = type;
        _inMessage = !endOfMessage;
        _disablesCompression = disablesCompression;
        return _type;
    }

    /// <summary>Queues a close frame, behind which nothing is sent (section 5.5.1).</summary>
    public SendOperation EnqueueClose(WebSocketCloseStatus status, string reason)
    {
        SendOperation operation = Rent();
        operation.CloseStatus = status;
        operation.CloseReason = reason;
        operation.IsWhole = false;
        Append(operation);
        return operation;
    }

    /// <summary>Queues a ping of the application. Its caller awaits the pong, so nobody awaits the operation, and it is not used again.</summary>
    public void EnqueuePing(PendingPing ping, PendingPings pings)
    {
        _pings = pings;
        Append(new SendOperation(sender) { Ping = ping, Payload = ping.Payload });
    }

    /// <summary>Of several pings that could not be answered yet, the latest is (section 5.5.3), so pings cannot fill memory.</summary>
    public void SetPong(ReadOnlySpan<byte> payload)
    {
        _pong ??= new byte[FrameHeader.MaxControlPayload];
        payload.CopyTo(_pong);
        _pongLength = payload.Length;
    }

    public bool TakePong(out ReadOnlySpan<byte> payload)
    {
        bool due = _pongLength >= 0;
        payload = due ? _pong.AsSpan(0, _pongLength) : default;
        _pongLength = -1;
        return due;
    }

    public void SetPing() => _pingDue = true;

    /// <summary>The keep-alive's ping. It is taken before the frames that it is written before.</summary>
    public bool TakePing()
    {
        bool due = _pingDue;
        if (due) _pings?.OnKeepAliveSent();
        _pingDue = false;
        return due;
    }

    /// <summary>Takes as many frames as fit one buffer, the last of which may be a large one.</summary>
    /// <param name="size">Room for them, and for a pong and a ping before them.</param>
    public SendOperation? Take(out int size)
    {
        SendOperation? batch = null;
        SendOperation? last = null;
        size = 2 * MaxControlFrame;
        bool full = false;
        while (!full && _head is { } operation)
        {
            if (operation.IsQueued)
            {
                bool large = operation.IsLarge;
                // A client's large payload passes through the buffer in pieces.
                int room = operation.CloseStatus is not null ? MaxControlFrame
                    : !large ? FrameHeader.MaxLength + operation.Payload.Length
                    : FrameHeader.MaxLength + (masks ? BatchBytes : LargeStart);
                full = large;
                if (batch is not null && !large && size + room > BatchBytes) break;
                size += room;
                operation.IsQueued = false;
                IsClosed |= operation.CloseStatus is not null;
                if (operation.Ping is { } ping) _pings!.OnSent(ping);
                if (last is null) batch = operation;
                else last.Next = operation;
                last = operation;
            }

            _head = operation.Next;
            operation.Next = null;
        }

        if (_head is null) _tail = null;
        return batch;
    }

    /// <summary>Takes everything that is left, linked, those that were cancelled included.</summary>
    public SendOperation? Clear()
    {
        SendOperation? operation = _head;
        _head = _tail = null;
        return operation;
    }

    public void Recycle(SendOperation operation)
    {
        // One that was cancelled in the queue may still be linked there.
        if (_freeCount == MaxFree || operation.Next is not null || operation == _tail) return;
        operation.Next = _free;
        _free = operation;
        _freeCount++;
    }

    // When it is queued, because the order in which messages are compressed is the order in which the peer must see them; into memory of the
    // operation's own, because others are compressed before it is written.
    private static void Compress(SendOperation operation, OutboundDeflate deflate)
    {
        if (!deflate.TryCompress(operation.Payload.Span, operation.EndOfMessage, out ReadOnlySpan<byte> compressed)) return;
        byte[] rented = ArrayPool<byte>.Shared.Rent(compressed.Length);
        compressed.CopyTo(rented);
        operation.PlainLength = operation.Payload.Length;
        operation.Compressed = rented;
        operation.Payload = rented.AsMemory(0, compressed.Length);
        operation.IsWhole = false; // later messages may refer to it: it cannot be taken out of the queue
    }

    /// <summary>An operation that is not in the queue.</summary>
    public SendOperation Rent()
    {
        if (_free is not { } operation) return new SendOperation(sender);
        _free = operation.Next;
        operation.Next = null;
        _freeCount--;
        return operation;
    }

    private void Append(SendOperation operation)
    {
        operation.IsQueued = true;
        if (_tail is null) _head = operation;
        else _tail.Next = operation;
        _tail = operation;
        TrafficCounters counters = traffic.Lease();
        counters.Buffered += operation.Payload.Length;
        counters.EndLease();
    }
}
