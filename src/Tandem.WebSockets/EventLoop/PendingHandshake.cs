using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// A connection from its first byte to the answer to its handshake: then a <see cref="LoopPeer"/> takes its slot, or it is refused, or
/// it is handed, unread, to who serves everything else on this port. The object of one that was accepted serves another handshake: ten
/// thousand connections would leave a megabyte of them behind, which no collection comes for while they are idle.
/// </summary>
internal sealed unsafe class PendingHandshake : Opening
{
    private readonly Loop _loop;
    private int _fd;
    private RemoteAddress _address = null!; // set by Begin
    private ushort _port;
    private int _slot;
    private byte[]? _received; // what came so far of a head that came in pieces, or behind one that is being decided about; rented
    private int _receivedLength;
    private HandshakeRefusal _refusal; // decided before the request was read: the connection is one too many
    private DeferredUpgrade? _deferred; // the application is making up its mind
    private bool _peeks;
    private bool _waitsForMore; // peeked at what there is, in vain: only more bytes are news
    private bool _lingers;
    private bool _wasDeferred; // a post of its decision may still name it

    public PendingHandshake(Loop loop) => _loop = loop;

    public void Begin(int fd, RemoteAddress address, ushort port, HandshakeRefusal refusal)
    {
        _fd = fd;
        _address = address;
        _port = port;
        _peeks = _loop.Options.OnUnclaimed is not null;
        _waitsForMore = false;
        _refusal = _loop.IsStopping ? HandshakeRefusal.Stopping : refusal;
        _slot = _loop.Connections.Add(this, _loop.DueAfter(_loop.Options.HandshakeTimeout));
        if (!_loop.Epoll.Add(fd, EpollEvents.In, _slot)) Drop();
    }

    public override void OnEvents()
    {
        if (_deferred is not null)
        {
            Drop(); // the client has gone, or ended its side: it will not hear an answer
            return;
        }

        if (_peeks && !TryClaim()) return;
        Span<byte> buffer = _loop.ReceiveBuffer;
        if (_lingers) _receivedLength = 0;
        else if (_received is not null) _received.AsSpan(0, _receivedLength).CopyTo(buffer);

        int count = (int)Libc.Receive(_fd, (byte*)_loop.ReceivePointer + _receivedLength, buffer.Length - _receivedLength, 0);
        if (count <= 0)
        {
            if (count == 0 || Marshal.GetLastSystemError() is not (Libc.Eagain or Libc.Eintr)) Drop();
            return;
        }

        if (!_lingers) Read(buffer[..(_receivedLength + count)]);
    }

    public override void OnDeadline()
    {
        if (_lingers || _peeks) Drop(); // a client that has sent nothing to judge is not told anything either
        else Refuse(_deferred is null ? HandshakeRefusal.TimedOut : HandshakeRefusal.DecisionTimedOut);
    }

    public override void BeginStop()
    {
        if (_peeks) Drop();
        else if (!_lingers) Refuse(HandshakeRefusal.Stopping);
    }

    public override void Drop()
    {
        // Who has not even said that it wants a WebSocket, on a port that serves more than these, has abandoned none.
        if (!_lingers && !_peeks) _loop.Options.Telemetry.Abandoned();
        CancelDecision(HandshakeRefusal.None);
        Leave();
        _ = Libc.Close(_fd);
        _loop.Server.Leave(_address);
    }

    private void Read(Span<byte> bytes)
    {
        if (!UpgradeRequest.Parse(bytes, out UpgradeRequest request, out HandshakeRefusal refusal, _loop.Options.Drafts))
        {
            Keep(bytes);
            return;
        }

        ServedRoute? route = null;
        if (refusal == HandshakeRefusal.None)
        {
            route = _loop.Server.FindRoute(request.Path);
            refusal = ServerUpgrade.Judge(ref request, route, _refusal);
        }

        if (refusal == HandshakeRefusal.None) Ask(in request, route!, bytes[request.Length..]);
        else Refuse(refusal);
    }

    private void Ask(in UpgradeRequest request, ServedRoute route, Span<byte> behind)
    {
        UpgradeContext context = _loop.UpgradeContext;
        ServerUpgrade.Ask(in request, route, context, _address, _port);
        if (context.Decision is null || context.IsRefused) Answer(in request, route, context, behind);
        else Defer(in request, route, context, behind);
    }

    private void Answer(in UpgradeRequest request, ServedRoute route, UpgradeContext context, Span<byte> behind)
    {
        Span<byte> answer = stackalloc byte[ServerUpgrade.MaxAnswerLength];
        int length = ServerUpgrade.WriteAnswer(answer, in request, route, context, out bool accepted);
        if (!accepted)
        {
            Refuse(answer[..length]);
            return;
        }

        if (request.IsHixie)
        {
            ServeHixie(in request, route, context, answer[..length], behind);
            return;
        }

        // The peer takes over slot, descriptor and the place in the address table; the kernel's registration stays as it is.
        PeerDeflate? deflate = context.Extensions is null ? null : new PeerDeflate(context.Deflate, _loop.Inflaters, _loop.Deflaters!);
        var peer = new LoopPeer(_loop, _slot, _fd, _address, _port, route, context, deflate);
        _loop.Connections[_slot] = peer;
        peer.Open(answer[..length], behind);
        ReturnReceived();
        if (!_wasDeferred) _loop.ReturnHandshake(this);
    }

    // What has other frames than the loop's is served elsewhere from here on.
    private void ServeHixie(in UpgradeRequest request, ServedRoute route, UpgradeContext context, ReadOnlySpan<byte> answer, ReadOnlySpan<byte> behind)
    {
        _loop.Epoll.Delete(_fd);
        var handle = new SafeSocketHandle(_fd, ownsHandle: true);
        try
        {
            _loop.Server.ServeHixie(new Socket(handle), route, _address, _port, context, request.Draft, answer, behind);
        }
        catch (SocketException)
        {
            handle.Dispose(); // the client has gone
            _loop.Server.Leave(_address);
        }

        Leave(); // at last: what is behind lies in what is given back
        if (!_wasDeferred) _loop.ReturnHandshake(this);
    }

    private void Defer(in UpgradeRequest request, ServedRoute route, UpgradeContext context, ReadOnlySpan<byte> behind)
    {
        _deferred = new DeferredUpgrade(request.ToSnapshot(), route, context);
        _wasDeferred = true;
        _loop.UpgradeContext = new UpgradeContext();
        ReturnReceived();
        if (!behind.IsEmpty)
        {
            _received = ArrayPool<byte>.Shared.Rent(behind.Length);
            _receivedLength = behind.Length;
            behind.CopyTo(_received);
        }

        // What else comes stays with the kernel. That the client goes is news all the same.
        _loop.Epoll.Modify(_fd, EpollEvents.PeerHangUp, _slot);
        _ = _loop.DecideAsync(this, _deferred);
    }

    /// <summary>The decision has been made, unless nobody waits for it any more.</summary>
    public void OnDecided()
    {
        if (_deferred is not { } deferred) return;
        _deferred = null;
        _loop.Epoll.Modify(_fd, EpollEvents.In, _slot);
        Answer(deferred.Request.Request, deferred.Route, deferred.Context, _received.AsSpan(0, _receivedLength));
    }

    // True when there was something to cancel.
    private bool CancelDecision(HandshakeRefusal refusal)
    {
        if (_deferred is null) return false;
        _deferred.Cancel(refusal);
        _deferred = null;
        return true;
    }

    private void Refuse(HandshakeRefusal refusal)
    {
        _loop.Options.ReportRefused(_address, _port, refusal, refusal.Status());
        if (CancelDecision(refusal)) _loop.Epoll.Modify(_fd, EpollEvents.In, _slot);
        Span<byte> answer = stackalloc byte[HandshakeRefusals.MaxLength];
        Refuse(answer[..HandshakeRefusals.Write(answer, refusal, _loop.Options.Drafts)]);
    }

    private void Refuse(ReadOnlySpan<byte> answer)
    {
        ReturnReceived();
        // One send: the kernel takes a few kilobytes on a fresh connection, or the client does not get to know why.
        fixed (byte* pointer = answer) _ = Libc.Send(_fd, pointer, answer.Length, Libc.MsgNoSignal);
        _ = Libc.Shutdown(_fd, Libc.ShutdownWrite);
        // Closing at once, with bytes of the client unread, would send a reset that can overtake the answer; so its end is waited for.
        _lingers = true;
        _loop.Connections.SetDue(_slot, _loop.DueAfter(_loop.Options.CloseTimeout));
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        _received ??= ArrayPool<byte>.Shared.Rent(HttpHead.MaxLength);
        bytes[_receivedLength..].CopyTo(_received.AsSpan(_receivedLength));
        _receivedLength = bytes.Length;
    }

    // Looks at the first bytes without taking them. True when they are this server's to read.
    private bool TryClaim()
    {
        int count = (int)Libc.Receive(_fd, (byte*)_loop.ReceivePointer, HttpHead.MaxLength, Libc.MsgPeek);
        if (count <= 0)
        {
            if (count == 0 || Marshal.GetLastSystemError() is not (Libc.Eagain or Libc.Eintr)) Drop();
            return false;
        }

        switch (_loop.Server.Claim(_loop.ReceiveBuffer.AsSpan(0, count)))
        {
            case Claim.Ours:
                _peeks = false;
                _loop.Epoll.Modify(_fd, EpollEvents.In, _slot);
                return true;
            case Claim.Undecided:
                // The bytes stay in the socket, which stays readable: from here on only more bytes are news. Once, because every change of
                // a registration reports again what is there already.
                if (!_waitsForMore) _loop.Epoll.Modify(_fd, EpollEvents.In | EpollEvents.EdgeTriggered, _slot);
                _waitsForMore = true;
                return false;
            default:
                HandOver();
                return false;
        }
    }

    private void HandOver()
    {
        _loop.Epoll.Delete(_fd);
        Leave();
        _loop.Server.Leave(_address);
        var handle = new SafeSocketHandle(_fd, ownsHandle: true);
        try
        {
            _loop.Options.OnUnclaimed!(new Socket(handle));
        }
        catch (Exception exception)
        {
            handle.Dispose(); // who failed to take it over will not close it
            _loop.Report(null, exception);
        }
    }

    private void Leave()
    {
        ReturnReceived();
        _loop.Connections.Remove(_slot);
    }

    private void ReturnReceived()
    {
        if (_received is not null) ArrayPool<byte>.Shared.Return(_received);
        _received = null;
        _receivedLength = 0;
    }
}
