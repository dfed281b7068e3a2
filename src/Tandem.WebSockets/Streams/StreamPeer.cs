using System.Buffers;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.EventLoop;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets.Streams;

/// <summary>
/// A connection over a stream. It has no thread; it has turns: whatever happens to it (bytes came, a write is done, a post, a deadline) is
/// noted, and who finds nobody serving it takes the turn and serves what has been noted until nothing is left. So one thread at a time serves
/// it, as the loop's does, and nobody waits for another.
/// </summary>
internal sealed class StreamPeer : WebSocketPeer, IThreadPoolWorkItem
{
    // What a read takes at most. The buffer is rented when there is something to read; a stream that cannot wait without one holds it.
    private const int BufferBytes = 16 * 1024;

    [ThreadStatic]
    private static bool t_serves;

    private readonly StreamDriver _driver;
    private readonly Stream _stream;
    private readonly InflaterPool? _inflaters;
    private readonly DeflaterPool? _deflaters;
    private readonly Action? _onEnded;
    private readonly TaskCompletionSource<CloseCause> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StreamSlot _slot;
    private readonly Action _onRead;
    private readonly Action _onWritten;
    private ConcurrentQueue<LoopPost>? _posts; // made for the first one
    private int _events;

    // Of the turn.
    private byte[]? _first; // what came behind the handshake; rented
    private int _firstLength;
    private MessageBuffer? _spare;
    private ValueTask<int> _read;
    private Reading _reading;
    private byte[]? _buffer; // rented while a read is on its way into it
    private bool _ready; // there may be more to read at once
    private ValueTask _write;
    private int _writing; // bytes that are being written
    private bool _writes;
    private bool _unsettled;
    private bool _flushes; // what was written has not been flushed

    [Flags]
    private enum Events
    {
        None = 0,
        Serving = 1,
        Begin = 2,
        Read = 4,
        Written = 8,
        Post = 16,
        Deadline = 32,
        Stop = 64,
        Drop = 128,
    }

    private enum Reading : byte
    {
        None,
        Waiting, // for bytes, without a buffer
        Buffer,
        Message, // straight into the message
    }

    /// <param name="driver">Its clock.</param>
    /// <param name="stream">The transport, which is the peer's from now on.</param>
    /// <param name="route">Handler and limits.</param>
    /// <param name="address">Where it comes from.</param>
    /// <param name="port">The port of that address.</param>
    /// <param name="context">The answer to its handshake.</param>
    /// <param name="onEnded">Called when everything is over.</param>
    public StreamPeer(StreamDriver driver, Stream stream, ServedRoute route, RemoteAddress address, ushort port, UpgradeContext context, Action? onEnded)
        : this(driver, stream, route, address, port, context, onEnded, context.Extensions is null ? null : new InflaterPool(BufferBytes),
            context.Extensions is null ? null : new DeflaterPool(route.Options.Deflate!))
    {
    }

    private StreamPeer(
        StreamDriver driver, Stream stream, ServedRoute route, RemoteAddress address, ushort port, UpgradeContext context, Action? onEnded,
        InflaterPool? inflaters, DeflaterPool? deflaters)
        : base(route, address, port, context, inflaters is null ? null : new PeerDeflate(context.Deflate, inflaters, deflaters!), SegmentPool.OfThread, traffic: null!)
    {
        _driver = driver;
        _stream = stream;
        _inflaters = inflaters;
        _deflaters = deflaters;
        _onEnded = onEnded;
        _slot = new StreamSlot(OnNotice, this);
        _onRead = () => Raise(Events.Read);
        _onWritten = () => Raise(Events.Written);
    }

    /// <summary>Serves the connection.</summary>
    /// <param name="answer">The answer to the handshake; empty when it has been sent.</param>
    /// <param name="behind">The bytes that came right behind the request.</param>
    /// <returns>Completes when the connection has ended, with how.</returns>
    public Task<CloseCause> Run(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> behind)
    {
        _segments = SegmentPool.OfThread;
        QueueAnswer(answer);
        if (!behind.IsEmpty)
        {
            _first = ArrayPool<byte>.Shared.Rent(behind.Length);
            _firstLength = behind.Length;
            behind.CopyTo(_first);
        }

        // First, because the driver may have something to tell at once; and only once, because that may have been served by now.
        Interlocked.Or(ref _events, (int)Events.Begin);
        _driver.Add(_slot);
        Raise(Events.None);
        return _ended.Task;
    }

    /// <summary>Turns, until nothing is left to serve.</summary>
    public void Execute()
    {
        t_serves = true;
        TrafficCounters traffic = Options.Telemetry.Server.Traffic.Lease();
        _traffic = traffic;
        do
        {
            var events = (Events)Interlocked.Exchange(ref _events, (int)Events.Serving);
            try
            {
                Turn(events);
            }
            catch (Exception exception)
            {
                Fail(exception);
            }
        }
        while (Interlocked.CompareExchange(ref _events, 0, (int)Events.Serving) != (int)Events.Serving);
        traffic.EndLease();
        t_serves = false;
    }

    private void Raise(Events happened)
    {
        if ((Interlocked.Or(ref _events, (int)(happened | Events.Serving)) & (int)Events.Serving) != 0) return;
        // I/O completes on a thread that has nothing else to do. Others have: a handler's call must not run within somebody else's.
        if (!t_serves && happened is Events.Read or Events.Written) Execute();
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void OnNotice(StreamNotice notice) =>
        Raise(notice switch { StreamNotice.Deadline => Events.Deadline, StreamNotice.Stop => Events.Stop, _ => Events.Drop });

    private void Turn(Events events)
    {
        _thread = Environment.CurrentManagedThreadId;
        _segments = SegmentPool.OfThread;
        BeginEvent();
        if ((events & Events.Begin) != 0) Begin();
        if ((events & Events.Written) != 0) OnWritten();
        if ((events & Events.Post) != 0) TakePosts();
        if (!_released)
        {
            if ((events & Events.Stop) != 0) BeginStop();
            if ((events & Events.Drop) != 0) DropNow();
        }

        if ((events & Events.Read) != 0) OnRead();
        // Behind what was read, which puts it off.
        if ((events & Events.Deadline) != 0 && !_released && Now >= _slot.Due) OnDeadline();
        EndEvent();
        while (_unsettled)
        {
            _unsettled = false;
            Settle();
        }

        StartReading();
        _segments.Trim();
        Volatile.Write(ref _thread, 0);
    }

    // Not a handler's, which are caught where they are called: this connection cannot go on, but the process and the others can.
    private void Fail(Exception exception)
    {
        Report(exception);
        AbortNow(CloseInitiator.Local);
        EndEvent();
        Volatile.Write(ref _thread, 0);
    }

    private void Begin()
    {
        byte[]? first = _first;
        _first = null;
        OpenNow(default, first.AsSpan(0, _firstLength));
        if (first is not null) ArrayPool<byte>.Shared.Return(first);
    }

    private void DropNow()
    {
        if (!_blocked && !_drops) Flush(); // a close frame that is to be the last thing
        AbortNow(CloseInitiator.Timeout);
    }

    private void TakePosts()
    {
        while (_posts!.TryDequeue(out LoopPost post)) OnPost(in post);
    }

    private void StartReading()
    {
        if (_released || _drops || _reading != Reading.None || _held is not null || IsReceivePaused) return;
        Memory<byte> room = default;
        int carried = _carryLength;
        if (_message is { } message && _reader.FrameRemaining >= DirectReceiveBytes && !_reader.IsCompressed)
        {
            room = message.Receivable(_reader.FrameRemaining);
            _reading = Reading.Message;
        }
        else if (_ready)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
            if (carried != 0) _carry.AsSpan(0, carried).CopyTo(_buffer);
            room = _buffer.AsMemory(carried);
            _reading = Reading.Buffer;
        }
        else
        {
            _reading = Reading.Waiting;
        }

        ValueTask<int> read = StartRead(room);
        _read = read;
        // What is there already is served in a turn of its own, and what this one has to send goes before.
        if (read.IsCompleted) Interlocked.Or(ref _events, (int)Events.Read);
        else read.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onRead);
    }

    private ValueTask<int> StartRead(Memory<byte> room)
    {
        try
        {
            return _stream.ReadAsync(room);
        }
        catch (Exception exception)
        {
            return new ValueTask<int>(Task.FromException<int>(exception));
        }
    }

    private void OnRead()
    {
        Reading reading = _reading;
        _reading = Reading.None;
        int count = 0;
        bool failed = false;
        try
        {
            count = _read.GetAwaiter().GetResult();
        }
        catch (Exception)
        {
            failed = true; // a reset, a TLS alert: the transport has ended, which is all that the closing handshake knows of
        }

        byte[]? buffer = _buffer;
        _buffer = null;
        if (_released)
        {
        }
        else if (failed || (count == 0 && reading != Reading.Waiting))
        {
            TransportEnded();
        }
        else if (reading == Reading.Waiting)
        {
            _ready = true;
        }
        else
        {
            Received(reading, buffer, count);
        }

        if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Received(Reading reading, byte[]? buffer, int count)
    {
        _traffic.BytesReceived += count;
        if (_phase == WebSocketState.Open) Touch();
        if (reading == Reading.Message)
        {
            Process(_message!.Receivable(_reader.FrameRemaining).Span[..count]);
            return;
        }

        int length = _carryLength + count;
        _ready = length >= BufferBytes; // a full buffer says that there is more
        DropCarry();
        Process(buffer.AsSpan(0, length));
    }

    private void OnWritten()
    {
        _writes = false;
        bool done = EndWrite(_write);
        if (_released) return;
        _blocked = false;
        Touch(); // a peer that reads is alive, even while nothing is received from it
        if (!done) TransportEnded();
        else if (_held is not null) Resume();
    }

    private bool EndWrite(ValueTask write)
    {
        int count = _writing;
        _writing = 0;
        try
        {
            write.GetAwaiter().GetResult();
        }
        catch (Exception)
        {
            return false; // the transport has ended
        }

        CountSent(count);
        if (!_released) _queue.Sent(count, _segments);
        return true;
    }

    private protected override FlushResult FlushQueue(ReadOnlySpan<byte> behind, out int sentBehind)
    {
        sentBehind = behind.Length;
        _queue.Append(behind, _segments, large: true); // a stream wants memory that stays
        while (true)
        {
            if (_writes) return FlushResult.Blocked;
            if (_queue.Bytes == 0 && !_flushes) return FlushResult.Done;
            ValueTask write = StartWrite();
            if (!write.IsCompleted)
            {
                _write = write;
                _writes = true;
                write.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onWritten);
            }
            else if (!EndWrite(write))
            {
                return FlushResult.Failed;
            }
        }
    }

    private ValueTask StartWrite()
    {
        try
        {
            _flushes = _queue.Bytes != 0;
            if (!_flushes) return new ValueTask(_stream.FlushAsync());
            ReadOnlyMemory<byte> first = _queue.First;
            _writing = first.Length;
            return _stream.WriteAsync(first);
        }
        catch (Exception exception)
        {
            return new ValueTask(Task.FromException(exception));
        }
    }

    private protected override long Now => _driver.Now;

    private protected override void Post(in LoopPost post)
    {
        LazyInitializer.EnsureInitialized(ref _posts).Enqueue(post);
        Raise(Events.Post);
    }

    // What happens in a turn is settled at its end, but for what handlers do when they are called from there.
    private protected override void AddDirty() => _unsettled = true;

    private protected override void SetDue(long due) => _slot.Due = due;

    private protected override void Watch()
    {
    }

    // With bytes of the peer unread, closing a socket at once would send a reset that can overtake the close frame; so its end is waited for.
    // Other streams have one end only, and what is behind them (TLS, HTTP/2) sees to it that what was written arrives.
    private protected override void EndOutput()
    {
        if (_stream is not NetworkStream network)
        {
            _drops = true;
            return;
        }

        try
        {
            network.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            _drops = true; // it has gone
        }
    }

    private protected override void ReleaseTransport()
    {
        // What the stream is reading into or writing from is not given back to be used again: it is left to the collector.
        if (_writes) _queue = default;
        else _queue.Clear(_segments);
        if (_reading != Reading.Message) _message?.Release();
        _message = null;
        _inflaters?.Dispose();
        _deflaters?.Dispose();
        try
        {
            _stream.Dispose();
        }
        catch (Exception)
        {
            // A transport that has failed may fail once more.
        }

        _onEnded?.Invoke();
        _driver.Remove(_slot);
        _ended.SetResult(Cause);
    }

    private protected override MessageBuffer RentMessage()
    {
        MessageBuffer message = _spare ?? new MessageBuffer();
        _spare = null;
        return message;
    }

    private protected override void ReturnMessage(MessageBuffer message)
    {
        message.Release();
        _spare = message;
    }

    private protected override byte[] RentCarry() => ArrayPool<byte>.Shared.Rent(FrameHeader.MaxLength + FrameHeader.MaxControlPayload);

    private protected override void ReturnCarry(byte[] carry) => ArrayPool<byte>.Shared.Return(carry);

    private protected override void Report(Exception exception) => Options.Report(this, exception);
}
