using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.Connections;

/// <summary>What became of a frame that was to be gathered.</summary>
internal enum Gathered : byte
{
    /// <summary>Nothing: it goes through the queue.</summary>
    Refused,

    /// <summary>It lies in the buffer, and leaves with what is sent next.</summary>
    Waits,

    /// <summary>It lies in the buffer, and its sender has to write that out.</summary>
    Leaves,
}

/// <content>
/// Gathering. When nobody writes and nothing waits, a small frame needs no operation: it is written into a buffer where it is sent. While the
/// application has messages to receive that came with the one it answers, the answers gather there and leave with one write.
/// </content>
/// <remarks>
/// What is gathered leaves at the latest when a receive has to wait for the stream, and when the <see cref="GatherWatch"/> comes to it: an application that
/// does something else behind a send holds nothing back. While somebody writes nothing is gathered, so a peer that takes nothing makes its
/// senders wait as ever, and what senders have been told of is at most one buffer.
/// </remarks>
internal sealed partial class FrameSender
{
    // What gathers, in bytes, before it leaves: hundreds of small messages, and what a pool of arrays keeps for every thread.
    private const int GatherBytes = 16 * 1024;

    // Guarded by the gate.
    private byte[]? _gathered;
    private Batch _gatheredBatch;
    private bool _isWatched;
    private GatheredFlush? _flush;
    private TaskCompletionSource? _settled;

    // Of whoever is writing.
    private byte[]? _leaving;
    private Batch _leavingBatch;

    /// <summary>What a buffer of gathered frames holds.</summary>
    private struct Batch
    {
        public int Length;
        public int Payload;
        public int Messages;
        public bool Promised; // a sender has been told that its frame is on its way
    }

    /// <summary>Puts a frame into the buffer, when nothing is before it. The gate is held.</summary>
    /// <param name="payload">The payload, which is copied.</param>
    /// <param name="type">Text or binary.</param>
    /// <param name="endOfMessage">Whether the message ends with it.</param>
    /// <param name="disablesCompression">Whether it is sent as it is where permessage-deflate was agreed on.</param>
    /// <param name="mayWait">Whether something will be sent or received soon.</param>
    public Gathered Gather(ReadOnlySpan<byte> payload, WebSocketMessageType type, bool endOfMessage, bool disablesCompression, bool mayWait)
    {
        if (_writing || HasWork || payload.Length > SendOperation.DirectBytes || (_deflate is not null && !disablesCompression)) return Gathered.Refused;
        int length = _gatheredBatch.Length + FrameHeader.MaxLength + payload.Length;
        if (_gathered is null) _gathered = ArrayPool<byte>.Shared.Rent(mayWait ? Math.Max(length, GatherBytes) : length);
        else if (length > _gathered.Length) return Gathered.Refused;

        type = Queue.Pass(type, endOfMessage, disablesCompression);
        _gatheredBatch.Length += _writer.WriteFrame(_gathered.AsSpan(_gatheredBatch.Length), type, payload, endOfMessage, NextKey());
        _gatheredBatch.Payload += payload.Length;
        if (endOfMessage) _gatheredBatch.Messages++;
        if (mayWait && length < GatherBytes)
        {
            _gatheredBatch.Promised = true;
            return Gathered.Waits;
        }

        TakeGathered();
        return Gathered.Leaves;
    }

    /// <summary>After <see cref="Gathered.Waits"/>, without the gate: sees to it that what is gathered leaves, whatever the application does next.</summary>
    public void Watch()
    {
        // Once for all that is gathered until the watch comes to it.
        if (_isWatched) return;
        lock (_gate)
        {
            if (_isWatched) return;
            _isWatched = true;
        }

        GatherWatch.Add(this);
    }

    /// <summary>The watch has come.</summary>
    public void OnWatched()
    {
        lock (_gate)
        {
            _isWatched = false;
            if (_gathered is null || _writing) return; // who has begun to write takes it along
            _flush ??= new GatheredFlush(this);
        }

        // A stream may take its time with a write, and others wait for the watch.
        ThreadPool.UnsafeQueueUserWorkItem(_flush, preferLocal: false);
    }

    /// <summary>Whether something is gathered. Without the gate only for the receiver: nothing is gathered while a receive is pending.</summary>
    public bool HasGathered => _gathered is not null;

    /// <summary>Writes out what is gathered.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_gathered is null || _writing) return; // who has begun to write takes it along
            TakeGathered();
        }

        WriteGathered(isAwaited: false, default);
    }

    /// <summary>After <see cref="Gathered.Leaves"/>, without the gate: writes out what is gathered, and returns what the sender awaits.</summary>
    public ValueTask WriteGathered(CancellationToken cancellationToken) =>
        WriteGathered(isAwaited: true, cancellationToken) is { } operation ? operation.Task : default;

    // Null when the stream has taken all, or nobody awaits it.
    private SendOperation? WriteGathered(bool isAwaited, CancellationToken cancellationToken)
    {
        ValueTask write = BeginWrite();
        if (!write.IsCompletedSuccessfully) return FinishLater(write, written: false, isAwaited, cancellationToken);
        write.GetAwaiter().GetResult();
        Task flush = BeginFlush();
        if (!flush.IsCompletedSuccessfully) return FinishLater(new ValueTask(flush), written: true, isAwaited, cancellationToken);
        EndGathered(succeeded: true, 0);
        if (GoesOn()) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return null;
    }

    private ValueTask BeginWrite()
    {
        try
        {
            return _stream.WriteAsync(_leaving.AsMemory(0, _leavingBatch.Length));
        }
        catch (Exception exception)
        {
            return ValueTask.FromException(exception);
        }
    }

    private Task BeginFlush()
    {
        try
        {
            return _stream.FlushAsync();
        }
        catch (Exception exception)
        {
            return Task.FromException(exception);
        }
    }

    private SendOperation? FinishLater(ValueTask rest, bool written, bool isAwaited, CancellationToken cancellationToken)
    {
        SendOperation? operation = null;
        if (isAwaited)
        {
            lock (_gate) operation = Queue.Rent();
            if (cancellationToken.CanBeCanceled) operation.Register(cancellationToken);
        }

        ValueTask write = FinishGatheredAsync(rest, written, operation);
        if (!write.IsCompleted)
        {
            _write = write;
            write.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onWritten);
            return operation;
        }

        write.GetAwaiter().GetResult();
        if (GoesOn()) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return operation;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FinishGatheredAsync(ValueTask rest, bool written, SendOperation? operation)
    {
        int payload = _leavingBatch.Payload;
        CountUnsent(-payload); // it waits for the peer from here on
        bool suspended = !rest.IsCompleted;
        Exception? error = null;
        try
        {
            await rest.ConfigureAwait(false);
            if (!written)
            {
                Task flush = _stream.FlushAsync();
                suspended |= !flush.IsCompleted;
                await flush.ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            error = exception;
            _connection.OnTransportEnd(); // the exception travels in what the sender is thrown
        }

        EndGathered(error is null, payload);
        Complete(operation, error, suspended ? null : operation);
    }

    private void EndGathered(bool succeeded, int waited)
    {
        ArrayPool<byte>.Shared.Return(_leaving!);
        _leaving = null;
        TrafficCounters traffic = _traffic.Lease();
        traffic.Buffered -= waited;
        if (succeeded)
        {
            traffic.BytesSent += _leavingBatch.Length;
            traffic.MessagesSent += _leavingBatch.Messages;
        }

        traffic.EndLease();
    }

    // The gate is held, and nobody writes.
    private void TakeGathered()
    {
        _writing = true;
        _leaving = _gathered;
        _leavingBatch = _gatheredBatch;
        _gathered = null;
        _gatheredBatch = default;
    }

    // The same, where frames from the queue are to leave behind what is gathered.
    private int TakeGathered(Span<byte> buffer)
    {
        if (_gathered is null) return 0;
        TakeGathered();
        _leaving.AsSpan(0, _leavingBatch.Length).CopyTo(buffer);
        ArrayPool<byte>.Shared.Return(_leaving!);
        _leaving = null;
        return _leavingBatch.Length;
    }

    private sealed class GatheredFlush(FrameSender sender) : IThreadPoolWorkItem
    {
        public void Execute() => sender.Flush();
    }
}
