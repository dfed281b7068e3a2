using System.Buffers;
using System.Net.WebSockets;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets;

/// <content>Receiving: from received bytes to the handler.</content>
public abstract partial class WebSocketPeer
{
    /// <summary>Begins, with the answer to the handshake and the bytes that came right behind the request.</summary>
    /// <param name="answer">The answer, to leave together with what the handler sends; empty when it has been sent.</param>
    /// <param name="behind">The bytes.</param>
    private protected void OpenNow(ReadOnlySpan<byte> answer, Span<byte> behind)
    {
        TimeSpan idle = Options.IdleTimeout;
        if (idle != Timeout.InfiniteTimeSpan) _idleDue = DueAfter(idle);
        Touch();
        _traffic.Connections++;
        Volatile.Write(ref _openedAt, Now);
        _traffic.BytesReceived += behind.Length;
        QueueAnswer(answer);
        try
        {
            _route.Handler.OnOpen(this);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }

        if (!behind.IsEmpty) Process(behind);
    }

    private protected void BeginEvent()
    {
        _dirty = true; // it is settled at the end of the event, and need not be listed
        _isCurrent = true;
    }

    private protected void EndEvent()
    {
        _isCurrent = false;
        _deflate?.CountInbound(_traffic);
        Settle();
    }

    private protected void TransportEnded() => Signal(CloseSignal.TransportEnd, CloseCause.Without(CloseInitiator.TransportEnd));

    private protected void Process(Span<byte> input)
    {
        while ((!input.IsEmpty || _reader.HasPending) && !_drops)
        {
            WebSocketEvent found = _reader.Read(input, out int consumed, out Span<byte> payload);
            input = input[consumed..];
            switch (found)
            {
                case WebSocketEvent.EndOfMessage when _message is null && !_streams && payload.Length <= _route.StreamsAbove:
                    Deliver(payload);
                    break;
                case WebSocketEvent.EndOfMessage or WebSocketEvent.Payload when IsStreamed(payload.Length):
                    StreamPart(payload, found == WebSocketEvent.EndOfMessage);
                    if (!IsReceivePaused) break;
                    if (!input.IsEmpty || _reader.HasPending) Hold(input);
                    return;
                case WebSocketEvent.EndOfMessage:
                    _message!.Append(payload, 0);
                    Deliver(_message.Written);
                    ReturnMessage(_message);
                    _message = null;
                    break;
                case WebSocketEvent.Payload:
                    _message ??= RentMessage();
                    _message.Append(payload, _reader.FrameRemaining);
                    break;
                case WebSocketEvent.NeedMoreData:
                    if (!input.IsEmpty) Carry(input);
                    return;
                default:
                    ProcessControl(found, payload);
                    break;
            }
        }
    }

    private void ProcessControl(WebSocketEvent found, ReadOnlySpan<byte> payload)
    {
        switch (found)
        {
            case WebSocketEvent.Ping:
                // Section 5.5.2: answered as soon as is practical, unless a close frame was sent.
                if (_phase == WebSocketState.Open) WriteControl(Opcode.Pong, payload);
                break;
            case WebSocketEvent.Pong:
                DeliverPong(payload);
                break;
            case WebSocketEvent.Close:
                WebSocketCloseStatus status = ClosePayload.Read(payload, out ReadOnlySpan<byte> reason);
                var cause = new CloseCause(CloseInitiator.Peer, status, ClosePayload.ReasonText(reason), ProtocolFault.None);
                Signal(CloseSignal.PeerClose, in cause);
                // Section 5.5.1: the answer "typically echos the status code it received"; the handler has no part in it.
                Signal(CloseSignal.LocalClose, in cause);
                break;
            default:
                ProtocolFault fault = _reader.Fault;
                _route.Telemetry.Fault(fault);
                Signal(CloseSignal.Fault, new CloseCause(CloseInitiator.ProtocolFault, fault.CloseStatus(), fault.Text(), fault));
                break;
        }
    }

    private void Deliver(ReadOnlySpan<byte> payload)
    {
        if (_phase != WebSocketState.Open) return; // this end has closed: what still comes is discarded
        NoteMessage();
        _traffic.MessagesReceived++;
        try
        {
            _route.Handler.OnMessage(this, _reader.MessageType, payload);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    // Judged by what is announced, so that nothing is gathered that will not fit; a compressed message only tells when it has come out.
    private bool IsStreamed(int length)
    {
        int above = _route.StreamsAbove;
        if (_streams || above == int.MaxValue) return _streams;
        long known = (_message?.Length ?? 0) + (long)length;
        if (!_reader.IsCompressed) known = Math.Max(known, _reader.MessageLength);
        return known > above;
    }

    private void StreamPart(ReadOnlySpan<byte> payload, bool endOfMessage)
    {
        _streams = !endOfMessage;
        if (_message is not null)
        {
            DeliverPart(_message.Written, endOfMessage: false);
            ReturnMessage(_message);
            _message = null;
        }

        if (!payload.IsEmpty || endOfMessage) DeliverPart(payload, endOfMessage);
    }

    private void DeliverPart(ReadOnlySpan<byte> part, bool endOfMessage)
    {
        if (_phase != WebSocketState.Open) return;
        NoteMessage();
        if (endOfMessage) _traffic.MessagesReceived++;
        try
        {
            _route.Handler.OnMessagePart(this, _reader.MessageType, part, endOfMessage);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    private void NoteMessage()
    {
        TimeSpan idle = Options.IdleTimeout;
        if (idle == Timeout.InfiniteTimeSpan) return;
        _idleDue = DueAfter(idle);
        Touch(); // the deadline that was set when the bytes came is still that of the message before
    }

    private protected bool IsReceivePaused => _blocked && _queue.Bytes > Options.ReceivePauseBytes;

    // A receive of compressed bytes can inflate to a thousand times as much: parts stop in the middle of it when they are sent on to a
    // peer that does not take them. The rest waits here, the receive buffer being for all.
    private void Hold(ReadOnlySpan<byte> input)
    {
        _held = ArrayPool<byte>.Shared.Rent(input.Length);
        _heldLength = input.Length;
        input.CopyTo(_held);
    }

    private protected void Resume()
    {
        Flush(); // first what waits to be sent
        if (IsReceivePaused || _drops) return;
        byte[] held = _held!;
        _held = null;
        Process(held.AsSpan(0, _heldLength));
        ArrayPool<byte>.Shared.Return(held);
    }

    private void DropHeld()
    {
        if (_held is not null) ArrayPool<byte>.Shared.Return(_held);
        _held = null;
    }

    private void DeliverPong(ReadOnlySpan<byte> payload)
    {
        if (_phase != WebSocketState.Open) return;
        try
        {
            _route.Handler.OnPong(this, payload);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    private protected void Carry(ReadOnlySpan<byte> rest)
    {
        _carry ??= RentCarry();
        rest.CopyTo(_carry);
        _carryLength = (byte)rest.Length;
    }

    private protected void DropCarry()
    {
        if (_carry is not null) ReturnCarry(_carry);
        _carry = null;
        _carryLength = 0;
    }
}
