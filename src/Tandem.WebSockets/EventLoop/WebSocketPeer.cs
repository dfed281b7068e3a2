using System.Net;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <summary>
/// An open connection of a <see cref="WebSocketServer"/>, as its handler sees it. Sending never blocks. All members may be used from any
/// thread: on the loop's own they act at once, and what a turn of the loop sends leaves with one system call; from others they are posted
/// to the loop, in order.
/// </summary>
public sealed unsafe partial class WebSocketPeer
{
    // One send takes at most about this much from a socket buffer of default size; holding back more would only add memory.
    private const int FlushBytes = 64 * 1024;

    // From here on a payload goes to the kernel from where it lies, as a vector of its own, instead of being gathered with others.
    private const int DirectSendBytes = 16 * 1024;

    // From here on what a frame still owes is received straight into its message, instead of through the loop's buffer.
    private const int DirectReceiveBytes = 16 * 1024;

    private static readonly byte[] EmptyPayload = [];

    private readonly Loop _loop;
    private readonly WebSocketHandler _handler;
    private readonly RemoteAddress _address;
    private readonly int _fd;
    private readonly int _slot;
    private readonly ushort _port;
    private readonly PeerDeflate? _deflate; // permessage-deflate was negotiated

    // Receiving: the loop's thread only.
    private WebSocketReader _reader;
    private byte[]? _carry; // an incomplete header or control frame
    private byte _carryLength;
    private MessageBuffer? _message; // a message that did not come in one piece
    private readonly int _streamsAbove; // messages of more bytes than this come in parts
    private bool _streams; // a part of the message has been delivered
    private byte[]? _held; // what was received and waits until the peer takes what was sent to it; rented
    private int _heldLength;

    // Sending: the loop's thread only, but for the count of what other threads have posted.
    private WebSocketWriter _writer;
    private OutboundQueue _queue;
    private bool _compressesMessage; // the message that is being sent in fragments
    private volatile bool _sendsFragments; // by what was given to Send so far, posted or not
    private int _postedBytes;
    private bool _blocked; // the kernel's buffer is full
    private bool _drainOwed; // Send has answered Buffered
    private bool _watchesIn = true;
    private bool _watchesOut;
    private bool _dirty;
    private bool _isCurrent; // an event of this connection is being served

    // Closing.
    private volatile WebSocketState _phase = WebSocketState.Open;
    private StrongCause? _cause;
    private bool _closeReported;
    private bool _endsTransport; // FIN when the queue is empty
    private bool _transportEnded; // FIN has been sent
    private bool _drops; // the transport goes at the end of the turn
    private bool _released;
    private bool _pingOutstanding;
    private long _idleDue = ConnectionTable.Never;

    internal WebSocketPeer(Loop loop, int slot, int fd, RemoteAddress address, ushort port, ServedRoute route, UpgradeContext context, PeerDeflate? deflate)
    {
        _loop = loop;
        _slot = slot;
        _fd = fd;
        _address = address;
        _port = port;
        _handler = route.Handler;
        _streamsAbove = route.StreamsAbove;
        _deflate = deflate;
        _reader = new WebSocketReader(route.ReaderOptions, deflate?.Inbound);
        _writer = new WebSocketWriter(WebSocketRole.Server);
        Subprotocol = context.Subprotocol;
        State = context.State;
    }

    /// <summary>The negotiated subprotocol; null when there is none.</summary>
    public string? Subprotocol { get; }

    /// <summary>Whatever the application wants to keep with the connection; set first by <see cref="UpgradeContext.State"/>.</summary>
    public object? State { get; set; }

    /// <summary>Open, CloseSent, CloseReceived, Closed or Aborted.</summary>
    public WebSocketState ConnectionState => _phase;

    /// <summary>Where the connection comes from.</summary>
    public IPEndPoint RemoteEndPoint => new(_address.Address, _port);

    /// <summary>Bytes that were given to Send and that the kernel has not taken yet, frame headers included.</summary>
    public int BufferedBytes => _queue.Bytes + Volatile.Read(ref _postedBytes);

    /// <summary>
    /// The header of the frame that ended the message being delivered, as it came: for those who teach or debug the protocol.
    /// Of a part it is the one of the frame that the part came in. Meaningful during <see cref="WebSocketHandler.OnMessage"/> and
    /// <see cref="WebSocketHandler.OnMessagePart"/> only.
    /// </summary>
    public FrameHeader Frame => _reader.Frame;

    /// <summary>Sends a message.</summary>
    /// <param name="type">Text or binary.</param>
    /// <param name="payload">The message; text must be UTF-8, or the peer will close the connection. It is copied when it cannot be sent at once.</param>
    /// <param name="flags">
    /// Without <see cref="WebSocketMessageFlags.EndOfMessage"/> this is a fragment, and the message goes on with the next call (RFC 6455 section 5.4):
    /// for messages that are made while they are sent. Nobody else may send to this peer in between: what they send would be part of the message. <see cref="WebSocketMessageFlags.DisableCompression"/> sends a whole message as it
    /// is, where permessage-deflate was negotiated.
    /// </param>
    /// <returns>What became of it. A fragment is never dropped: where a message would be, the connection is.</returns>
    /// <exception cref="ArgumentException">The type is neither text nor binary.</exception>
    /// <exception cref="InvalidOperationException">A message of the other type is in progress.</exception>
    public SendStatus Send(WebSocketMessageType type, ReadOnlySpan<byte> payload, WebSocketMessageFlags flags = WebSocketMessageFlags.EndOfMessage)
    {
        if (type is not (WebSocketMessageType.Text or WebSocketMessageType.Binary)) throw new ArgumentException("Text or binary.", nameof(type));
        if (_phase != WebSocketState.Open) return SendStatus.Closed;
        SendStatus status = _loop.IsCurrentThread
            ? SendNow(type, payload, flags)
            : PostSend(type == WebSocketMessageType.Text ? LoopRequest.SendText : LoopRequest.SendBinary, payload, flags);
        if (status != SendStatus.Dropped) _sendsFragments = (flags & WebSocketMessageFlags.EndOfMessage) == 0;
        return status;
    }

    /// <summary>Sends a text message.</summary>
    /// <param name="text">The message; what is no valid UTF-16 becomes U+FFFD.</param>
    /// <returns>What became of it.</returns>
    public SendStatus Send(ReadOnlySpan<char> text)
    {
        int length = Encoding.UTF8.GetMaxByteCount(text.Length);
        byte[]? rented = length <= 1024 ? null : System.Buffers.ArrayPool<byte>.Shared.Rent(length);
        Span<byte> utf8 = rented ?? stackalloc byte[1024];
        SendStatus status = Send(WebSocketMessageType.Text, utf8[..Encoding.UTF8.GetBytes(text, utf8)]);
        if (rented is not null) System.Buffers.ArrayPool<byte>.Shared.Return(rented);
        return status;
    }

    /// <summary>Sends a ping (RFC 6455 section 5.5.2); the answer comes to <see cref="WebSocketHandler.OnPong"/>.</summary>
    /// <param name="payload">At most 125 bytes.</param>
    /// <returns>What became of it.</returns>
    /// <exception cref="ArgumentException">The payload is longer.</exception>
    public SendStatus Ping(ReadOnlySpan<byte> payload = default)
    {
        if (payload.Length > FrameHeader.MaxControlPayload) throw new ArgumentException("At most 125 bytes (RFC 6455 section 5.5).", nameof(payload));
        if (_phase != WebSocketState.Open) return SendStatus.Closed;
        if (!_loop.IsCurrentThread) return PostSend(LoopRequest.Ping, payload);
        SendStatus status = WriteControl(Opcode.Ping, payload);
        return status == SendStatus.Sent ? Report() : status;
    }

    /// <summary>
    /// Begins the closing handshake (section 7.1.2): what was sent before leaves before the close frame, and no further message is
    /// delivered. Does nothing when the connection is closing already.
    /// </summary>
    /// <param name="status">The code; <see cref="WebSocketCloseStatus.Empty"/> for none.</param>
    /// <param name="reason">The reason, cut at 123 bytes of UTF-8.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code must not be sent (section 7.4).</exception>
    public void Close(WebSocketCloseStatus status = WebSocketCloseStatus.NormalClosure, string? reason = null)
    {
        if (status != WebSocketCloseStatus.Empty && !ClosePayload.IsSendable(status))
        {
            throw new ArgumentOutOfRangeException(nameof(status), (int)status, "RFC 6455 section 7.4: this close code must not be sent.");
        }

        if (_phase != WebSocketState.Open) return;
        if (_loop.IsCurrentThread) CloseNow(CloseInitiator.Local, status, reason ?? "");
        else _loop.Post(new LoopPost(LoopRequest.Close, this, Number: (int)status, Reason: reason ?? ""));
    }

    /// <summary>Drops the connection: nothing more is sent or received, what waits is lost.</summary>
    public void Abort()
    {
        if (_loop.IsCurrentThread) AbortNow(CloseInitiator.Local);
        else _loop.Post(new LoopPost(LoopRequest.Abort, this, Number: (int)CloseInitiator.Local));
    }

    private sealed record StrongCause(CloseCause Value);
}
