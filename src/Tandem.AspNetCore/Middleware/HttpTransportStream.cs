using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Tandem.WebSockets;

namespace Tandem.AspNetCore.Middleware;

/// <summary>
/// The two streams of an upgraded request, or of an extended CONNECT, as the transport of a <see cref="WebSocketConnection"/>: it turns the
/// connection's end into the request's. A server's own stream does nothing when it is disposed.
/// </summary>
/// <remarks>
/// An abort aborts the request: TCP is reset, or the HTTP/2 stream. Any other end leaves it to the return of the pipeline, behind which the
/// server sends what it still holds. From there on the <see cref="HttpContext"/> may serve another request and is not touched.
/// </remarks>
internal sealed class HttpTransportStream(HttpContext context, Stream inner) : Stream
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationToken _requestAborted = context.RequestAborted;
    private HttpContext? _context = context; // guarded by the gate; null once the pipeline has returned

    /// <summary>
    /// The connection over this transport. Set before anything is read or written. Null for that of a route, which always reads, and so hears when the
    /// client has gone, and which tells its end when it is over.
    /// </summary>
    public WebSocketConnection? Connection { get; set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The pipeline has returned: nothing reaches the request any more.</summary>
    public void Detach()
    {
        lock (_gate) _context = null;
        Dispose();
    }

    // The connection looks at its callers' tokens itself, and disposes of its transport when one is cancelled.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(buffer, _ended.Token);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Servers swallow what is written to a client that has gone. An application that only sends would go on for ever.
        if (_requestAborted.IsCancellationRequested && Connection?.State == WebSocketState.Open)
        {
            return ValueTask.FromException(new IOException("The request was aborted."));
        }

        return Connection?.CloseStatus is null ? inner.WriteAsync(buffer, _ended.Token) : AnswerCloseAsync(buffer);
    }

    // A socket swallows nothing. The answer to a close frame may be: a client that does not wait for it is common, and nobody misses anything.
    private async ValueTask AnswerCloseAsync(ReadOnlyMemory<byte> buffer)
    {
        try
        {
            await inner.WriteAsync(buffer, _ended.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(_ended.Token);

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // After a violation the close frame that names it is on its way, and an abort would overtake it.
        bool aborts = Connection is { State: WebSocketState.Aborted } connection && connection.CloseCause?.Initiator != CloseInitiator.ProtocolFault;
        lock (_gate)
        {
            if (aborts) _context?.Abort();
            _context = null;
        }

        _ended.Cancel(); // who still reads or writes is let go
        base.Dispose(disposing);
    }
}
