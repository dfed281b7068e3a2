using Microsoft.AspNetCore.Http.Features;

namespace Tandem.AspNetCore.Tests.Middleware;

/// <summary>Sees the reads that the server's own stream is asked for, which are the real ones.</summary>
internal sealed class ReadSpy
{
    private volatile PendingRead? _pending;

    /// <summary>Whether a read is pending, and how many bytes it has room for.</summary>
    public (bool Waits, int Size) Pending => _pending is { } pending ? (true, pending.Size) : (false, -1);

    /// <summary>Puts itself between the server and the middleware.</summary>
    public void Watch(IFeatureCollection features)
    {
        if (features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade) features.Set<IHttpUpgradeFeature>(new UpgradeSpy(this, upgrade));
        if (features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect) features.Set<IHttpExtendedConnectFeature>(new ConnectSpy(this, connect));
    }

    private sealed record PendingRead(int Size);

    private sealed class UpgradeSpy(ReadSpy spy, IHttpUpgradeFeature inner) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public async Task<Stream> UpgradeAsync() => new StreamSpy(spy, await inner.UpgradeAsync());
    }

    private sealed class ConnectSpy(ReadSpy spy, IHttpExtendedConnectFeature inner) : IHttpExtendedConnectFeature
    {
        public bool IsExtendedConnect => true;

        public string? Protocol => inner.Protocol;

        public async ValueTask<Stream> AcceptAsync() => new StreamSpy(spy, await inner.AcceptAsync());
    }

    private sealed class StreamSpy(ReadSpy spy, Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ValueTask<int> read = inner.ReadAsync(buffer, cancellationToken);
            if (!read.IsCompleted) spy._pending = new PendingRead(buffer.Length);
            try
            {
                return await read;
            }
            finally
            {
                spy._pending = null;
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
