using System.Collections.Concurrent;
using System.ComponentModel;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.EventLoop;

/// <summary>What another thread asks of a loop, or of a connection that it serves.</summary>
internal enum LoopRequest : byte
{
    /// <summary>Serve a connection that another loop accepted.</summary>
    Adopt,

    /// <summary>Take a turn: a client has connections to open.</summary>
    Connect,

    /// <summary>Answer a handshake whose decision has been made.</summary>
    Decided,

    /// <summary>Send a text message.</summary>
    SendText,

    /// <summary>Send a binary message.</summary>
    SendBinary,

    /// <summary>Send a message that many are sent.</summary>
    SendPrepared,

    /// <summary>Have the handler's OnNotified called.</summary>
    Notify,

    /// <summary>Send a ping.</summary>
    Ping,

    /// <summary>Begin the closing handshake.</summary>
    Close,

    /// <summary>Drop the connection.</summary>
    Abort,

    /// <summary>Go on with the surveys that wait.</summary>
    Survey,

    /// <summary>Close everything and end.</summary>
    Stop,

    /// <summary>Wait no longer for what <see cref="Stop"/> has closed.</summary>
    StopNow,
}

/// <summary>One request: its kind and what it needs of the rest.</summary>
internal readonly record struct LoopPost(
    LoopRequest Request,
    WebSocketPeer? Peer = null,
    byte[]? Payload = null,
    int Number = 0,
    string? Reason = null,
    RemoteAddress? Address = null,
    PendingHandshake? Handshake = null,
    ushort Port = 0,
    HandshakeRefusal Refusal = HandshakeRefusal.None,
    bool OwesDrain = false,
    WebSocketMessageFlags Flags = WebSocketMessageFlags.EndOfMessage,
    PreparedMessage? Message = null)
{
    public WebSocketCloseStatus Status => (WebSocketCloseStatus)Number;
}

/// <summary>
/// What other threads have asked of a loop, in order: a concurrent queue, and an eventfd that wakes the loop. A burst costs one wake-up:
/// who finds the bell already rung leaves it.
/// </summary>
internal sealed unsafe class LoopInbox : IDisposable
{
    private readonly ConcurrentQueue<LoopPost> _posts = new();
    private readonly Lock _lifetime = new();
    private int _fd;
    private int _rung;

    public LoopInbox()
    {
        _fd = Libc.EventFd(0, Libc.EventFdNonBlockCloseOnExec);
        if (_fd < 0) throw new Win32Exception(Marshal.GetLastSystemError());
    }

    /// <summary>The eventfd, for epoll.</summary>
    public int Fd => _fd;

    public void Post(in LoopPost post)
    {
        _posts.Enqueue(post);
        if (Interlocked.Exchange(ref _rung, 1) == 0) Ring();
    }

    /// <summary>Before the posts are taken: lets the next one ring again.</summary>
    public void Answer()
    {
        ulong count;
        _ = Libc.Read(_fd, &count, sizeof(ulong));
        // A full fence, as Exchange is: a post that was enqueued before is seen by the taking that follows, any other rings.
        Interlocked.Exchange(ref _rung, 0);
    }

    public bool TryTake(out LoopPost post) => _posts.TryDequeue(out post);

    public void Dispose()
    {
        lock (_lifetime)
        {
            if (_fd >= 0) _ = Libc.Close(_fd);
            _fd = -1;
        }
    }

    private void Ring()
    {
        // Under the lock, because a descriptor number that was closed may by now be someone else's.
        lock (_lifetime)
        {
            ulong one = 1;
            if (_fd >= 0) _ = Libc.Write(_fd, &one, sizeof(ulong));
        }
    }
}
