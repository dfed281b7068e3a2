using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Tandem.Protocol.Handshake;
using Tandem.WebSockets.EventLoop;

namespace Tandem.WebSockets.Streams;

/// <summary>
/// A connection of a server without epoll, from its first byte to the answer to its handshake: then a <see cref="StreamPeer"/> takes it over,
/// or it is refused.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "RunAsync disposes the stream or hands it on.")]
internal sealed class StreamHandshake
{
    private readonly WebSocketServer _server;
    private readonly StreamDriver _driver;
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly RemoteAddress _address;
    private readonly ushort _port;
    private readonly HandshakeRefusal _admission;
    private readonly StreamSlot _slot;
    private readonly CancellationTokenSource _interrupted = new();
    private volatile HandshakeRefusal _refusal; // what the interruption is answered with; None when the connection is to be dropped
    private volatile bool _answered; // and refused: what is left is to wait for the client's end
    private DeferredUpgrade? _deferred;
    private byte[]? _buffer;
    private int _length;
    private int _handshakeLength;

    private StreamHandshake(WebSocketServer server, StreamDriver driver, Socket socket, RemoteAddress address, ushort port, HandshakeRefusal admission)
    {
        _server = server;
        _driver = driver;
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _address = address;
        _port = port;
        _admission = admission;
        _slot = new StreamSlot(OnNotice);
    }

    /// <summary>Serves an accepted socket.</summary>
    public static void Begin(WebSocketServer server, StreamDriver driver, Socket socket, RemoteAddress address, ushort port, HandshakeRefusal admission)
    {
        var handshake = new StreamHandshake(server, driver, socket, address, port, admission);
        driver.Add(handshake._slot);
        handshake._slot.Due = driver.DueAfter(driver.Options.HandshakeTimeout);
        _ = Task.Run(handshake.RunAsync);
    }

    private void OnNotice(StreamNotice notice)
    {
        if (notice == StreamNotice.Stop && _answered) return;
        if (notice != StreamNotice.Drop && !_answered)
        {
            _refusal = notice == StreamNotice.Stop ? HandshakeRefusal.Stopping
                : Volatile.Read(ref _deferred) is null ? HandshakeRefusal.TimedOut : HandshakeRefusal.DecisionTimedOut;
            _slot.Due = ConnectionTable.Never;
        }
        else
        {
            _refusal = HandshakeRefusal.None;
        }

        _ = _interrupted.CancelAsync();
        if (_answered || notice == StreamNotice.Drop) _socket.Dispose();
    }

    private async Task RunAsync()
    {
        bool taken = false;
        try
        {
            taken = await ServeAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client has gone, or its time is over.
        }
        catch (Exception exception)
        {
            _driver.Options.Report(null, exception);
        }
        finally
        {
            if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
            if (!taken)
            {
                if (!_answered) _driver.Options.Telemetry.Abandoned();
                _stream.Dispose();
                _server.Leave(_address);
            }

            _driver.Remove(_slot);
        }
    }

    // True when a peer has taken the connection over.
    private async Task<bool> ServeAsync()
    {
        byte[] answer;
        try
        {
            await ReadHeadAsync().ConfigureAwait(false);
            _deferred = Judge(out HandshakeRefusal refusal, out ServedRoute? route, out UpgradeContext context);
            if (refusal != HandshakeRefusal.None) answer = Refusal(refusal);
            else if (_deferred is not null && !await DecideAsync(_deferred).ConfigureAwait(false)) return false;
            else if (TryAccept(route!, context, out answer)) return true;
        }
        catch (OperationCanceledException) when (_refusal != HandshakeRefusal.None)
        {
            answer = Refusal(_refusal);
        }

        await RefuseAsync(answer).ConfigureAwait(false);
        return false;
    }

    private async Task ReadHeadAsync()
    {
        // Without a buffer until there is something to read.
        await _stream.ReadAsync(Memory<byte>.Empty, _interrupted.Token).ConfigureAwait(false);
        _buffer = ArrayPool<byte>.Shared.Rent(HttpHead.MaxLength);
        do
        {
            int count = await _stream.ReadAsync(_buffer.AsMemory(_length), _interrupted.Token).ConfigureAwait(false);
            if (count == 0) throw new EndOfStreamException();
            _length += count;
        }
        while (!UpgradeRequest.Parse(_buffer.AsSpan(0, _length), out _, out _, _driver.Options.Drafts));
    }

    private DeferredUpgrade? Judge(out HandshakeRefusal refusal, out ServedRoute? route, out UpgradeContext context)
    {
        route = null;
        context = new UpgradeContext();
        UpgradeRequest.Parse(_buffer.AsSpan(0, _length), out UpgradeRequest request, out refusal, _driver.Options.Drafts);
        if (refusal != HandshakeRefusal.None) return null;
        _handshakeLength = request.Length;
        route = _server.FindRoute(request.Path);
        refusal = ServerUpgrade.Judge(ref request, route, _admission);
        if (refusal != HandshakeRefusal.None) return null;
        ServerUpgrade.Ask(in request, route!, context, _address, _port);
        return context.Decision is null || context.IsRefused ? null : new DeferredUpgrade(request.ToSnapshot(), route!, context);
    }

    // False when the client goes while it waits. What it sends meanwhile stays with the kernel.
    private async Task<bool> DecideAsync(DeferredUpgrade deferred)
    {
        using var watch = new CancellationTokenSource();
        Task<bool> gone = IsGoneAsync(watch.Token);
        Task decided = deferred.DecideAsync();
        try
        {
            await Task.WhenAny(decided, gone).WaitAsync(_interrupted.Token).ConfigureAwait(false);
            if (!decided.IsCompleted && !await gone.ConfigureAwait(false)) await decided.WaitAsync(_interrupted.Token).ConfigureAwait(false);
            return decided.IsCompleted;
        }
        finally
        {
            if (!decided.IsCompleted) deferred.Cancel(_refusal);
            await watch.CancelAsync().ConfigureAwait(false);
            await gone.ConfigureAwait(false); // so that its read is not in the way of the next
        }
    }

    private async Task<bool> IsGoneAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await _stream.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
                // A read of zero bytes is done at any event of the socket, even at that of bytes which have been read by now. Readable with
                // nothing to read is the end. Behind bytes that wait it is not seen before they are read.
                if (_socket.Poll(0, SelectMode.SelectRead)) return _socket.Available == 0;
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    private bool TryAccept(ServedRoute route, UpgradeContext context, out byte[] refusal)
    {
        refusal = [];
        Span<byte> answer = stackalloc byte[ServerUpgrade.MaxAnswerLength];
        UpgradeRequest.Parse(_buffer.AsSpan(0, _length), out UpgradeRequest request, out _, _driver.Options.Drafts);
        request.Judge();
        int length = ServerUpgrade.WriteAnswer(answer, in request, route, context, out bool accepted);
        if (!accepted)
        {
            refusal = answer[..length].ToArray();
            return false;
        }

        Span<byte> behind = _buffer.AsSpan(_handshakeLength, _length - _handshakeLength);
        if (request.IsHixie)
        {
            _server.ServeHixie(_socket, route, _address, _port, context, request.Draft, answer[..length], behind);
            return true;
        }

        var peer = new StreamPeer(_driver, _stream, route, _address, _port, context, () => _server.Leave(_address));
        _ = peer.Run(answer[..length], behind);
        return true;
    }

    private async Task RefuseAsync(byte[] answer)
    {
        _slot.Due = _driver.DueAfter(_driver.Options.CloseTimeout);
        _answered = true;
        await _stream.WriteAsync(answer).ConfigureAwait(false);
        _socket.Shutdown(SocketShutdown.Send);
        // Closing at once, with bytes of the client unread, would send a reset that can overtake the answer; so its end is waited for. Its
        // deadline, or the server's end, disposes the socket.
        _buffer ??= ArrayPool<byte>.Shared.Rent(HttpHead.MaxLength);
        while (await _stream.ReadAsync(_buffer).ConfigureAwait(false) != 0)
        {
        }
    }

    private byte[] Refusal(HandshakeRefusal refusal)
    {
        _driver.Options.ReportRefused(_address, _port, refusal, refusal.Status());
        Span<byte> answer = stackalloc byte[HandshakeRefusals.MaxLength];
        return answer[..HandshakeRefusals.Write(answer, refusal, _driver.Options.Drafts)].ToArray();
    }
}
