using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.EventLoop;

/// <summary>
/// One event loop: a thread that waits for readiness, and serves its connections one after the other. Everything that a connection does
/// happens on this thread, so connections need no locks; other threads post to the inbox. One turn is: events, posts, deadlines, and then
/// the connections that have something to send, each with one system call.
/// </summary>
internal sealed class Loop : IDisposable
{
    private const int MaxEventsPerTurn = 1024;
    private const long InboxKey = -1;
    private const long FirstAcceptorKey = -2; // and downward; connections have their slots, from 0 upward

    private readonly Epoll _epoll = new(MaxEventsPerTurn);
    private readonly LoopInbox _inbox = new();
    private readonly List<Acceptor> _acceptors = [];
    private readonly List<LoopPeer> _dirty = [];
    private readonly ConcurrentQueue<ConnectionSurvey> _surveys = new();
    private readonly Stack<byte[]> _carries = new();
    private readonly Stack<MessageBuffer> _messages = new();
    private readonly Stack<PendingHandshake> _handshakes = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly long _start;
    private readonly long _tick;
    private readonly Action<int, UInt128, ushort>? _deal;
    private readonly LoopBlock _block;
    private readonly TrafficLedger _ledger;
    private readonly WebSocketServer? _server;
    private readonly WebSocketClientLoop? _client; // in whose place a server would be
    private InflaterPool? _inflaters;
    private int _threadId;
    private long _nextSweep;
    private long _stopDue = ConnectionTable.Never;
    private bool _acceptPaused;
    private bool _stopping;

    public Loop(WebSocketServer server, int index)
        : this(server.Options, server.Options.Telemetry.Server, index, $"Tandem loop {index}")
    {
        _server = server;
        _deal = server.Deal;
    }

    public Loop(WebSocketClientLoop client, WebSocketServerOptions options)
        : this(options, options.Telemetry.Client, index: 0, "Tandem client loop") => _client = client;

    private Loop(WebSocketServerOptions options, RoleTelemetry telemetry, int index, string name)
    {
        Options = options;
        _tick = Math.Max(1, (long)Options.TickInterval.TotalMilliseconds);
        _start = Options.TimeProvider.GetTimestamp();
        _ledger = telemetry.Traffic;
        _block = _ledger.AddLoop(index, Options.TimeProvider.TimestampFrequency);
        _nextSweep = _tick;
        ReceiveBuffer = GC.AllocateUninitializedArray<byte>(Options.ReceiveBufferSize, pinned: true);
        ReceivePointer = Marshal.UnsafeAddrOfPinnedArrayElement(ReceiveBuffer, 0);
        if (Options.Deflate is not null) Deflaters = new DeflaterPool(Options.Deflate);
        if (!_epoll.Add(_inbox.Fd, EpollEvents.In, InboxKey)) throw new InvalidOperationException("The kernel refuses to watch an eventfd.");
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    /// <summary>Whose connections are accepted here: of a server's loop only.</summary>
    public WebSocketServer Server => _server!;

    public WebSocketServerOptions Options { get; }

    public ConnectionTable Connections { get; } = new();

    public SegmentPool Segments { get; } = new();

    /// <summary>What is counted on the loop's thread.</summary>
    public TrafficCounters Traffic => _block.Counters;

    /// <summary>The one of all handshakes that are decided at once; who defers a decision takes it along and leaves a new one.</summary>
    public UpgradeContext UpgradeContext { get; set; } = new();

    /// <summary>Decompressors for messages whose sender keeps no context.</summary>
    public InflaterPool Inflaters => _inflaters ??= new InflaterPool();

    /// <summary>Compressors for messages whose context is not kept; null where nothing is compressed.</summary>
    public DeflaterPool? Deflaters { get; }

    /// <summary>What every connection of the loop receives into: between two events no connection has bytes in it.</summary>
    public byte[] ReceiveBuffer { get; }

    public nint ReceivePointer { get; }

    /// <summary>Milliseconds since the loop was made, by the clock of the options; read once a turn.</summary>
    public long Now { get; private set; }

    public Epoll Epoll => _epoll;

    /// <summary>Completes when the thread has ended.</summary>
    public Task Ended => _ended.Task;

    public bool IsCurrentThread => Environment.CurrentManagedThreadId == _threadId;

    /// <summary>No new connections are taken.</summary>
    public bool IsStopping => _stopping;

    /// <summary>Adds a listening socket; before <see cref="Start"/>.</summary>
    public void Watch(Acceptor acceptor)
    {
        if (!_epoll.Add(acceptor.Fd, EpollEvents.In, FirstAcceptorKey - _acceptors.Count))
        {
            throw new InvalidOperationException("The kernel refuses to watch a listening socket.");
        }

        _acceptors.Add(acceptor);
    }

    public void Start() => _thread.Start();

    /// <summary>Ends a loop that was never started.</summary>
    public void EndUnstarted()
    {
        Dispose();
        _ended.TrySetResult();
    }

    public void Post(in LoopPost post)
    {
        _inbox.Post(post);
        if (_ended.Task.IsCompleted) DiscardPosts(); // nobody else will
    }

    /// <summary>Looks at all connections, from any thread. Posted beside the inbox, whose entries are many and need not be larger for it.</summary>
    public void Survey(ConnectionSurvey survey)
    {
        _surveys.Enqueue(survey);
        Post(new LoopPost(LoopRequest.Survey));
    }

    /// <summary>The deadline after a wait.</summary>
    public long DueAfter(TimeSpan wait) => wait == Timeout.InfiniteTimeSpan ? ConnectionTable.Never : Now + (long)wait.TotalMilliseconds;

    /// <summary>Serves a connection from now on.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="address">Where it comes from, already counted there.</param>
    /// <param name="port">The port of that address.</param>
    /// <param name="refusal">Why its handshake will be refused, when there is no room for it.</param>
    public void Adopt(int fd, RemoteAddress address, ushort port, HandshakeRefusal refusal)
    {
        PendingHandshake handshake = _handshakes.TryPop(out PendingHandshake? used) ? used : new PendingHandshake(this);
        handshake.Begin(fd, address, port, refusal);
    }

    /// <summary>Takes back a handshake whose connection is open.</summary>
    public void ReturnHandshake(PendingHandshake handshake)
    {
        if (_handshakes.Count < 1024) _handshakes.Push(handshake);
    }

    /// <summary>Has a decision made, and its handshake told.</summary>
    public async Task DecideAsync(PendingHandshake handshake, DeferredUpgrade deferred)
    {
        await deferred.DecideAsync().ConfigureAwait(false);
        Post(new LoopPost(LoopRequest.Decided, Handshake: handshake));
    }

    /// <summary>Has a connection settled at the end of this turn.</summary>
    public void AddDirty(LoopPeer peer) => _dirty.Add(peer);

    /// <summary>A few bytes of memory for an incomplete frame header or control frame.</summary>
    public byte[] RentCarry() => _carries.TryPop(out byte[]? carry) ? carry : new byte[FrameHeader.MaxLength + FrameHeader.MaxControlPayload];

    public void ReturnCarry(byte[] carry)
    {
        if (_carries.Count < 1024) _carries.Push(carry);
    }

    public MessageBuffer RentMessage() => _messages.TryPop(out MessageBuffer? message) ? message : new MessageBuffer();

    public void ReturnMessage(MessageBuffer message)
    {
        message.Release();
        if (_messages.Count < 1024) _messages.Push(message);
    }

    /// <summary>A connection has gone.</summary>
    public void Leave(RemoteAddress address)
    {
        if (_client is null) Server.Leave(address);
        else _client.Leave();
    }

    public void Report(WebSocketPeer? peer, Exception exception)
    {
        if (_client is null) Options.Report(peer, exception);
        else Options.Tell(peer, exception);
    }

    public void Dispose()
    {
        foreach (Acceptor acceptor in _acceptors) acceptor.Dispose();
        _ledger.EndLoop(_block);
        _inflaters?.Dispose();
        Deflaters?.Dispose();
        _inbox.Dispose();
        _epoll.Dispose();
    }

    private void Run()
    {
        _threadId = Environment.CurrentManagedThreadId;
        try
        {
            while (!(_stopping && (Connections.Count == 0 || Now >= _stopDue))) Turn();
            DropAll();
        }
        catch (Exception exception)
        {
            // Not a handler's: those are caught where they are called. The loop cannot go on, and says so instead of hanging in silence.
            Report(null, exception);
            DropAll();
        }
        finally
        {
            Dispose();
            _ended.SetResult();
            DiscardPosts();
            _client?.CancelConnects();
        }
    }

    private void Turn()
    {
        int wait = (int)Math.Clamp(_nextSweep - Now, 0, _tick);
        int count = _epoll.Wait(_client is null ? wait : _client.Wait(wait));
        long woke = Options.TimeProvider.GetTimestamp();
        Now = (long)Options.TimeProvider.GetElapsedTime(_start, woke).TotalMilliseconds;
        bool posts = false;
        for (int i = 0; i < count; i++)
        {
            long key = _epoll.Take(i, out EpollEvents events);
            if (key >= 0) Dispatch((int)key, events);
            else if (key == InboxKey) posts = true;
            else Accept(_acceptors[(int)(FirstAcceptorKey - key)]);
        }

        if (posts) TakePosts();
        if (Now >= _nextSweep) Sweep();
        _client?.OnTurn();
        // By index: a connection that is settled may make others dirty.
        for (int i = 0; i < _dirty.Count; i++) _dirty[i].Settle();
        _dirty.Clear();
        Connections.EndBatch();
        Traffic.BusyTicks += Options.TimeProvider.GetTimestamp() - woke;
    }

    private void Dispatch(int slot, EpollEvents events)
    {
        object? connection = Connections[slot];
        if (connection is LoopPeer peer) peer.OnEvents(events);
        else (connection as Opening)?.OnEvents();
    }

    private void Accept(Acceptor acceptor)
    {
        if (_stopping || acceptor.Accept(_deal!)) return;
        // Out of descriptors. A listening socket that stays ready would keep the loop spinning, so it is left alone for a tick.
        _epoll.Delete(acceptor.Fd);
        _acceptPaused = true;
        Report(null, new InvalidOperationException("Out of file descriptors or memory: accepting pauses for a moment."));
    }

    private void TakePosts()
    {
        _inbox.Answer();
        bool surveys = false;
        while (_inbox.TryTake(out LoopPost post))
        {
            switch (post.Request)
            {
                case LoopRequest.Adopt:
                    Adopt(post.Number, post.Address!, post.Port, post.Refusal);
                    break;
                case LoopRequest.Decided:
                    post.Handshake!.OnDecided();
                    break;
                case LoopRequest.Connect:
                    break; // it is the turn that was needed
                case LoopRequest.Stop:
                    Stop();
                    break;
                case LoopRequest.StopNow:
                    _stopDue = Now;
                    break;
                case LoopRequest.Survey:
                    surveys = true;
                    break;
                default:
                    post.Peer!.OnPost(in post);
                    break;
            }
        }

        if (surveys) ContinueSurveys();
    }

    // What is not finished goes on in the next turn, behind what came meanwhile.
    private void ContinueSurveys()
    {
        for (int count = _surveys.Count; count > 0 && _surveys.TryDequeue(out ConnectionSurvey? survey); count--)
        {
            if (!survey.Advance(Connections)) _surveys.Enqueue(survey);
        }

        if (!_surveys.IsEmpty) _inbox.Post(new LoopPost(LoopRequest.Survey));
    }

    // After the end only a connection that another loop had just accepted still needs something done, and who waits for an answer.
    private void DiscardPosts()
    {
        while (_surveys.TryDequeue(out ConnectionSurvey? survey)) survey.Abandon();
        while (_inbox.TryTake(out LoopPost post))
        {
            if (post.Request != LoopRequest.Adopt) continue;
            _ = Libc.Close(post.Number);
            Server.Leave(post.Address!);
        }
    }

    private void Sweep()
    {
        _nextSweep = Now + _tick;
        for (int slot = Connections.NextDue(0, Now); slot >= 0; slot = Connections.NextDue(slot + 1, Now))
        {
            object? connection = Connections[slot];
            if (connection is LoopPeer peer) peer.OnDeadline();
            else (connection as Opening)?.OnDeadline();
        }

        Segments.Trim();
        if (!_acceptPaused || _stopping) return;
        _acceptPaused = false;
        for (int i = 0; i < _acceptors.Count; i++) _epoll.Add(_acceptors[i].Fd, EpollEvents.In, FirstAcceptorKey - i);
    }

    private void Stop()
    {
        if (_stopping) return;
        _stopping = true;
        _stopDue = DueAfter(Options.StopTimeout);
        _client?.CancelConnects();
        foreach (Acceptor acceptor in _acceptors) acceptor.Dispose();
        for (int slot = 0; slot < Connections.End; slot++)
        {
            object? connection = Connections[slot];
            if (connection is LoopPeer peer) peer.BeginStop();
            else (connection as Opening)?.BeginStop();
        }
    }

    private void DropAll()
    {
        for (int slot = 0; slot < Connections.End; slot++)
        {
            object? connection = Connections[slot];
            if (connection is LoopPeer peer) peer.Drop();
            else (connection as Opening)?.Drop();
        }
    }
}
