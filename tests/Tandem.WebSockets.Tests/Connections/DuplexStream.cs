namespace Tandem.WebSockets.Tests.Connections;

/// <summary>How a stream of a <see cref="DuplexStream"/> behaves: as streams may, and sockets on one machine hardly ever do.</summary>
[Flags]
public enum StreamTraits
{
    None = 0,

    /// <summary>Each read returns one byte.</summary>
    OneByteReads = 1,

    /// <summary>No write completes before it returns.</summary>
    AsynchronousWrites = 2,

    /// <summary>Cancellation ends a read. Without this only disposal does, as with some streams.</summary>
    CancellableReads = 4,
}

/// <summary>
/// One end of a connection in memory. Disposing it fails its own pending operations, and ends the other end's input.
/// </summary>
public sealed class DuplexStream : Stream
{
    private readonly Direction _in;
    private readonly Direction _out;
    private readonly StreamTraits _traits;
    private TaskCompletionSource? _stall;
    private int _writes;
    private int _reads;

    private DuplexStream(Direction @in, Direction @out, StreamTraits traits) => (_in, _out, _traits) = (@in, @out, traits);

    public static (DuplexStream Left, DuplexStream Right) Pair(StreamTraits left = StreamTraits.None)
    {
        var there = new Direction();
        var back = new Direction();
        return (new DuplexStream(back, there, left), new DuplexStream(there, back, StreamTraits.None));
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>How many writes this end has begun.</summary>
    public int Writes => Volatile.Read(ref _writes);

    /// <summary>How many reads this end has begun that take bytes, and do not wait for them alone.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>How many bytes have come to this end and have not been read.</summary>
    public int Unread => _in.Count;

    public bool IsDisposed => _in.IsBroken;

    /// <summary>Holds up this end's writes until <see cref="Resume"/> or disposal, like a peer that does not read.</summary>
    public void Stall() => _stall = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Resume() => Interlocked.Exchange(ref _stall, null)!.SetResult();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!buffer.IsEmpty) Interlocked.Increment(ref _reads);
        if ((_traits & StreamTraits.OneByteReads) != 0 && buffer.Length > 1) buffer = buffer[..1];
        return await _in.ReadAsync(buffer, (_traits & StreamTraits.CancellableReads) != 0 ? cancellationToken : default);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _writes);
        if ((_traits & StreamTraits.AsynchronousWrites) != 0) await Task.Yield();
        if (_stall is { } stall) await stall.Task;
        _out.Write(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _in.Break();
        _out.End();
        _stall?.TrySetException(new IOException("The stream was disposed."));
        base.Dispose(disposing);
    }

    private sealed class Direction
    {
        private readonly Lock _gate = new();
        private byte[] _bytes = new byte[256];
        private int _start;
        private int _end;
        private bool _ended;
        private bool _broken;
        private TaskCompletionSource? _arrival;

        public bool IsBroken
        {
            get
            {
                lock (_gate) return _broken;
            }
        }

        public int Count
        {
            get
            {
                lock (_gate) return _end - _start;
            }
        }

        public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            while (true)
            {
                Task arrival;
                lock (_gate)
                {
                    if (_broken) throw new IOException("The stream was disposed.");
                    if (_end != _start)
                    {
                        int count = Math.Min(buffer.Length, _end - _start);
                        _bytes.AsSpan(_start, count).CopyTo(buffer.Span);
                        _start += count;
                        return count;
                    }

                    if (_ended) return 0;
                    _arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    arrival = _arrival.Task;
                }

                await arrival.WaitAsync(cancellationToken);
            }
        }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            lock (_gate)
            {
                if (_ended || _broken) throw new IOException("The other end is gone.");
                if (_bytes.Length - _end < bytes.Length)
                {
                    byte[] larger = new byte[Math.Max(_bytes.Length, 2 * (_end - _start + bytes.Length))];
                    _bytes.AsSpan(_start, _end - _start).CopyTo(larger);
                    (_bytes, _start, _end) = (larger, 0, _end - _start);
                }

                bytes.CopyTo(_bytes.AsSpan(_end));
                _end += bytes.Length;
                Arrive();
            }
        }

        public void End()
        {
            lock (_gate)
            {
                _ended = true;
                Arrive();
            }
        }

        public void Break()
        {
            lock (_gate)
            {
                _broken = true;
                Arrive();
            }
        }

        private void Arrive()
        {
            _arrival?.TrySetResult();
            _arrival = null;
        }
    }
}
