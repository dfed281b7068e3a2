using System.Net.Sockets;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Connections;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>
/// A WebSocket over any stream, for both roles, that takes the place of what <see cref="WebSocket.CreateFromStream(Stream, WebSocketCreationOptions)"/>
/// makes. It begins behind the opening handshake.
/// </summary>
/// <remarks>
/// <para>Receives come one at a time. Sends may overlap: they leave in the order of their calls, each with its own result, as long as the
/// fragments of one message are not mixed with other messages. Pings are answered while a receive is pending.</para>
/// <para>A close frame from the peer is not answered by itself: <see cref="State"/> becomes CloseReceived, and the application closes.
/// <see cref="CloseCause"/> says why a connection ended; the exceptions of a connection carry the same in a
/// <see cref="ConnectionEndedException"/>, their inner exception.</para>
/// <para>It owns the stream. An idle connection holds no buffer, over a <see cref="NetworkStream"/> one of 256 bytes. Where it differs from the BCL's, docs/websocket-contract.md says so.</para>
/// </remarks>
public sealed partial class WebSocketConnection : WebSocket
{
    private readonly WebSocketConnectionOptions _options;
    private readonly Stream _stream;
    private readonly FrameSender _sender;
    private readonly RoleTelemetry _telemetry;
    private readonly ConnectionDeflate? _deflate; // permessage-deflate was negotiated
    private readonly bool _waitsEmpty;
    private readonly Lock _gate = new();

    // Guarded by the gate.
    private WebSocketState _phase = WebSocketState.Open;
    private StrongBox<CloseCause>? _cause;
    private PendingPings? _pings; // made by the first ping of the application
    private bool _disposed;
    private bool _disposedOpen;
    private bool _dropped;
    private WebSocketCloseStatus? _closeStatus;
    private string? _closeStatusDescription;

    /// <summary>Begins a connection whose opening handshake is done.</summary>
    /// <param name="stream">The transport, which the connection owns from now on. It is read and written at the same time.</param>
    /// <param name="options">Role, limits and deadlines.</param>
    /// <param name="received">Bytes from the peer that were read together with the handshake; they are copied.</param>
    /// <exception cref="ArgumentException">The stream cannot be read or written, or an option is out of its range.</exception>
    public WebSocketConnection(Stream stream, WebSocketConnectionOptions options, ReadOnlySpan<byte> received = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        if (!stream.CanRead) throw new ArgumentException("The stream cannot be read.", nameof(stream));
        if (!stream.CanWrite) throw new ArgumentException("The stream cannot be written.", nameof(stream));
        options.Validate();
        _options = options;
        _stream = stream;
        _waitsEmpty = stream is not NetworkStream; // there the wait would be a system call of its own
        if (options.Deflate is { } parameters) _deflate = new ConnectionDeflate(in parameters, options.DeflateOptions, options.Role);
        _telemetry = options.Role == WebSocketRole.Client ? options.Telemetry.Client : options.Telemetry.Server;
        _sender = new FrameSender(this, stream, _gate, options.Role, _deflate, _telemetry.Traffic);
        var limits = new WebSocketReaderOptions
        {
            Role = options.Role,
            MaxMessageSize = options.MaxMessageSize,
            MaxFragments = options.MaxFragments,
        };
        _reader = new WebSocketReader(limits, _deflate?.Inbound);
        if (!received.IsEmpty) Hold(received);
        CountOpened(received.Length);
        StartKeepAlive();
    }

    /// <summary>Why the connection ended, or which side has begun to close it; null while it is open.</summary>
    public CloseCause? CloseCause
    {
        get
        {
            lock (_gate) return _cause?.Value;
        }
    }

    /// <summary>
    /// Where the connection is in the closing handshake. It is CloseSent from the call that closes on, and as with the BCL it is Closed after
    /// <see cref="Dispose"/>, whatever the peer knows of it.
    /// </summary>
    public override WebSocketState State
    {
        get
        {
            lock (_gate) return _disposedOpen ? WebSocketState.Closed : _phase;
        }
    }

    /// <summary>
    /// The code of the peer's close frame; null until it has come. As with the BCL a close frame without a code reads as 1000 here, so that
    /// an application can answer with what it got; <see cref="CloseCause"/> says 1005 (RFC 6455 section 7.1.5).
    /// </summary>
    public override WebSocketCloseStatus? CloseStatus => _closeStatus;

    /// <summary>The reason of the peer's close frame, empty when it had none; null until it has come.</summary>
    public override string? CloseStatusDescription => _closeStatusDescription;

    /// <summary>The subprotocol of the options.</summary>
    public override string? SubProtocol => _options.Subprotocol;

    /// <summary>Lets the transport go at once. A pending receive, send or close ends with an <see cref="OperationCanceledException"/>.</summary>
    public override void Abort() => Abort(CloseInitiator.Local);

    /// <summary>
    /// Lets the transport go. A pending receive, send or close ends with a <see cref="WebSocketException"/>
    /// (<see cref="WebSocketError.ConnectionClosedPrematurely"/>). Close first, so that the peer knows.
    /// </summary>
    public override void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _disposedOpen = _phase is not (WebSocketState.Aborted or WebSocketState.Closed);
            Signal(CloseSignal.Deadline, WebSockets.CloseCause.Without(CloseInitiator.Local));
        }

        DropTransport();
    }

    /// <summary>What an operation throws that the end of the connection has cut short.</summary>
    internal Exception Failure(Exception? exception, CancellationToken cancellationToken)
    {
        CloseCause cause;
        bool abortedHere;
        lock (_gate)
        {
            cause = _cause?.Value ?? WebSockets.CloseCause.Without(CloseInitiator.TransportEnd);
            abortedHere = _phase == WebSocketState.Aborted && !_disposedOpen && cause.Initiator is CloseInitiator.Local or CloseInitiator.Timeout;
        }

        var ended = new ConnectionEndedException(cause, exception);
        if (cancellationToken.IsCancellationRequested) return new OperationCanceledException("The operation was canceled.", ended, cancellationToken);
        if (abortedHere) return new OperationCanceledException("The connection was aborted.", ended);
        return cause.Fault != ProtocolFault.None
            ? new WebSocketException(WebSocketError.Faulted, "The peer broke a rule of the WebSocket protocol.", ended)
            : new WebSocketException(WebSocketError.ConnectionClosedPrematurely, ended);
    }

    // The gate is held.
    private WebSocketException InvalidState(string operation) => new(
        WebSocketError.InvalidState,
        $"The WebSocket is in state {(_disposedOpen ? WebSocketState.Closed : _phase)}, in which {operation} is not allowed.",
        _cause is null ? null : new ConnectionEndedException(_cause.Value, null));

    private static void Validate(ArraySegment<byte> buffer)
    {
        // The name is the BCL's.
        if (buffer.Array is null) throw new ArgumentNullException("buffer.Array");
    }
}
