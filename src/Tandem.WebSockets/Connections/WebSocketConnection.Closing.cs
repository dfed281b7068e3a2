using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Connections;

namespace Tandem.WebSockets;

/// <content>The end: what <see cref="ClosingHandshake"/> decides is carried out here.</content>
public sealed partial class WebSocketConnection
{
    // How long a client waits, after both close frames, for the server to end TCP first (section 7.1.1): a courtesy, and as long as the BCL's.
    private static readonly TimeSpan ServerEndWait = TimeSpan.FromSeconds(1);

    // How long a connection that was disposed of holds its stream for frames that it still owes a slow one.
    private static readonly TimeSpan OwedWait = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Sends a close frame, waits for the peer's and discards what comes before it (RFC 6455 section 7.1.2). A receive may be pending: it
    /// receives what comes before the answer, and the answer.
    /// </summary>
    /// <param name="closeStatus">The code (section 7.4); Empty for none.</param>
    /// <param name="statusDescription">The reason, at most 123 bytes in UTF-8; null for none.</param>
    /// <param name="cancellationToken">Aborts the connection.</param>
    /// <returns>A task that completes when the connection is closed.</returns>
    /// <exception cref="ArgumentException">The code must not be sent, or the reason is too long. Thrown by the call itself.</exception>
    /// <exception cref="WebSocketException">InvalidState: closed or aborted. ConnectionClosedPrematurely: the transport ended before the answer came.</exception>
    /// <exception cref="OperationCanceledException">
    /// Cancelled, or aborted, also because the peer was silent for <see cref="WebSocketConnectionOptions.CloseTimeout"/>.
    /// </exception>
    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        Validate(closeStatus, statusDescription);
        return CloseCoreAsync(closeStatus, statusDescription ?? "", cancellationToken);
    }

    /// <summary>Sends a close frame, and waits for nothing: receiving goes on until the peer's has come.</summary>
    /// <param name="closeStatus">The code (section 7.4); Empty for none.</param>
    /// <param name="statusDescription">The reason, at most 123 bytes in UTF-8; null for none.</param>
    /// <param name="cancellationToken">Aborts the connection when the frame may be on its way.</param>
    /// <returns>A task that completes when the stream has taken the frame.</returns>
    /// <exception cref="ArgumentException">The code must not be sent, or the reason is too long. Thrown by the call itself.</exception>
    /// <exception cref="WebSocketException">InvalidState: neither open nor CloseReceived. ConnectionClosedPrematurely: the transport failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the connection was aborted.</exception>
    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        Validate(closeStatus, statusDescription);
        return CloseOutputCoreAsync(closeStatus, statusDescription ?? "", cancellationToken);
    }

    /// <summary>Lets the transport go. Idempotent; the gate is not held, because a stream may run others' code when it is disposed.</summary>
    internal void DropTransport()
    {
        CloseCause cause;
        lock (_gate)
        {
            if (_dropped) return;
            _dropped = true;
            cause = _cause?.Value ?? WebSockets.CloseCause.Without(CloseInitiator.TransportEnd);
            _timer?.Dispose();
            if (_receiver == Receiver.None) DropReceiving();
        }

        CountEnded(in cause);
        Task? owed = _sender.Stop();
        if (owed is null || State == WebSocketState.Aborted) _stream.Dispose();
        else _ = DisposeStreamAfterAsync(owed);
    }

    // Its senders were told that the frames are on their way, and an application may dispose of a connection once it has sent its last word.
    private async Task DisposeStreamAfterAsync(Task owed)
    {
        try
        {
            await owed.WaitAsync(OwedWait, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The peer takes nothing.
        }

        _stream.Dispose();
    }

    private async Task CloseOutputCoreAsync(WebSocketCloseStatus status, string reason, CancellationToken cancellationToken)
    {
        SendOperation operation;
        lock (_gate)
        {
            if (_phase is not (WebSocketState.Open or WebSocketState.CloseReceived)) throw InvalidState("closing the output");
            cancellationToken.ThrowIfCancellationRequested();
            operation = QueueClose(status, reason);
        }

        await _sender.Start(operation, cancellationToken).ConfigureAwait(false);
        await EndAsync().ConfigureAwait(false);
    }

    private async Task CloseCoreAsync(WebSocketCloseStatus status, string reason, CancellationToken cancellationToken)
    {
        SendOperation? operation = null;
        lock (_gate)
        {
            if (_phase is WebSocketState.Aborted or WebSocketState.Closed) throw InvalidState("closing");
            cancellationToken.ThrowIfCancellationRequested();
            if (_phase != WebSocketState.CloseSent) operation = QueueClose(status, reason);
        }

        if (operation is not null) await _sender.Start(operation, cancellationToken).ConfigureAwait(false);
        byte[]? discarded = null;
        while (State == WebSocketState.CloseSent)
        {
            Task? left = null;
            lock (_gate)
            {
                if (_receiver != Receiver.None) left = ReceiverLeft();
                else _receiver = Receiver.Closer;
                _hasReceived = false;
            }

            if (left is null) await ReceiveCoreAsync(discarded ??= new byte[DirectBytes], 0, Found.NeedsMore, cancellationToken).ConfigureAwait(false);
            else await WaitForReceiverAsync(left, cancellationToken).ConfigureAwait(false);
        }

        if (State != WebSocketState.Closed) throw Failure(null, cancellationToken);
        await EndAsync().ConfigureAwait(false);
    }

    private async Task WaitForReceiverAsync(Task left, CancellationToken cancellationToken)
    {
        try
        {
            await left.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Abort();
            throw;
        }
    }

    // The gate is held.
    private SendOperation QueueClose(WebSocketCloseStatus status, string reason)
    {
        Signal(CloseSignal.LocalClose, new CloseCause(CloseInitiator.Local, status, reason, ProtocolFault.None));
        ArmCloseDeadline();
        return _sender.Queue.EnqueueClose(status, reason);
    }

    private void OnPeerClose(ReadOnlySpan<byte> payload)
    {
        WebSocketCloseStatus status = ClosePayload.Read(payload, out ReadOnlySpan<byte> reasonBytes);
        string reason = ClosePayload.ReasonText(reasonBytes);
        lock (_gate)
        {
            _closeStatusDescription = reason;
            _closeStatus = status == WebSocketCloseStatus.Empty ? WebSocketCloseStatus.NormalClosure : status;
            Signal(CloseSignal.PeerClose, new CloseCause(CloseInitiator.Peer, status, reason, ProtocolFault.None));
        }
    }

    /// <summary>After both close frames, the transport's end; otherwise nothing.</summary>
    private async Task EndAsync()
    {
        bool now;
        lock (_gate)
        {
            if (_phase != WebSocketState.Closed || _dropped) return;
            now = _options.Role == WebSocketRole.Server && _sender.EndTransport();
        }

        if (now) DropTransport();
        if (_options.Role == WebSocketRole.Client) await AwaitServerEndAsync().ConfigureAwait(false);
    }

    private async Task AwaitServerEndAsync()
    {
        lock (_gate)
        {
            if (_awaitsServerEnd) return;
            _awaitsServerEnd = true;
        }

        try
        {
            Task end = DiscardToEndAsync();
            // What the read says when its stream is taken away is of no interest, and must not be reported as unobserved.
            _ = end.ContinueWith(static task => task.Exception, TaskScheduler.Default);
            await end.WaitAsync(ServerEndWait, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // A reset, or the second is over: the connection is closed all the same.
        }

        DropTransport();
    }

    // Section 7.1.1: "discarding any trailing bytes that may have been received". They are no reason to end before the server does.
    private async Task DiscardToEndAsync()
    {
        // First of all it lets go of its caller, who has the deadline: a server that goes on sending could keep reading for ever.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        byte[] trailing = new byte[1024];
        while (await _stream.ReadAsync(trailing).ConfigureAwait(false) != 0)
        {
        }
    }

    /// <summary>Fails the connection (section 7.1.7): says why in a close frame, and throws.</summary>
    private async Task FailAsync(ProtocolFault fault)
    {
        SendOperation? close = null;
        _telemetry.Fault(fault);
        lock (_gate)
        {
            CloseActions actions = Signal(CloseSignal.Fault, new CloseCause(CloseInitiator.ProtocolFault, fault.CloseStatus(), fault.Text(), fault));
            if ((actions & CloseActions.SendClose) != 0) close = _sender.Queue.EnqueueClose(fault.CloseStatus(), fault.Text());
            // The transport is not ended at once: with bytes unread that would be a reset, which can overtake the close frame. It ends with
            // Dispose, or when the time for closing is over.
            ArmCloseDeadline();
        }

        if (close is not null)
        {
            try
            {
                await _sender.Start(close, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
            {
                // The peer cannot be told. The application is, below.
            }
        }

        throw Failure(null, CancellationToken.None);
    }

    internal void OnTransportEnd()
    {
        lock (_gate) Signal(CloseSignal.TransportEnd, WebSockets.CloseCause.Without(CloseInitiator.TransportEnd));
        DropTransport();
    }

    private void Abort(CloseInitiator initiator)
    {
        lock (_gate)
        {
            _disposed = true;
            Signal(CloseSignal.Deadline, WebSockets.CloseCause.Without(initiator));
        }

        DropTransport();
    }

    // The gate is held.
    private CloseActions Signal(CloseSignal signal, in CloseCause cause)
    {
        WebSocketState before = _phase;
        (_phase, CloseActions actions) = ClosingHandshake.Next(before, signal, _options.Role);
        // The first cause stands, unless the closing handshake that this end began was never finished.
        bool unfinished = before == WebSocketState.CloseSent && _phase == WebSocketState.Aborted;
        if (_cause is null || unfinished) _cause = new StrongBox<CloseCause>(cause);
        // Behind its close frame the peer sends nothing, no pong either (section 5.5.1).
        if (_phase is not (WebSocketState.Open or WebSocketState.CloseSent)) _pings?.Fail(() => Failure(null, CancellationToken.None));
        return actions;
    }

    private static void Validate(WebSocketCloseStatus closeStatus, string? statusDescription)
    {
        if (closeStatus != WebSocketCloseStatus.Empty && !ClosePayload.IsSendable(closeStatus))
        {
            throw new ArgumentException($"RFC 6455 section 7.4: the close code {(int)closeStatus} must not be sent.", nameof(closeStatus));
        }

        if (string.IsNullOrEmpty(statusDescription)) return;
        if (closeStatus == WebSocketCloseStatus.Empty)
        {
            throw new ArgumentException("A close frame without a code has no reason.", nameof(statusDescription));
        }

        if (Encoding.UTF8.GetByteCount(statusDescription) > ClosePayload.MaxReasonLength)
        {
            throw new ArgumentException("RFC 6455 section 5.5: the reason has more than 123 bytes of UTF-8.", nameof(statusDescription));
        }
    }
}
