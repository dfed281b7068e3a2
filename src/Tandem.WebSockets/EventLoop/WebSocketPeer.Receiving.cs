using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets;

/// <content>Receiving: from a readable socket to the handler. The loop's thread only.</content>
public sealed unsafe partial class WebSocketPeer
{
    /// <summary>Begins, with the answer to the handshake and the bytes that came right behind the request.</summary>
    internal void Open(ReadOnlySpan<byte> answer, Span<byte> behind)
    {
        BeginEvent();
        TimeSpan idle = _loop.Options.IdleTimeout;
        if (idle != Timeout.InfiniteTimeSpan) _idleDue = _loop.DueAfter(idle);
        Touch();
        _queue.Append(answer, _loop.Segments, large: true);
        try
        {
            _handler.OnOpen(this);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }

        if (!behind.IsEmpty) Process(behind);
        EndEvent();
    }

    internal void OnEvents(EpollEvents events)
    {
        BeginEvent();
        if ((events & EpollEvents.Out) != 0)
        {
            _blocked = false;
            Touch(); // a peer that reads is alive, even while nothing is received from it
            if (_held is not null) Resume();
        }

        if ((events & EpollEvents.In) != 0 && _held is null) Receive();
        else if ((events & (EpollEvents.Error | EpollEvents.HangUp)) != 0) Signal(CloseSignal.TransportEnd, CloseCause.Without(CloseInitiator.TransportEnd));
        EndEvent();
    }

    private void BeginEvent()
    {
        _dirty = true; // it is settled at the end of the event, and need not be listed
        _isCurrent = true;
    }

    private void EndEvent()
    {
        _isCurrent = false;
        Settle();
    }

    private void Receive()
    {
        byte[] shared = _loop.ReceiveBuffer;
        if (_message is { } message && _reader.FrameRemaining >= DirectReceiveBytes && !_reader.IsCompressed)
        {
            Span<byte> room = message.Receivable(_reader.FrameRemaining);
            int received;
            fixed (byte* pointer = room) received = Receive(pointer, room.Length);
            if (received > 0) Process(room[..received]);
            return;
        }

        int carried = _carryLength;
        if (carried != 0)
        {
            _carry.AsSpan(0, carried).CopyTo(shared);
            DropCarry();
        }

        int count = Receive((byte*)_loop.ReceivePointer + carried, shared.Length - carried);
        if (count > 0) Process(shared.AsSpan(0, carried + count));
        else if (carried != 0) Carry(shared.AsSpan(0, carried));
    }

    private int Receive(byte* pointer, int length)
    {
        nint count = Libc.Receive(_fd, pointer, length, 0);
        if (count > 0)
        {
            if (_phase == WebSocketState.Open) Touch();
            return (int)count;
        }

        if (count == 0 || Marshal.GetLastSystemError() is not (Libc.Eagain or Libc.Eintr))
        {
            Signal(CloseSignal.TransportEnd, CloseCause.Without(CloseInitiator.TransportEnd));
        }

        return 0;
    }

    private void Process(Span<byte> input)
    {
        while ((!input.IsEmpty || _reader.HasPending) && !_drops)
        {
            WebSocketEvent found = _reader.Read(input, out int consumed, out Span<byte> payload);
            input = input[consumed..];
            switch (found)
            {
                case WebSocketEvent.EndOfMessage when _message is null && !_streams && payload.Length <= _streamsAbove:
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
                    _loop.ReturnMessage(_message);
                    _message = null;
                    break;
                case WebSocketEvent.Payload:
                    _message ??= _loop.RentMessage();
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
                Signal(CloseSignal.Fault, new CloseCause(CloseInitiator.ProtocolFault, fault.CloseStatus(), fault.Text(), fault));
                break;
        }
    }

    private void Deliver(ReadOnlySpan<byte> payload)
    {
        if (_phase != WebSocketState.Open) return; // this end has closed: what still comes is discarded
        NoteMessage();
        try
        {
            _handler.OnMessage(this, _reader.MessageType, payload);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    // Judged by what is announced, so that nothing is gathered that will not fit; a compressed message only tells when it has come out.
    private bool IsStreamed(int length)
    {
        if (_streams || _streamsAbove == int.MaxValue) return _streams;
        long known = (_message?.Length ?? 0) + (long)length;
        if (!_reader.IsCompressed) known = Math.Max(known, _reader.MessageLength);
        return known > _streamsAbove;
    }

    private void StreamPart(ReadOnlySpan<byte> payload, bool endOfMessage)
    {
        _streams = !endOfMessage;
        if (_message is not null)
        {
            DeliverPart(_message.Written, endOfMessage: false);
            _loop.ReturnMessage(_message);
            _message = null;
        }

        if (!payload.IsEmpty || endOfMessage) DeliverPart(payload, endOfMessage);
    }

    private void DeliverPart(ReadOnlySpan<byte> part, bool endOfMessage)
    {
        if (_phase != WebSocketState.Open) return;
        NoteMessage();
        try
        {
            _handler.OnMessagePart(this, _reader.MessageType, part, endOfMessage);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    private void NoteMessage()
    {
        TimeSpan idle = _loop.Options.IdleTimeout;
        if (idle == Timeout.InfiniteTimeSpan) return;
        _idleDue = _loop.DueAfter(idle);
        Touch(); // the deadline that was set when the bytes came is still that of the message before
    }

    private bool IsReceivePaused => _blocked && _queue.Bytes > _loop.Options.ReceivePauseBytes;

    // A receive of compressed bytes can inflate to a thousand times as much: parts stop in the middle of it when they are sent on to a
    // peer that does not take them. The rest waits here, the receive buffer being the loop's.
    private void Hold(ReadOnlySpan<byte> input)
    {
        _held = ArrayPool<byte>.Shared.Rent(input.Length);
        _heldLength = input.Length;
        input.CopyTo(_held);
    }

    private void Resume()
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
            _handler.OnPong(this, payload);
        }
        catch (Exception exception)
        {
            HandlerFailed(exception);
        }
    }

    private void Carry(ReadOnlySpan<byte> rest)
    {
        _carry ??= _loop.RentCarry();
        rest.CopyTo(_carry);
        _carryLength = (byte)rest.Length;
    }

    private void DropCarry()
    {
        if (_carry is not null) _loop.ReturnCarry(_carry);
        _carry = null;
        _carryLength = 0;
    }
}
