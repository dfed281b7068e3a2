using System.Net.WebSockets;
using System.Runtime.InteropServices;
using Tandem.Protocol.Framing;

namespace Tandem.WebSockets.EventLoop;

/// <summary>A connection of an event loop: a descriptor, readiness, and the system calls. The loop's thread only, but for posting.</summary>
internal sealed unsafe class LoopPeer : WebSocketPeer
{
    private readonly Loop _loop;
    private readonly int _fd;
    private readonly int _slot;
    private bool _watchesIn = true;
    private bool _watchesOut;

    public LoopPeer(Loop loop, int slot, int fd, RemoteAddress address, ushort port, ServedRoute route, UpgradeContext context, PeerDeflate? deflate)
        : base(route, address, port, context, deflate, loop.Segments, loop.Traffic)
    {
        _loop = loop;
        _slot = slot;
        _fd = fd;
        _thread = Environment.CurrentManagedThreadId;
    }

    /// <inheritdoc cref="WebSocketPeer.OpenNow"/>
    public void Open(ReadOnlySpan<byte> answer, Span<byte> behind)
    {
        BeginEvent();
        OpenNow(answer, behind);
        EndEvent();
    }

    public void OnEvents(EpollEvents events)
    {
        BeginEvent();
        if ((events & EpollEvents.Out) != 0)
        {
            _blocked = false;
            Touch(); // a peer that reads is alive, even while nothing is received from it
            if (_held is not null) Resume();
        }

        if ((events & EpollEvents.In) != 0 && _held is null) Receive();
        else if ((events & (EpollEvents.Error | EpollEvents.HangUp)) != 0) TransportEnded();
        EndEvent();
    }

    private protected override long Now => _loop.Now;

    private protected override void Post(in LoopPost post) => _loop.Post(post);

    private protected override void AddDirty() => _loop.AddDirty(this);

    private protected override void SetDue(long due) => _loop.Connections.SetDue(_slot, due);

    private protected override FlushResult FlushQueue(ReadOnlySpan<byte> behind, out int sentBehind)
    {
        int waiting = _queue.Bytes;
        FlushResult result = _queue.Flush(_fd, _segments, behind, out sentBehind);
        CountSent(waiting - _queue.Bytes + sentBehind);
        return result;
    }

    private protected override void EndOutput() => _ = Libc.Shutdown(_fd, Libc.ShutdownWrite);

    private protected override MessageBuffer RentMessage() => _loop.RentMessage();

    private protected override void ReturnMessage(MessageBuffer message) => _loop.ReturnMessage(message);

    private protected override byte[] RentCarry() => _loop.RentCarry();

    private protected override void ReturnCarry(byte[] carry) => _loop.ReturnCarry(carry);

    private protected override void Report(Exception exception) => _loop.Report(this, exception);

    // Asks the kernel for what matters now: writability when it has refused bytes, and no input from who leaves too much unread.
    private protected override void Watch()
    {
        bool @in = !IsReceivePaused;
        if (@in == _watchesIn && _blocked == _watchesOut) return;
        _watchesIn = @in;
        _watchesOut = _blocked;
        EpollEvents events = (@in ? EpollEvents.In : EpollEvents.None) | (_blocked ? EpollEvents.Out : EpollEvents.None);
        _loop.Epoll.Modify(_fd, events, _slot);
    }

    private protected override void ReleaseTransport()
    {
        _queue.Clear(_segments);
        if (_message is not null) _loop.ReturnMessage(_message);
        _message = null;
        if (Role == WebSocketRole.Client) ReleaseClient();
        else _ = Libc.Close(_fd);
        _loop.Connections.Remove(_slot);
        _loop.Leave(_address);
    }

    // A client that breaks off resets: the end that sends the first FIN would keep its port in TIME_WAIT, and ports are what a client runs out of.
    private void ReleaseClient()
    {
        if (_phase == WebSocketState.Aborted) Libc.Reset(_fd);
        else _ = Libc.Close(_fd);
    }

    private void Receive()
    {
        byte[] shared = _loop.ReceiveBuffer;
        if (_message is { } message && _reader.FrameRemaining >= DirectReceiveBytes && !_reader.IsCompressed)
        {
            Span<byte> room = message.Receivable(_reader.FrameRemaining).Span;
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
            _traffic.BytesReceived += count;
            if (_phase == WebSocketState.Open) Touch();
            return (int)count;
        }

        if (count == 0 || Marshal.GetLastSystemError() is not (Libc.Eagain or Libc.Eintr)) TransportEnded();
        return 0;
    }
}
