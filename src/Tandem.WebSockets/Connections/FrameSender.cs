using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.Connections;

/// <summary>
/// The sending half of a connection: a queue of frames and whoever writes it out, one at a time. While a write is on its way what is sent
/// gathers behind it and leaves with the next one.
/// </summary>
/// <remarks>
/// A sender that finds nobody writing writes its own frame before its call returns. What others queue meanwhile is written by the
/// thread pool, so that no sender is kept writing for the rest.
/// </remarks>
internal sealed class FrameSender : IThreadPoolWorkItem
{
    /// <summary>Payloads above this, in bytes, are written from where they lie; below, one write with a copy is cheaper than two.</summary>
    private const int DirectBytes = 16 * 1024;

    /// <summary>Most bytes gathered for one write: more gains nothing, and the first sender waits for the whole write.</summary>
    private const int BatchBytes = 64 * 1024;

    private const int MaxControlFrame = FrameHeader.MaxLength + FrameHeader.MaxControlPayload;

    // Operations kept for reuse: as many as there are senders at once in all but odd cases.
    private const int MaxFree = 64;

    private readonly WebSocketConnection _connection;
    private readonly Stream _stream;
    private readonly Lock _gate;
    private readonly Action _onWritten;
    private readonly bool _masks;
    private readonly ConnectionDeflate? _deflate; // its outbound half, guarded by the gate

    // Guarded by the gate.
    private SendOperation? _head;
    private SendOperation? _tail;
    private SendOperation? _free;
    private int _freeCount;
    private bool _writing;
    private bool _stopped;
    private bool _closeTaken;
    private bool _endsTransport;
    private bool _pingDue;
    private byte[]? _pong;
    private int _pongLength = -1; // no pong is due
    private bool _inMessage;
    private bool _disablesCompression;
    private WebSocketMessageType _type;

    // Of whoever is writing.
    private WebSocketWriter _writer;
    private MaskingKeys _keys;
    private uint _key; // of the frame last written, rotated to the next byte of a large payload
    private ValueTask _write;

    public FrameSender(WebSocketConnection connection, Stream stream, Lock gate, WebSocketRole role, ConnectionDeflate? deflate)
    {
        _deflate = deflate;
        _connection = connection;
        _stream = stream;
        _gate = gate;
        _masks = role == WebSocketRole.Client;
        _writer = new WebSocketWriter(role);
        _onWritten = OnWritten;
    }

    /// <summary>Whether a frame with this flag may be next: the fragments of one message must agree about it. The gate is held.</summary>
    public bool Accepts(bool disablesCompression) => !_inMessage || disablesCompression == _disablesCompression;

    /// <summary>Queues a data frame. The gate is held; <c>Start</c> follows without it.</summary>
    public SendOperation Enqueue(ReadOnlyMemory<byte> payload, WebSocketMessageType type, bool endOfMessage, bool disablesCompression)
    {
        // The BCL does not look at the type of what continues a message, and programs rely on it.
        if (!_inMessage) _type = type;
        SendOperation operation = Rent();
        operation.Payload = payload;
        operation.Type = _type;
        operation.EndOfMessage = endOfMessage;
        operation.IsWhole = !_inMessage && endOfMessage;
        if (_deflate is not null && !disablesCompression) Compress(operation, _deflate.Outbound);
        _inMessage = !endOfMessage;
        _disablesCompression = disablesCompression;
        Append(operation);
        return operation;
    }

    /// <summary>Queues a close frame, behind which nothing is sent (RFC 6455 section 5.5.1). The gate is held.</summary>
    public SendOperation EnqueueClose(WebSocketCloseStatus status, string reason)
    {
        SendOperation operation = Rent();
        operation.CloseStatus = status;
        operation.CloseReason = reason;
        operation.IsWhole = false;
        Append(operation);
        return operation;
    }

    /// <summary>Answers a ping. Of several that could not be answered yet, the latest is (section 5.5.3), so pings cannot fill memory.</summary>
    public void Pong(ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            _pong ??= new byte[FrameHeader.MaxControlPayload];
            payload.CopyTo(_pong);
            _pongLength = payload.Length;
        }

        Start();
    }

    public void Ping()
    {
        lock (_gate) _pingDue = true;
        Start();
    }

    /// <summary>Writes out what is queued, unless someone does already, and returns what the sender awaits.</summary>
    public ValueTask Start(SendOperation operation, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled) operation.Register(cancellationToken);
        ValueTask task = operation.Task;
        Start(operation);
        return task;
    }

    /// <summary>Takes an operation that still waits out of the queue. Otherwise its bytes may be on their way: the connection is aborted.</summary>
    public void Cancel(SendOperation operation)
    {
        bool removed;
        lock (_gate)
        {
            if (operation.IsComplete) return;
            removed = operation.IsQueued && operation.IsWhole;
            if (removed) operation.IsQueued = false;
        }

        if (removed) operation.Complete(new OperationCanceledException(operation.CancellationToken), beforeAwait: false);
        else _connection.Abort();
    }

    /// <summary>Lets the transport go when what is queued has been written. The gate is held.</summary>
    /// <returns>Whether that is now.</returns>
    public bool EndTransport()
    {
        _endsTransport = true;
        return !_writing && !HasWork;
    }

    /// <summary>Fails what waits. What is being written fails with the write.</summary>
    public void Stop()
    {
        SendOperation? operation;
        lock (_gate)
        {
            _stopped = true;
            _deflate?.DisposeOutbound();
            operation = _head;
            _head = _tail = null;
        }

        while (operation is not null)
        {
            SendOperation? next = operation.Next;
            operation.Next = null;
            if (operation.IsQueued)
            {
                operation.IsQueued = false;
                operation.Complete(_connection.Failure(null, operation.CancellationToken), beforeAwait: false);
            }

            operation = next;
        }
    }

    public void Recycle(SendOperation operation)
    {
        lock (_gate)
        {
            // One that was cancelled in the queue may still be linked there.
            if (_freeCount == MaxFree || operation.Next is not null || operation == _tail) return;
            operation.Next = _free;
            _free = operation;
            _freeCount++;
        }
    }

    public void Execute() => Write(null, handsOver: false);

    private bool HasWork => !_stopped && (_head is not null || ((_pingDue || _pongLength >= 0) && !_closeTaken));

    private void Start(SendOperation? own = null)
    {
        lock (_gate)
        {
            if (_writing || !HasWork) return;
            _writing = true;
        }

        Write(own, handsOver: true);
    }

    private void Write(SendOperation? own, bool handsOver)
    {
        do
        {
            ValueTask write = WriteBatchAsync(own);
            if (!write.IsCompleted)
            {
                _write = write;
                write.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onWritten);
                return;
            }

            write.GetAwaiter().GetResult();
            if (!GoesOn()) return;
        }
        while (!handsOver);

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void OnWritten()
    {
        _write.GetAwaiter().GetResult();
        if (GoesOn()) Write(null, handsOver: false);
    }

    private bool GoesOn()
    {
        bool ends;
        lock (_gate)
        {
            if (HasWork) return true;
            _writing = false;
            ends = _endsTransport;
        }

        if (ends) _connection.DropTransport();
        return false;
    }

    /// <summary>Writes what is queued, up to one buffer or one large payload. Never throws.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteBatchAsync(SendOperation? own)
    {
        byte[] buffer = Take(out SendOperation? batch, out int length);
        SendOperation? last = batch;
        bool suspended = false;
        Exception? error = null;
        try
        {
            for (SendOperation? operation = batch; operation is not null; operation = operation.Next)
            {
                last = operation;
                length += WriteFrame(operation, buffer.AsSpan(length));
            }

            // Only the last one can be large, and then only its header has been written so far.
            ReadOnlyMemory<byte> rest = last is not null && IsLarge(last) ? last.Payload : default;
            while (_masks && !rest.IsEmpty)
            {
                int count = Mask(rest.Span, buffer.AsSpan(length));
                rest = rest[count..];
                length += count;
                if (rest.IsEmpty) break;
                ValueTask chunk = _stream.WriteAsync(buffer.AsMemory(0, length));
                suspended |= !chunk.IsCompleted;
                await chunk.ConfigureAwait(false);
                length = 0;
            }

            if (length != 0)
            {
                ValueTask write = _stream.WriteAsync(buffer.AsMemory(0, length));
                suspended |= !write.IsCompleted;
                await write.ConfigureAwait(false);
            }

            if (!rest.IsEmpty)
            {
                ValueTask write = _stream.WriteAsync(rest);
                suspended |= !write.IsCompleted;
                await write.ConfigureAwait(false);
            }

            Task flush = _stream.FlushAsync();
            suspended |= !flush.IsCompleted;
            await flush.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            error = exception;
            _connection.OnTransportEnd(); // the exception travels in what the senders are thrown
        }

        ArrayPool<byte>.Shared.Return(buffer);
        Complete(batch, error, suspended ? null : own);
    }

    // The next batch: pings and pongs first, since they are owed now, then as many frames as fit one buffer, the last of which may be a large one.
    private byte[] Take(out SendOperation? batch, out int length)
    {
        batch = null;
        SendOperation? last = null;
        lock (_gate)
        {
            int size = 2 * MaxControlFrame;
            bool full = false;
            bool closes = false;
            while (!full && _head is { } operation)
            {
                if (operation.IsQueued)
                {
                    bool large = IsLarge(operation);
                    // A client's large payload passes through the buffer in pieces.
                    int room = operation.CloseStatus is not null ? MaxControlFrame
                        : !large ? FrameHeader.MaxLength + operation.Payload.Length
                        : FrameHeader.MaxLength + (_masks ? BatchBytes : 0);
                    full = large;
                    if (batch is not null && !large && size + room > BatchBytes) break;
                    size += room;
                    operation.IsQueued = false;
                    closes |= operation.CloseStatus is not null;
                    if (last is null) batch = operation;
                    else last.Next = operation;
                    last = operation;
                }

                _head = operation.Next;
                operation.Next = null;
            }

            if (_head is null) _tail = null;
            byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
            length = WriteControls(buffer);
            _closeTaken |= closes;
            return buffer;
        }
    }

    private int WriteControls(Span<byte> buffer)
    {
        int length = 0;
        if (_closeTaken) return 0; // section 5.5.1: nothing follows a close frame
        if (_pongLength >= 0) length += _writer.WriteControl(buffer, Opcode.Pong, _pong.AsSpan(0, _pongLength), NextKey());
        if (_pingDue) length += _writer.WriteControl(buffer[length..], Opcode.Ping, default, NextKey());
        _pongLength = -1;
        _pingDue = false;
        return length;
    }

    private int WriteFrame(SendOperation operation, Span<byte> buffer)
    {
        _key = NextKey();
        if (operation.CloseStatus is { } status) return _writer.WriteClose(buffer, status, operation.CloseReason, _key);
        if (IsLarge(operation)) return _writer.WriteHeader(buffer, operation.Type, operation.Payload.Length, operation.EndOfMessage, _key, operation.Compressed is not null);
        return _writer.WriteFrame(buffer, operation.Type, operation.Payload.Span, operation.EndOfMessage, _key, operation.Compressed is not null);
    }

    private int Mask(ReadOnlySpan<byte> payload, Span<byte> buffer)
    {
        int count = Math.Min(payload.Length, buffer.Length);
        Masking.Apply(payload[..count], buffer, _key);
        _key = Masking.Rotate(_key, count);
        return count;
    }

    // When it is queued, because the order in which messages are compressed is the order in which the peer must see them; into memory of the
    // operation's own, because others are compressed before it is written. The gate is held.
    private static void Compress(SendOperation operation, OutboundDeflate deflate)
    {
        if (!deflate.TryCompress(operation.Payload.Span, operation.EndOfMessage, out ReadOnlySpan<byte> compressed)) return;
        byte[] rented = ArrayPool<byte>.Shared.Rent(compressed.Length);
        compressed.CopyTo(rented);
        operation.Compressed = rented;
        operation.Payload = rented.AsMemory(0, compressed.Length);
        operation.IsWhole = false; // later messages may refer to it: it cannot be taken out of the queue
    }

    private uint NextKey() => _masks ? _keys.Next() : 0;

    private static bool IsLarge(SendOperation operation) => operation.CloseStatus is null && operation.Payload.Length > DirectBytes;

    private void Complete(SendOperation? operation, Exception? error, SendOperation? own)
    {
        while (operation is not null)
        {
            SendOperation? next = operation.Next;
            operation.Next = null;
            operation.Complete(error is null ? null : _connection.Failure(error, operation.CancellationToken), operation == own);
            operation = next;
        }
    }

    private SendOperation Rent()
    {
        if (_free is not { } operation) return new SendOperation(this);
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
    }
}
