using System.Buffers;
using System.IO.Pipelines;

namespace Tandem.Server.Lab;

/// <summary>Counts what passes over a connection of Kestrel. What TCP and IP add is not in it.</summary>
internal sealed class ConnectionTraffic : IDuplexPipe
{
    private long _received;
    private long _sent;

    public ConnectionTraffic(IDuplexPipe inner)
    {
        Input = new CountingReader(inner.Input, this);
        Output = new CountingWriter(inner.Output, this);
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>Bytes that were read.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Bytes that were written.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>How many of them belong to requests that are over. HTTP/1.1 has one request at a time, so what is new belongs to the present one.</summary>
    public (long Received, long Sent) Settled { get; private set; }

    public void Settle() => Settled = (Received, Sent);

    private sealed class CountingReader(PipeReader inner, ConnectionTraffic traffic) : PipeReader
    {
        private ReadOnlySequence<byte> _buffer;

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            // One reader at a time, so the sum needs no interlocked operation.
            Volatile.Write(ref traffic._received, traffic._received + _buffer.Slice(0, consumed).Length);
            _buffer = default;
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            Keep(await inner.ReadAsync(cancellationToken).ConfigureAwait(false));

        public override bool TryRead(out ReadResult result)
        {
            bool found = inner.TryRead(out result);
            if (found) Keep(result);
            return found;
        }

        private ReadResult Keep(ReadResult result)
        {
            _buffer = result.Buffer;
            return result;
        }
    }

    private sealed class CountingWriter(PipeWriter inner, ConnectionTraffic traffic) : PipeWriter
    {
        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override void Advance(int bytes)
        {
            Count(bytes);
            inner.Advance(bytes);
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            Count(source.Length);
            return inner.WriteAsync(source, cancellationToken);
        }

        private void Count(int bytes) => Volatile.Write(ref traffic._sent, traffic._sent + bytes);
    }
}
