using System.Buffers;
using System.Net.WebSockets;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <content>Sending: frames into the queue, the queue into the transport.</content>
public abstract partial class WebSocketPeer
{
    /// <summary>What another thread has posted.</summary>
    internal void OnPost(in LoopPost post)
    {
        switch (post.Request)
        {
            case LoopRequest.Close:
                if (_phase == WebSocketState.Open) CloseNow(CloseInitiator.Local, post.Status, post.Reason!);
                return;
            case LoopRequest.Abort:
                AbortNow((CloseInitiator)post.Number);
                return;
            case LoopRequest.Notify:
                Volatile.Write(ref _notifyPosted, 0);
                NotifyNow();
                return;
            case LoopRequest.SendPrepared:
                OnPostedMessage(post.Message!, post.OwesDrain);
                return;
        }

        ReadOnlySpan<byte> payload = post.Payload.AsSpan(0, post.Number);
        Interlocked.Add(ref _postedBytes, -payload.Length);
        if (_phase == WebSocketState.Open)
        {
            try
            {
                if (post.Request == LoopRequest.Ping) WriteControl(Opcode.Ping, payload);
                else SendNow(post.Request == LoopRequest.SendText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, payload, post.Flags);
            }
            catch (Exception exception)
            {
                // A fragment of the wrong type: its sender cannot be told any more, and the loop must not die of it.
                HandlerFailed(exception);
            }

            // The sender was told to wait for OnDrain. It must come, even where everything has gone by now.
            _drainOwed |= post.OwesDrain;
            MarkDirty();
        }

        if (post.Payload!.Length != 0) ArrayPool<byte>.Shared.Return(post.Payload);
    }

    private void OnPostedMessage(PreparedMessage message, bool owesDrain)
    {
        Interlocked.Add(ref _postedBytes, -message.Payload.Length);
        if (_phase != WebSocketState.Open) return;
        try
        {
            SendNow(message);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }

        _drainOwed |= owesDrain;
        MarkDirty();
    }

    private void NotifyNow()
    {
        if (_phase != WebSocketState.Open) return;
        _notified = true;
        MarkDirty();
    }

    private SendStatus PostSend(PreparedMessage message)
    {
        int length = message.Payload.Length;
        if (BufferedBytes is var waiting && waiting != 0 && length > Options.MaxBufferedBytes - waiting)
        {
            if (Options.OverflowPolicy == OverflowPolicy.DropMessage) return DropMessage();
            Post(new LoopPost(LoopRequest.Abort, this, Number: (int)CloseInitiator.Overflow));
            return SendStatus.Closed;
        }

        Interlocked.Add(ref _postedBytes, length);
        bool blocked = Volatile.Read(ref _blocked);
        Post(new LoopPost(LoopRequest.SendPrepared, this, OwesDrain: blocked, Message: message));
        return blocked ? SendStatus.Buffered : SendStatus.Sent;
    }

    private SendStatus SendNow(PreparedMessage message)
    {
        if (_writer.IsInMessage) throw new InvalidOperationException("A message is being sent in fragments; end it first (RFC 6455 section 5.4).");
        ReadOnlySpan<byte> payload = message.Payload.Span;
        if (!HasRoomFor(payload.Length)) return Overflow();
        bool compressed = _deflate is not null && message.TryGetCompressed(_deflate.Outbound, out payload);
        if (compressed) CountCompressed(message.Payload.Length, payload.Length);
        return Write(message.Type, payload, endOfMessage: true, compressed);
    }

    private SendStatus PostSend(LoopRequest request, ReadOnlySpan<byte> payload, WebSocketMessageFlags flags = WebSocketMessageFlags.EndOfMessage)
    {
        if (BufferedBytes is var waiting && waiting != 0 && payload.Length > Options.MaxBufferedBytes - waiting)
        {
            // The loop judges again with the exact figure and applies the policy; here it keeps the posts themselves bounded.
            // A fragment is not dropped here either: what comes after it would be taken for its continuation.
            bool whole = (flags & WebSocketMessageFlags.EndOfMessage) != 0 && !_sendsFragments;
            if (whole && Options.OverflowPolicy == OverflowPolicy.DropMessage) return DropMessage();
            Post(new LoopPost(LoopRequest.Abort, this, Number: (int)CloseInitiator.Overflow));
            return SendStatus.Closed;
        }

        byte[] copy = payload.IsEmpty ? EmptyPayload : ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(copy);
        Interlocked.Add(ref _postedBytes, payload.Length);
        bool blocked = Volatile.Read(ref _blocked);
        Post(new LoopPost(request, this, copy, payload.Length, OwesDrain: blocked, Flags: flags));
        return blocked ? SendStatus.Buffered : SendStatus.Sent;
    }

    private SendStatus SendNow(WebSocketMessageType type, ReadOnlySpan<byte> payload, WebSocketMessageFlags flags)
    {
        if (!HasRoomFor(payload.Length)) return Overflow(flags);

        // Before it is compressed: the window must not come to hold what is never sent.
        _writer.EnsureNext(type);

        bool endOfMessage = (flags & WebSocketMessageFlags.EndOfMessage) != 0;
        bool compressed = _deflate is not null && TryCompress(ref payload, endOfMessage, flags);
        return Write(type, payload, endOfMessage, compressed);
    }

    // Where nothing waits, one message of any size is taken: the limit is for peers that do not read.
    private bool HasRoomFor(int length) => _queue.Bytes == 0 || length <= Options.MaxBufferedBytes - _queue.Bytes || TryMakeRoom(length);

    private SendStatus Write(WebSocketMessageType type, ReadOnlySpan<byte> payload, bool endOfMessage, bool compressed)
    {
        if (endOfMessage) _traffic.MessagesSent++;
        MarkDirty();
        uint key = NextMaskingKey();
        if (payload.Length >= DirectSendBytes)
        {
            Span<byte> header = _queue.Reserve(FrameHeader.MaxLength, _segments, large: false);
            _queue.Commit(_writer.WriteHeader(header, type, payload.Length, endOfMessage, key, compressed));
            if (Role == WebSocketRole.Server) AppendLarge(payload);
            else AppendMasked(payload, key);
        }
        else
        {
            // Its own turn's answers are gathered in a large segment, a copy of a broadcast for someone else in a small one.
            Span<byte> frame = _queue.Reserve(payload.Length + FrameHeader.MaxLength, _segments, _isCurrent);
            _queue.Commit(_writer.WriteFrame(frame, type, payload, endOfMessage, key, compressed));
            if (!_blocked && _queue.Bytes >= FlushBytes) Flush();
        }

        return Report();
    }

    // A message is compressed whole or not at all, and its first fragment decides.
    private bool TryCompress(ref ReadOnlySpan<byte> payload, bool endOfMessage, WebSocketMessageFlags flags)
    {
        bool compresses = _writer.IsInMessage ? _compressesMessage : (flags & WebSocketMessageFlags.DisableCompression) == 0;
        _compressesMessage = compresses;
        if (!compresses || !_deflate!.Outbound.TryCompress(payload, endOfMessage, out ReadOnlySpan<byte> deflated)) return false;
        CountCompressed(payload.Length, deflated.Length);
        payload = deflated;
        return true;
    }

    private void AppendLarge(ReadOnlySpan<byte> payload)
    {
        int sent = 0;
        if (!_blocked) Conclude(FlushQueue(payload, out sent));
        if (!_drops) _queue.Append(payload[sent..], _segments, large: true);
    }

    // What is masked is a copy anyway: it goes through segments, each sent when it is full, while it is still in the processor's cache.
    private void AppendMasked(ReadOnlySpan<byte> payload, uint key)
    {
        while (!payload.IsEmpty && !_drops)
        {
            Span<byte> free = _queue.Reserve(1, _segments, large: true);
            int count = Math.Min(free.Length, payload.Length);
            Masking.Apply(payload[..count], free, key);
            key = Masking.Rotate(key, count);
            _queue.Commit(count);
            payload = payload[count..];
            if (!_blocked && _queue.Bytes >= FlushBytes) Flush();
        }
    }

    private SendStatus WriteControl(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        MarkDirty();
        // Pongs too are bounded: who floods with pings and does not read the answers is cut off like any other slow reader.
        if (_queue.Bytes > Options.MaxBufferedBytes && !TryMakeRoom(0)) return Overflow();

        Span<byte> frame = _queue.Reserve(FrameHeader.MaxControlPayload + FrameHeader.MaxLength, _segments, _isCurrent);
        _queue.Commit(_writer.WriteControl(frame, opcode, payload, NextMaskingKey()));
        return SendStatus.Sent;
    }

    private SendStatus Report()
    {
        if (_drops) return SendStatus.Closed; // the kernel said so while it was being sent
        if (!_blocked) return SendStatus.Sent;
        _drainOwed = true;
        return SendStatus.Buffered;
    }

    // What is gathered in this turn has not been offered to the kernel yet, and does not count as waiting for the peer.
    private bool TryMakeRoom(int length)
    {
        if (!_blocked) Flush();
        return _queue.Bytes == 0 || length <= Options.MaxBufferedBytes - _queue.Bytes;
    }

    private SendStatus Overflow(WebSocketMessageFlags flags = WebSocketMessageFlags.EndOfMessage)
    {
        // A message of which a part has gone cannot be dropped: what comes after it would be taken for its continuation.
        bool whole = (flags & WebSocketMessageFlags.EndOfMessage) != 0 && !_writer.IsInMessage;
        if (whole && Options.OverflowPolicy == OverflowPolicy.DropMessage) return DropMessage();
        AbortNow(CloseInitiator.Overflow);
        return SendStatus.Closed;
    }

    private SendStatus DropMessage()
    {
        Options.Telemetry.Dropped();
        return SendStatus.Dropped;
    }

    private protected void QueueAnswer(ReadOnlySpan<byte> answer)
    {
        _queue.Append(answer, _segments, large: true);
        _answerBytes += (ushort)answer.Length; // of a head, which is bounded
    }

    private void CountCompressed(int plain, int compressed)
    {
        _traffic.PlainSent += plain;
        _traffic.CompressedSent += compressed;
    }

    /// <summary>Counts what the transport has taken.</summary>
    private protected void CountSent(int count)
    {
        if (_answerBytes != 0)
        {
            int answer = Math.Min(count, _answerBytes);
            _answerBytes -= (ushort)answer;
            count -= answer;
        }

        _traffic.BytesSent += count;
    }

    // Once a turn, of what is left at its end: what comes and goes within a turn never waits for the peer.
    private void CountBuffered()
    {
        int change = _queue.Bytes - _countedBuffered;
        if (change == 0) return;
        _traffic.Buffered += change;
        _countedBuffered += change;
    }

    private protected void Flush() => Conclude(FlushQueue(default, out _));

    private protected void Conclude(FlushResult result)
    {
        _blocked = result == FlushResult.Blocked;
        if (result == FlushResult.Failed) Signal(CloseSignal.TransportEnd, CloseCause.Without(CloseInitiator.TransportEnd));
    }

    private void MarkDirty()
    {
        if (_dirty) return;
        _dirty = true;
        AddDirty();
    }
}
