using System.Buffers;
using System.Net.WebSockets;
using Tandem.Sessions.Protocol;
using Tandem.WebSockets;

namespace Tandem.Sessions.Client;

/// <content>The carriers, one after the other.</content>
public sealed partial class WebSocketSession
{
    // How exactly acknowledgements and heartbeats are kept; the client's half asks for about this.
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    // For CLOSE and the closing handshake when the application is done. Whoever does not answer by then is not waited for.
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    // What is sent before it is awaited, so that it leaves with few writes.
    private const int FramesPerBurst = 64;

    // No frame is larger (docs/session-protocol.md); what the server states is less.
    private const int MaxMessageSize = 16 * 1024 * 1024;

    private WakeSignal? _wake;
    private TaskCompletionSource? _opened;
    private SessionEndedException? _closed;
    private bool _isOpened;

    private static bool IsFinal(SessionCode code) => code is SessionCode.Ok or SessionCode.ProtocolError or SessionCode.UnsupportedVersion
        or SessionCode.FrameTooLarge or SessionCode.NotAuthenticated or SessionCode.Forbidden;

    private async Task RunAsync(TaskCompletionSource first, CancellationToken cancelFirst)
    {
        await Task.Yield(); // off the caller's lock
        for (int failed = 0; ; failed++)
        {
            _isOpened = false;
            Exception? problem = null;
            using (var give = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token, first.Task.IsCompleted ? default : cancelFirst))
            {
                try
                {
                    await ConnectOnceAsync(first, give.Token).ConfigureAwait(false);
                }
                catch (Exception exception)
                {
                    problem = exception;
                }
            }

            SessionEndedException? closed;
            lock (_gate)
            {
                _client.Detach();
                (_wake, _opened) = (null, null);
                (closed, _closed) = (_closed, null);
            }

            if (_disposed.IsCancellationRequested)
            {
                first.TrySetException(new ObjectDisposedException(nameof(WebSocketSession)));
                return;
            }

            if (closed is not null && IsFinal(closed.Code))
            {
                End(closed, closed);
                first.TrySetException(closed);
                return;
            }

            if (!first.Task.IsCompleted)
            {
                // The first try is the application's to repeat.
                if (problem is OperationCanceledException) first.TrySetCanceled(cancelFirst);
                else first.TrySetException(closed ?? problem ?? new WebSocketException("The server has closed the WebSocket before the session was open."));
                return;
            }

            if (_isOpened) failed = 0;
            double most = Math.Min(_options.MaxDelay.TotalMilliseconds, _options.FirstDelay.TotalMilliseconds * Math.Pow(2, Math.Min(failed, 30)));
            await Task.Delay(TimeSpan.FromMilliseconds(most * Random.Shared.NextDouble()), _options.TimeProvider, _disposed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_disposed.IsCancellationRequested) return;
        }
    }

    private async Task ConnectOnceAsync(TaskCompletionSource first, CancellationToken cancellation)
    {
        bool needsTicket;
        lock (_gate) needsTicket = _options.GetTicket is not null && _client.Token.IsEmpty;
        string ticket = needsTicket ? await _options.GetTicket!(cancellation).ConfigureAwait(false) : "";
        WebSocketClientOptions options = _options.Connection with
        {
            Subprotocols = [ProtocolLimits.Subprotocol],
            Connection = _options.Connection.Connection with { MaxMessageSize = MaxMessageSize },
            TimeProvider = _options.TimeProvider,
        };
        using WebSocketConnection socket = await WebSocketClient.ConnectAsync(_uri, options, cancellation).ConfigureAwait(false);
        var wake = new WakeSignal();
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            (_wake, _opened) = (wake, opened);
            _client.Attach(ticket);
        }

        using var ending = new CancellationTokenSource();
        Task receiving = ReceiveAsync(socket, wake);
        Task sending = SendAsync(socket, wake, ending.Token);
        Task ticking = TickAsync(socket, ending.Token);
        await AwaitOpenedAsync(opened.Task, receiving, socket, cancellation).ConfigureAwait(false);
        if (_isOpened) first.TrySetResult();
        // When the application is done, CLOSE is on its way, and then the WebSocket closes.
        using (_disposed.Token.UnsafeRegister(_ => _ = AbortLaterAsync(socket, receiving), null))
        {
            await receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await ending.CancelAsync().ConfigureAwait(false);
        socket.Abort();
        await Task.WhenAll(sending, ticking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AwaitOpenedAsync(Task opened, Task receiving, WebSocketConnection socket, CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAny(opened, receiving).WaitAsync(_options.OpenTimeout, _options.TimeProvider, cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            if (_disposed.IsCancellationRequested) return;
            socket.Abort();
            await receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (exception is TimeoutException) throw new WebSocketException("The server did not answer OPEN in time.", exception);
            throw;
        }
    }

    /// <summary>Receives until the WebSocket ends.</summary>
    private async Task ReceiveAsync(WebSocketConnection socket, WakeSignal wake)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            int length = 0;
            while (true)
            {
                ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None).ConfigureAwait(false);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).ConfigureAwait(false);
                    return;
                }

                length += result.Count;
                if (!result.EndOfMessage)
                {
                    if (length == buffer.Length) buffer = Grow(buffer, length);
                    continue;
                }

                lock (_gate)
                {
                    // Of a carrier that was given up meanwhile nothing is taken.
                    if (_wake == wake) _client.Receive(result.MessageType == WebSocketMessageType.Binary ? buffer.AsSpan(0, length) : default);
                    SignalRoom();
                }

                length = 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends what there is to send, in bursts; after CLOSE it closes the WebSocket.</summary>
    private async Task SendAsync(WebSocketConnection socket, WakeSignal wake, CancellationToken cancellation)
    {
        List<Task> burst = new(FramesPerBurst);
        while (true)
        {
            bool isLast = false;
            for (int count = 0; count < FramesPerBurst && !isLast; count++)
            {
                SharedFrame? frame;
                lock (_gate)
                {
                    if (_wake != wake || !_client.TryTake(out frame, out _)) break;
                }

                isLast = frame.Type == FrameType.Close;
                ValueTask sending = socket.SendAsync(frame.Bytes, WebSocketMessageType.Binary, endOfMessage: true, cancellation);
                if (!sending.IsCompletedSuccessfully) burst.Add(sending.AsTask());
                if (count == FramesPerBurst - 1) wake.Set();
            }

            await Task.WhenAll(burst).ConfigureAwait(false);
            burst.Clear();
            if (isLast) await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellation).ConfigureAwait(false);
            await wake.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task TickAsync(WebSocketConnection socket, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TickInterval, _options.TimeProvider);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            bool isAlive;
            lock (_gate) isAlive = _client.Tick();
            if (!isAlive) socket.Abort();
        }
    }

    private async Task AbortLaterAsync(WebSocketConnection socket, Task receiving)
    {
        await receiving.WaitAsync(ClosePatience, _options.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        socket.Abort();
    }

    private static byte[] Grow(byte[] buffer, int length)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(length * 2);
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
