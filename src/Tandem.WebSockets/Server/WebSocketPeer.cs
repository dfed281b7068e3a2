using System.Net;
using System.Net.WebSockets;
using System.Text;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.EventLoop;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>
/// An open connection of a server, or of a <see cref="WebSocketClientLoop"/>, as its handler sees it. Sending never blocks. All members may be used from any thread: on the one that
/// serves the connection at the moment they act at once, and what is sent there in one turn leaves together; from others they are posted to
/// it, in order.
/// </summary>
/// <remarks>
/// Here is everything that the protocol and the application have to do with a connection, once for both drivers: messages, back-pressure,
/// deadlines, the end. A driver brings the transport, and the law that one thread at a time serves a connection, which is why nothing here
/// is locked: the event loop its thread (<see cref="LoopPeer"/>), a stream its turns (<see cref="Streams.StreamPeer"/>).
/// </remarks>
public abstract partial class WebSocketPeer
{
    // One send takes at most about this much from a socket buffer of default size; holding back more would only add memory.
    private const int FlushBytes = 64 * 1024;

    // From here on a payload goes to the kernel from where it lies, as a vector of its own, instead of being gathered with others.
    private const int DirectSendBytes = 16 * 1024;

    // From here on what a frame still owes is received straight into its message, instead of through a receive buffer.
    private protected const int DirectReceiveBytes = 16 * 1024;

    private static readonly byte[] EmptyPayload = [];

    private readonly ServedRoute _route;
    private protected readonly RemoteAddress _address;
    private readonly ushort _port;
    private readonly PeerDeflate? _deflate; // permessage-deflate was negotiated

    /// <summary>The thread that serves the connection: the loop's, or that of the turn; 0 between two turns.</summary>
    private protected int _thread;

    /// <summary>What that thread counts in.</summary>
    private protected TrafficCounters _traffic;

    /// <summary>The free segments of that thread.</summary>
    private protected SegmentPool _segments;

    // Receiving: the serving thread only.
    private protected WebSocketReader _reader;
    private protected byte[]? _carry; // an incomplete header or control frame
    private protected byte _carryLength;
    private protected MessageBuffer? _message; // a message that did not come in one piece
    private bool _streams; // a part of the message has been delivered
    private protected byte[]? _held; // what was received and waits until the peer takes what was sent to it; rented
    private int _heldLength;

    // Sending: the serving thread only, but for the count of what other threads have posted.
    private WebSocketWriter _writer;
    private protected OutboundQueue _queue;
    private bool _compressesMessage; // the message that is being sent in fragments
    private volatile bool _sendsFragments; // by what was given to Send so far, posted or not
    private int _postedBytes;
    private protected bool _blocked; // the transport takes no more for now
    private bool _drainOwed; // Send has answered Buffered
    private bool _notified; // OnNotified is to be called
    private int _notifyPosted;
    private ushort _answerBytes; // of the queue: the rest of the handshake, which is no frame
    private int _countedBuffered; // what is counted as waiting
    private bool _dirty;
    private bool _isCurrent; // an event of this connection is being served

    // Closing.
    private protected volatile WebSocketState _phase = WebSocketState.Open;
    private StrongCause? _cause;
    private bool _closeReported;
    private bool _endsTransport; // FIN when the queue is empty
    private bool _transportEnded; // FIN has been sent
    private protected bool _drops; // the transport goes at the end of the turn
    private protected bool _released;
    private bool _pingOutstanding;
    private long _idleDue = ConnectionTable.Never;
    private long _openedAt = ConnectionTable.Never; // of the driver's clock

    private protected WebSocketPeer(ServedRoute route, RemoteAddress address, ushort port, UpgradeContext context, PeerDeflate? deflate, SegmentPool segments, TrafficCounters traffic)
    {
        _route = route;
        _address = address;
        _port = port;
        _deflate = deflate;
        _segments = segments;
        _traffic = traffic;
        _reader = new WebSocketReader(route.ReaderOptions, deflate?.Inbound);
        _writer = new WebSocketWriter(route.Role);
        Subprotocol = context.Subprotocol;
        State = context.State;
    }

    /// <summary>The negotiated subprotocol; null when there is none.</summary>
    public string? Subprotocol { get; }

    /// <summary>Whatever the application wants to keep with the connection; set first by <see cref="UpgradeContext.State"/>.</summary>
    public object? State { get; set; }

    /// <summary>Open, CloseSent, CloseReceived, Closed or Aborted.</summary>
    public WebSocketState ConnectionState => _phase;

    /// <summary>Where the connection comes from, or for a client where it goes to; <see cref="IPAddress.None"/> when its transport has no such address.</summary>
    public IPEndPoint RemoteEndPoint => new(_address.Address, _port);

    /// <summary>Bytes that were given to Send and that the transport has not taken yet, frame headers included.</summary>
    public int BufferedBytes => _queue.Bytes + Volatile.Read(ref _postedBytes);

    /// <summary>
    /// The header of the frame that ended the message being delivered, as it came: for those who teach or debug the protocol.
    /// Of a part it is the one of the frame that the part came in. Meaningful during <see cref="WebSocketHandler.OnMessage"/> and
    /// <see cref="WebSocketHandler.OnMessagePart"/> only.
    /// </summary>
    public FrameHeader Frame => _reader.Frame;

    /// <summary>Whether its handler has been told of it, and it still counts.</summary>
    internal bool IsOpened => Volatile.Read(ref _openedAt) != ConnectionTable.Never && !Volatile.Read(ref _released);

    /// <summary>How long it has been open.</summary>
    internal TimeSpan Age => TimeSpan.FromMilliseconds(Math.Max(0, Now - Volatile.Read(ref _openedAt)));

    /// <summary>What can be seen of it from any thread.</summary>
    internal ConnectionSnapshot ToSnapshot(TimeSpan age) => new(this, _route.Route.Path, _phase, BufferedBytes, age, _deflate?.Cost ?? 0);

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
        SendStatus status = IsServing
            ? SendNow(type, payload, flags)
            : PostSend(type == WebSocketMessageType.Text ? LoopRequest.SendText : LoopRequest.SendBinary, payload, flags);
        if (status != SendStatus.Dropped) _sendsFragments = (flags & WebSocketMessageFlags.EndOfMessage) == 0;
        return status;
    }

    /// <summary>Sends a message that many are sent.</summary>
    /// <param name="message">The message.</param>
    /// <returns>What became of it.</returns>
    /// <exception cref="InvalidOperationException">A message is being sent in fragments.</exception>
    public SendStatus Send(PreparedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_phase != WebSocketState.Open) return SendStatus.Closed;
        return IsServing ? SendNow(message) : PostSend(message);
    }

    /// <summary>
    /// Has <see cref="WebSocketHandler.OnNotified"/> called at the end of the turn that serves the connection, once for any number of calls before that. For those who have
    /// something for this peer on another thread, and want to say on its own what that is.
    /// </summary>
    public void Notify()
    {
        if (IsServing) NotifyNow();
        else if (Interlocked.Exchange(ref _notifyPosted, 1) == 0) Post(new LoopPost(LoopRequest.Notify, this));
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
        if (!IsServing) return PostSend(LoopRequest.Ping, payload);
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
        if (IsServing) CloseNow(CloseInitiator.Local, status, reason ?? "");
        else Post(new LoopPost(LoopRequest.Close, this, Number: (int)status, Reason: reason ?? ""));
    }

    /// <summary>Drops the connection: nothing more is sent or received, what waits is lost.</summary>
    public void Abort()
    {
        if (IsServing) AbortNow(CloseInitiator.Local);
        else Post(new LoopPost(LoopRequest.Abort, this, Number: (int)CloseInitiator.Local));
    }

    // On the thread that serves the connection, so that what is asked for can be done at once.
    private bool IsServing => Environment.CurrentManagedThreadId == _thread;

    private protected WebSocketServerOptions Options => _route.Options;

    /// <summary>Which end this is.</summary>
    private protected WebSocketRole Role => _route.Role;

    // A fresh one for every frame that a client sends (section 5.3); a server has none.
    private uint NextMaskingKey() => _route.Keys is { } keys ? keys.Next() : 0;

    // What a driver brings.

    /// <summary>Has a request carried out by the serving thread.</summary>
    private protected abstract void Post(in LoopPost post);

    /// <summary>Has <see cref="Settle"/> called at the end of the turn.</summary>
    private protected abstract void AddDirty();

    /// <summary>Milliseconds of the driver's clock.</summary>
    private protected abstract long Now { get; }

    /// <summary>Has <see cref="OnDeadline"/> called when the clock has come there; there is one deadline at a time.</summary>
    private protected abstract void SetDue(long due);

    /// <summary>Sends what is queued and, behind it, as much of a payload as the transport takes.</summary>
    /// <param name="behind">The payload; may be empty.</param>
    /// <param name="sentBehind">How many of its bytes have gone.</param>
    private protected abstract FlushResult FlushQueue(ReadOnlySpan<byte> behind, out int sentBehind);

    /// <summary>At the end of a turn: asks the transport for what matters now.</summary>
    private protected abstract void Watch();

    /// <summary>Everything has been sent: ends this end's side of the transport, or drops it where it has no sides.</summary>
    private protected abstract void EndOutput();

    /// <summary>Lets the transport go, and the connection's place with the driver.</summary>
    private protected abstract void ReleaseTransport();

    private protected abstract MessageBuffer RentMessage();

    private protected abstract void ReturnMessage(MessageBuffer message);

    private protected abstract byte[] RentCarry();

    private protected abstract void ReturnCarry(byte[] carry);

    private protected abstract void Report(Exception exception);

    private sealed record StrongCause(CloseCause Value);
}
