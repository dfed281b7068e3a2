using System.Buffers;
using System.Runtime.CompilerServices;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.Connections;

/// <summary>
/// The sending half of a connection: whoever writes the queue of frames out, one at a time. While a write is on its way what is sent gathers
/// in the <see cref="FrameQueue"/> and leaves with the next one.
/// </summary>
/// <remarks>
/// A sender that finds nobody writing writes its own frame before its call returns, or leaves it to be written soon (Gathering). What others
/// queue meanwhile is written by the thread pool, so that no sender is kept writing for the rest.
/// </remarks>
internal sealed partial class FrameSender : IThreadPoolWorkItem
{
    private readonly WebSocketConnection _connection;
    private readonly Stream _stream;
    private readonly Lock _gate;
    private readonly Action _onWritten;
    private readonly bool _masks;
    private readonly ConnectionDeflate? _deflate; // its outbound half, guarded by the gate
    private readonly TrafficLedger _traffic;

    // Guarded by the gate.
    private bool _writing;
    private bool _stopped;
    private bool _endsTransport;

    // Of whoever is writing.
    private WebSocketWriter _writer;
    private MaskingKeys _keys;
    private uint _key; // of the frame last written, rotated to the next byte of a large payload
    private ValueTask _write;

    public FrameSender(WebSocketConnection connection, Stream stream, Lock gate, WebSocketRole role, ConnectionDeflate? deflate, TrafficLedger traffic)
    {
        _deflate = deflate;
        _traffic = traffic;
        _connection = connection;
        _stream = stream;
        _gate = gate;
        _masks = role == WebSocketRole.Client;
        Queue = new FrameQueue(this, _masks, deflate?.Outbound, traffic);
        _writer = new WebSocketWriter(role);
        _onWritten = OnWritten;
    }

    /// <summary>What waits; used with the gate held, and <c>Start</c> follows without it.</summary>
    public FrameQueue Queue { get; }

    /// <summary>Answers a ping. Of several that could not be answered yet, the latest is (section 5.5.3), so pings cannot fill memory.</summary>
    public void Pong(ReadOnlySpan<byte> payload)
    {
        lock (_gate) Queue.SetPong(payload);
        Start();
    }

    public void Ping()
    {
        lock (_gate) Queue.SetPing();
        Start();
    }

    /// <summary>Writes out what is queued, unless someone does already.</summary>
    /// <param name="own">The operation of the caller, when it awaits one.</param>
    public void Start(SendOperation? own = null)
    {
        lock (_gate)
        {
            if (_writing || !HasWork) return;
            _writing = true;
        }

        Write(own, handsOver: true);
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

        if (!removed)
        {
            _connection.Abort();
            return;
        }

        CountUnsent(operation.Payload.Length);
        operation.Complete(new OperationCanceledException(operation.CancellationToken), beforeAwait: false);
    }

    /// <summary>Lets the transport go when what is queued has been written. The gate is held.</summary>
    /// <returns>Whether that is now.</returns>
    public bool EndTransport()
    {
        _endsTransport = true;
        return !_writing && !HasWork && _gathered is null;
    }

    /// <summary>
    /// Fails what waits. What is being written fails with the write; what is gathered is written, if the stream takes it.
    /// </summary>
    /// <returns>Until when frames that their senders take for written need the stream; null when none do.</returns>
    public Task? Stop()
    {
        SendOperation? operation;
        bool flushes;
        lock (_gate)
        {
            _stopped = true;
            _deflate?.DisposeOutbound();
            operation = Queue.Clear();
            flushes = _gathered is not null && !_writing;
            if (flushes) TakeGathered();
        }

        if (flushes) WriteGathered(isAwaited: false, default);
        while (operation is not null)
        {
            SendOperation? next = operation.Next;
            operation.Next = null;
            if (operation.IsQueued)
            {
                operation.IsQueued = false;
                CountUnsent(operation.Payload.Length);
                operation.Complete(_connection.Failure(null, operation.CancellationToken), beforeAwait: false);
            }

            operation = next;
        }

        lock (_gate)
        {
            if (_writing && (_leavingBatch.Promised || _gatheredBatch.Promised)) _settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _settled?.Task;
        }
    }

    public void Recycle(SendOperation operation)
    {
        lock (_gate) Queue.Recycle(operation);
    }

    public void Execute() => Write(null, handsOver: false);

    private bool HasWork => !_stopped && Queue.HasWork;

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
        TaskCompletionSource? settled;
        lock (_gate)
        {
            _leavingBatch = default;
            if (HasWork) return true;
            _writing = false;
            ends = _endsTransport;
            settled = _settled;
        }

        settled?.TrySetResult();
        if (ends) _connection.DropTransport();
        return false;
    }

    /// <summary>Writes what is queued, up to one buffer or one large payload. Never throws.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteBatchAsync(SendOperation? own)
    {
        byte[] buffer = Take(out SendOperation? batch, out int length);
        SendOperation? last = batch;
        long sent = 0;
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
            ReadOnlyMemory<byte> rest = last is not null && last.IsLarge ? last.Payload : default;
            if (!_masks && !rest.IsEmpty)
            {
                // A header alone would be a packet of its own.
                int count = Math.Min(rest.Length, buffer.Length - length);
                rest.Span[..count].CopyTo(buffer.AsSpan(length));
                rest = rest[count..];
                length += count;
            }

            while (_masks && !rest.IsEmpty)
            {
                int count = Mask(rest.Span, buffer.AsSpan(length));
                rest = rest[count..];
                length += count;
                if (rest.IsEmpty) break;
                ValueTask chunk = _stream.WriteAsync(buffer.AsMemory(0, length));
                suspended |= !chunk.IsCompleted;
                await chunk.ConfigureAwait(false);
                sent += length;
                length = 0;
            }

            if (length != 0)
            {
                ValueTask write = _stream.WriteAsync(buffer.AsMemory(0, length));
                suspended |= !write.IsCompleted;
                await write.ConfigureAwait(false);
                sent += length;
            }

            if (!rest.IsEmpty)
            {
                ValueTask write = _stream.WriteAsync(rest);
                suspended |= !write.IsCompleted;
                await write.ConfigureAwait(false);
                sent += rest.Length;
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
        Count(batch, sent, error is null);
        Complete(batch, error, suspended ? null : own);
    }

    private byte[] Take(out SendOperation? batch, out int length)
    {
        lock (_gate)
        {
            bool controls = !Queue.IsClosed; // section 5.5.1: nothing follows a close frame
            bool pings = controls && Queue.TakePing();
            batch = Queue.Take(out int size);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(size + _gatheredBatch.Length);
            length = TakeGathered(buffer);
            if (controls) length += WriteControls(buffer.AsSpan(length), pings);
            return buffer;
        }
    }

    // Before all frames: they are owed now.
    private int WriteControls(Span<byte> buffer, bool pings)
    {
        int length = 0;
        if (Queue.TakePong(out ReadOnlySpan<byte> payload)) length += _writer.WriteControl(buffer, Opcode.Pong, payload, NextKey());
        if (pings) length += _writer.WriteControl(buffer[length..], Opcode.Ping, default, NextKey());
        return length;
    }

    private int WriteFrame(SendOperation operation, Span<byte> buffer)
    {
        _key = NextKey();
        if (operation.CloseStatus is { } status) return _writer.WriteClose(buffer, status, operation.CloseReason, _key);
        if (operation.Ping is not null) return _writer.WriteControl(buffer, Opcode.Ping, operation.Payload.Span, _key);
        if (operation.IsLarge) return _writer.WriteHeader(buffer, operation.Type, operation.Payload.Length, operation.EndOfMessage, _key, operation.Compressed is not null);
        return _writer.WriteFrame(buffer, operation.Type, operation.Payload.Span, operation.EndOfMessage, _key, operation.Compressed is not null);
    }

    private int Mask(ReadOnlySpan<byte> payload, Span<byte> buffer)
    {
        int count = Math.Min(payload.Length, buffer.Length);
        Masking.Apply(payload[..count], buffer, _key);
        _key = Masking.Rotate(_key, count);
        return count;
    }

    private uint NextKey() => _masks ? _keys.Next() : 0;

    // Before they are completed: then they may be used again.
    private void Count(SendOperation? batch, long sent, bool succeeded)
    {
        TrafficCounters traffic = _traffic.Lease();
        traffic.BytesSent += sent;
        if (succeeded) traffic.MessagesSent += _leavingBatch.Messages;
        for (SendOperation? operation = batch; operation is not null; operation = operation.Next)
        {
            traffic.Buffered -= operation.Payload.Length;
            if (!succeeded || operation.CloseStatus is not null || operation.Ping is not null) continue;
            if (operation.EndOfMessage) traffic.MessagesSent++;
            if (operation.Compressed is null) continue;
            traffic.PlainSent += operation.PlainLength;
            traffic.CompressedSent += operation.Payload.Length;
        }

        traffic.EndLease();
    }

    private void CountUnsent(int length)
    {
        TrafficCounters traffic = _traffic.Lease();
        traffic.Buffered -= length;
        traffic.EndLease();
    }

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
}
