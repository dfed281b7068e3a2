namespace Tandem.Fuzz.Tests.FrameStreams;

/// <summary>
/// One end of a connection whose other end is a script: pieces of bytes that arrive when the script says so, and then the end. Reads complete on the
/// thread that lets a piece arrive, so that a conversation runs the same way each time. What is written is kept.
/// </summary>
internal sealed class ScriptedStream(byte[] bytes, int[] cuts) : Stream
{
    private readonly Lock _gate = new();
    private readonly List<byte> _written = [];
    private readonly Queue<(TaskCompletionSource<int> Task, Memory<byte> Buffer)> _readers = []; // more than one: the BCL's client may read at its end while a read is pending
    private int _read;
    private int _arrived;
    private int _nextCut;
    private bool _ended;
    private bool _disposed;

    /// <summary>Bytes that have arrived.</summary>
    public int Arrived => _arrived;

    public bool HasMore => _nextCut < cuts.Length;

    /// <summary>Whether there is something for <see cref="TakeWritten"/>.</summary>
    public bool HasWritten
    {
        get
        {
            lock (_gate) return _written.Count != 0;
        }
    }

    /// <summary>Takes what has been written since the last time.</summary>
    public byte[] TakeWritten()
    {
        lock (_gate)
        {
            byte[] written = [.. _written];
            _written.Clear();
            return written;
        }
    }

    /// <summary>Lets the next piece arrive, or the end behind the last.</summary>
    public void Arrive()
    {
        var done = new List<(TaskCompletionSource<int> Task, int Count)>();
        lock (_gate)
        {
            if (HasMore) _arrived += cuts[_nextCut++];
            else _ended = true;
            while ((_read < _arrived || _ended) && _readers.TryDequeue(out (TaskCompletionSource<int> Task, Memory<byte> Buffer) reader)) done.Add((reader.Task, Take(reader.Buffer.Span)));
        }

        foreach ((TaskCompletionSource<int> task, int count) in done) task.SetResult(count);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_read < _arrived || _ended) return new ValueTask<int>(Take(buffer.Span));
            var reader = new TaskCompletionSource<int>();
            _readers.Enqueue((reader, buffer));
            return new ValueTask<int>(reader.Task);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _written.AddRange(buffer.Span);
        }

        return default;
    }

    protected override void Dispose(bool disposing)
    {
        (TaskCompletionSource<int> Task, Memory<byte> Buffer)[] readers;
        lock (_gate)
        {
            _disposed = true;
            readers = [.. _readers];
            _readers.Clear();
        }

        // As with a socket, not within the call that disposes.
        foreach ((TaskCompletionSource<int> task, _) in readers) ThreadPool.QueueUserWorkItem(_ => task.SetException(new ObjectDisposedException(nameof(ScriptedStream))));
        base.Dispose(disposing);
    }

    private int Take(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _arrived - _read);
        bytes.AsSpan(_read, count).CopyTo(buffer);
        _read += count;
        return count;
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

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
