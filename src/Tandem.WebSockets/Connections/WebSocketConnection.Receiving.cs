using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets;

/// <content>
/// Receiving. The receiver is one at a time: the application's receive, or a close that discards what comes before the peer's answer.
/// </content>
public sealed partial class WebSocketConnection
{
    // Where at least this much of a frame fits the application's buffer, it is read straight into it; for less, a read that may bring the
    // frames behind it as well is worth the copy.
    private const int DirectBytes = 4 * 1024;

    // A first read, in bytes: most messages, or of a larger one its header, so that the rest goes straight into the application's buffer.
    private const int FirstReadBytes = 256;

    private enum Receiver : byte
    {
        None,
        Application,
        Closer,
    }

    private enum Found : byte
    {
        Data,
        NeedsMore,
        Close,
        Fault,
    }

    // Guarded by the gate.
    private Receiver _receiver;
    private TaskCompletionSource? _receiverLeft;
    private bool _hasReceived; // between receives: the next one has bytes to begin with

    // Of the receiver.
    private WebSocketReader _reader;
    private byte[]? _buffer; // rented while there are bytes in it, or a read waits with it; a small or a large one
    private bool _mayHaveMore; // the last read filled its buffer
    private bool _comesInBursts; // a first read was too small for what had come, and none since has shown that it would do
    private int _start; // from here to _end: received, and not given to the reader
    private int _end;
    private int _payloadStart; // unmasked payload of the frame in progress that the application has not taken
    private int _payloadLength;
    private bool _inFrame;
    private bool _endsMessage; // the frame's payload in hand is the last of its message

    /// <inheritdoc cref="ReceiveAsync(Memory{byte}, CancellationToken)"/>
    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
    {
        Validate(buffer);
        return ReceiveResultAsync(buffer, cancellationToken);
    }

    /// <summary>
    /// Receives until the buffer is full or the frame ends, whichever comes first. Pings are answered meanwhile. One receive at a time.
    /// </summary>
    /// <param name="buffer">Where the payload goes. An empty one waits for the next frame.</param>
    /// <param name="cancellationToken">Aborts the connection.</param>
    /// <returns>
    /// How much was received of which kind of message, and whether it ends here; or the peer's close frame, whose code is in
    /// <see cref="CloseStatus"/>. To be awaited at most once.
    /// </returns>
    /// <exception cref="WebSocketException">
    /// InvalidState: neither open nor CloseSent. Faulted: the peer broke a rule, and has been sent a close frame. ConnectionClosedPrematurely:
    /// the transport ended.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the connection was aborted.</exception>
    /// <exception cref="InvalidOperationException">A receive is pending.</exception>
    public override ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_phase is not (WebSocketState.Open or WebSocketState.CloseSent))
            {
                return ValueTask.FromException<ValueWebSocketReceiveResult>(InvalidState("receiving"));
            }

            if (_receiver == Receiver.Application)
            {
                return ValueTask.FromException<ValueWebSocketReceiveResult>(new InvalidOperationException("A receive is pending already."));
            }

            if (_receiver == Receiver.Closer) return ReceiveAfterCloserAsync(ReceiverLeft(), buffer, cancellationToken);
            _receiver = Receiver.Application;
            _hasReceived = false;
        }

        // What has come already needs no asynchronous method, and no registration for a cancellation.
        int filled = 0;
        Found found = Found.NeedsMore;
        if (_buffer is not null && !cancellationToken.IsCancellationRequested)
        {
            found = Take(buffer.Span, ref filled);
            if (found == Found.Data)
            {
                ValueWebSocketReceiveResult result = Taken(filled);
                LeaveReceiver();
                return new ValueTask<ValueWebSocketReceiveResult>(result);
            }
        }

        return ReceiveCoreAsync(buffer, filled, found, cancellationToken);
    }

    private async Task<WebSocketReceiveResult> ReceiveResultAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ValueWebSocketReceiveResult result = await ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
        return result.MessageType == WebSocketMessageType.Close
            ? new WebSocketReceiveResult(0, WebSocketMessageType.Close, true, _closeStatus, _closeStatusDescription)
            : new WebSocketReceiveResult(result.Count, result.MessageType, result.EndOfMessage);
    }

    // A close is waiting for the peer's answer and discards the frame that comes first. If that is the answer, it is this receive's result too.
    private async ValueTask<ValueWebSocketReceiveResult> ReceiveAfterCloserAsync(Task left, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            await WaitForReceiverAsync(left, cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                if (_phase == WebSocketState.Closed && _closeStatus is not null)
                {
                    return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Close, true);
                }

                if (_phase != WebSocketState.CloseSent) throw Failure(null, cancellationToken);
                if (_receiver == Receiver.Application) throw new InvalidOperationException("A receive is pending already.");
                if (_receiver == Receiver.None)
                {
                    _receiver = Receiver.Application;
                    _hasReceived = false;
                    break;
                }

                left = ReceiverLeft();
            }
        }

        return await ReceiveCoreAsync(buffer, 0, Found.NeedsMore, cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ValueWebSocketReceiveResult> ReceiveCoreAsync(
        Memory<byte> buffer, int filled, Found found, CancellationToken cancellationToken)
    {
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static state => ((WebSocketConnection)state!).Abort(), this);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            while (found == Found.NeedsMore && (found = Take(buffer.Span, ref filled)) == Found.NeedsMore)
            {
                if (_buffer is null && IsDirect(buffer.Length - filled, out int count))
                {
                    int read = await ReadAsync(buffer.Slice(filled, count), cancellationToken).ConfigureAwait(false);
                    if (!AcceptDirect(buffer.Span.Slice(filled, read)))
                    {
                        found = Found.Fault;
                        break;
                    }

                    filled += read;
                    _mayHaveMore &= _reader.FrameRemaining != 0; // it was bounded by the frame
                    continue;
                }

                // Waits for bytes without a buffer. What a stream says that cannot wait like that does not matter: the read behind it waits.
                if (_buffer is null && filled == 0 && (_waitsEmpty || _mayHaveMore))
                {
                    await ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
                }

                PrepareBuffer();
                _end += await ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            }

            if (found == Found.Data) return Taken(filled);
            if (found == Found.Fault) await FailAsync(_reader.Fault).ConfigureAwait(false);
            else await EndAsync().ConfigureAwait(false);
            return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Close, true);
        }
        catch (Exception exception) when (exception is not WebSocketException { WebSocketErrorCode: WebSocketError.Faulted })
        {
            if (cancellationToken.IsCancellationRequested) Abort();
            else OnTransportEnd();
            throw Failure(exception is EndOfStreamException ? null : exception, cancellationToken);
        }
        finally
        {
            registration.Dispose();
            LeaveReceiver();
        }
    }

    /// <summary>Takes what has arrived: payload into the application's buffer, control frames to where they belong.</summary>
    private Found Take(Span<byte> buffer, ref int filled)
    {
        while (true)
        {
            if (_inFrame)
            {
                int count = Math.Min(_payloadLength, buffer.Length - filled);
                // Read on only when this payload is taken, so it is still the reader's message. Where a header came alone, the payload before it may have ended beyond the
                // buffer that there is now.
                byte[]? source = _reader.IsCompressed ? _deflate!.Inbound.Output : _buffer;
                if (count != 0) source.AsSpan(_payloadStart, count).CopyTo(buffer[filled..]);
                _payloadStart += count;
                _payloadLength -= count;
                filled += count;
                _inFrame = _payloadLength != 0 || _reader.FrameRemaining != 0 || _reader.HasPending;
                if (!_inFrame || filled == buffer.Length) return Found.Data;
            }

            if (_start == _end && !_reader.HasPending)
            {
                DropBuffer();
                return Found.NeedsMore;
            }

            WebSocketEvent found = _reader.Read(_buffer.AsSpan(_start, _end - _start), out int consumed, out Span<byte> payload);
            _start += consumed;
            switch (found)
            {
                case WebSocketEvent.Payload:
                case WebSocketEvent.EndOfMessage:
                    _inFrame = true;
                    _endsMessage = found == WebSocketEvent.EndOfMessage;
                    _payloadLength = payload.Length;
                    _payloadStart = _reader.IsCompressed ? 0 : _start - payload.Length;
                    break;
                case WebSocketEvent.NeedMoreData when consumed != 0:
                    _inFrame = true; // its header, and no payload yet
                    break;
                case WebSocketEvent.NeedMoreData:
                    MakeRoom();
                    return Found.NeedsMore;
                case WebSocketEvent.Ping:
                    _sender.Pong(payload);
                    break;
                case WebSocketEvent.Pong: // keep-alive asks only that something came
                    OnPong(payload);
                    break;
                case WebSocketEvent.Close:
                    OnPeerClose(payload);
                    return Found.Close;
                default:
                    return Found.Fault;
            }
        }
    }

    private ValueWebSocketReceiveResult Taken(int count)
    {
        bool ends = !_inFrame && _endsMessage;
        if (ends) _receivedMessages++;
        return new ValueWebSocketReceiveResult(count, _reader.MessageType, ends);
    }

    private bool IsDirect(int room, out int count)
    {
        count = _inFrame && !_reader.IsCompressed ? (int)Math.Min(room, _reader.FrameRemaining) : 0;
        return count >= DirectBytes;
    }

    private bool AcceptDirect(Span<byte> bytes)
    {
        WebSocketEvent found = _reader.Read(bytes, out _, out _);
        _endsMessage = found == WebSocketEvent.EndOfMessage;
        return found != WebSocketEvent.Fault;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ValueTask<int> read = _stream.ReadAsync(buffer, cancellationToken);
        if (!read.IsCompleted)
        {
            BeginWait();
            if (_sender.HasGathered) _sender.Flush();
        }

        int count = await read.ConfigureAwait(false);
        if (buffer.IsEmpty) return 0;
        EndWait();
        _receivedBytes += count;
        _mayHaveMore = count == buffer.Length;
        if (count <= FirstReadBytes && buffer.Length > FirstReadBytes) _comesInBursts = false;
        return count != 0 ? count : throw new EndOfStreamException();
    }

    // Bytes that came behind the handshake.
    private void Hold(ReadOnlySpan<byte> received)
    {
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(received.Length, _options.ReceiveBufferSize));
        received.CopyTo(_buffer);
        _end = received.Length;
    }

    /// <summary>
    /// Makes room to read into: a small buffer for a first read, a large one when the last read has shown that there is more, or the last messages that they come together.
    /// What is left of the one moves into the other.
    /// </summary>
    private void PrepareBuffer()
    {
        byte[]? before = _buffer;
        // What is left is at most 139 bytes, but what came behind the handshake may be more.
        bool large = _mayHaveMore || _comesInBursts || _end > FirstReadBytes - FrameHeader.MaxControlPayload;
        if (before is not null && large == (before.Length > FirstReadBytes)) return;
        _comesInBursts = large && _waitsEmpty; // else a connection that waits would hold it
        _buffer = ArrayPool<byte>.Shared.Rent(large ? _options.ReceiveBufferSize : FirstReadBytes);
        if (before is null) return;
        before.AsSpan(0, _end).CopyTo(_buffer);
        ArrayPool<byte>.Shared.Return(before);
    }

    // After the end, when nobody receives any more.
    private void DropReceiving()
    {
        DropBuffer();
        _deflate?.DisposeInbound();
    }

    private void DropBuffer()
    {
        if (_buffer is null) return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        _start = _end = _payloadStart = _payloadLength = 0;
    }

    // What is left is the beginning of a header or of a control frame: at most 139 bytes.
    private void MakeRoom()
    {
        if (_start == 0) return;
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
    }

    private void LeaveReceiver()
    {
        if (_start == _end && _payloadLength == 0) DropBuffer();
        CountReceived();
        TaskCompletionSource? left;
        lock (_gate)
        {
            _receiver = Receiver.None;
            _hasReceived = _buffer is not null || _mayHaveMore;
            left = _receiverLeft;
            _receiverLeft = null;
            if (_dropped) DropReceiving();
        }

        left?.SetResult();
    }

    // The gate is held.
    private Task ReceiverLeft() => (_receiverLeft ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
}
