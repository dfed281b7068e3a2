using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>
/// A connection for Kestrel that begins with a WebSocket handshake. Kestrel reads the request and writes what it is answered with; when that is 101 the WebSocket
/// takes the socket over, and its bytes go by no pipe and no loop of Kestrel's any more.
/// </summary>
/// <remarks>
/// It is read when someone asks for bytes, and not ahead, as Kestrel's own connections are: so nothing has to be stopped when it is taken over. What has been
/// flushed has been sent, so nothing can be overtaken either.
/// </remarks>
internal sealed class HandshakeConnection : DefaultConnectionContext, IConnectionSocketFeature, IDuplexPipe
{
    // In bytes: one read and one write for most of what passes here while another middleware than ours has the WebSocket. Rented, and not while nothing comes.
    private const int BufferSize = 16 * 1024;

    private readonly SocketStream _stream;

    // Not that of the base class, which is disposed of with the connection while a cancellation may be on its way.
    private readonly CancellationTokenSource _closed = new();

    private readonly ILogger _logger;

    private HandshakeConnection(Socket socket, ILogger logger)
    {
        _logger = logger;
        Socket = socket;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        _stream = new SocketStream(socket, ownsSocket: false, BeginClose);
        Input = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: BufferSize, leaveOpen: true, useZeroByteReads: true));
        Output = PipeWriter.Create(_stream, new StreamPipeWriterOptions(minimumBufferSize: BufferSize, leaveOpen: true));
        Transport = this;
        Features.Set<IConnectionSocketFeature>(this);
        Features.Set(this);
    }

    /// <inheritdoc/>
    public Socket Socket { get; }

    /// <inheritdoc/>
    public PipeReader Input { get; }

    /// <inheritdoc/>
    public PipeWriter Output { get; }

    /// <summary>The connection, if a whole handshake is what has come on it; looked at, and left unread.</summary>
    /// <exception cref="SocketException">It has been reset.</exception>
    /// <exception cref="IOException">The kernel watches no more sockets.</exception>
    public static HandshakeConnection? TryCreate(Socket socket, ILogger logger)
    {
        byte[] head = ArrayPool<byte>.Shared.Rent(HttpHead.MaxLength);
        try
        {
            socket.Blocking = false; // or looking would be waiting, where nothing has come
            int count = socket.Receive(head.AsSpan(0, HttpHead.MaxLength), SocketFlags.Peek, out SocketError error);
            socket.Blocking = true; // as it came
            if (error != SocketError.Success) return null;
            bool whole = UpgradeRequest.Parse(head.AsSpan(0, count), out UpgradeRequest request, out HandshakeRefusal refusal);
            return whole && refusal == HandshakeRefusal.None && request.AsksForWebSocket ? new HandshakeConnection(socket, logger) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(head);
        }
    }

    /// <summary>The connection that a request has come by, if its WebSocket can take the socket over.</summary>
    /// <param name="features">Those of the request.</param>
    /// <returns>Null for all other connections, and where something of the application's stands between it and Kestrel: a log of the bytes, a transformation.</returns>
    public static HandshakeConnection? Find(IFeatureCollection features) =>
        features.Get<HandshakeConnection>() is { } connection && features.Get<IConnectionTransportFeature>()?.Transport == connection ? connection : null;

    /// <summary>Takes the socket over; when the answer to the handshake has been sent.</summary>
    /// <returns>What is read and written from here on. It is disposed of with the connection, by Kestrel.</returns>
    public Stream TakeOver()
    {
        if (Input.TryRead(out ReadResult read))
        {
            _stream.Hold(read.Buffer.ToArray());
            Input.AdvanceTo(read.Buffer.End);
        }

        Input.Complete(); // which gives its buffer back
        return _stream;
    }

    // As Kestrel's own connections: TCP is reset.
    public override void Abort(ConnectionAbortedException abortReason)
    {
        Socket.Close(timeout: 0);
        _stream.Dispose(); // who waits for a socket is not told that it is closed
        BeginClose();
    }

    public override ValueTask DisposeAsync()
    {
        _stream.Dispose();
        try
        {
            Socket.Shutdown(SocketShutdown.Both); // with FIN, unless the peer's bytes are left unread
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The peer has gone, or it was aborted.
        }

        Socket.Dispose();
        return base.DisposeAsync();
    }

    // Requests learn of it by HttpContext.RequestAborted, in which an application may do whatever it likes.
    private void BeginClose() => ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Close(), this, preferLocal: false);

    private void Close()
    {
        try
        {
            _closed.Cancel();
        }
        catch (AggregateException exception)
        {
            Log.ConnectionEndFailed(_logger, exception);
        }
    }
}
