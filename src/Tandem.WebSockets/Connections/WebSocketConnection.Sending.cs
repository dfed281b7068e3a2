using System.Net.WebSockets;
using Tandem.WebSockets.Connections;

namespace Tandem.WebSockets;

/// <content>Sending data.</content>
public sealed partial class WebSocketConnection
{
    /// <inheritdoc cref="SendAsync(ReadOnlyMemory{byte}, WebSocketMessageType, WebSocketMessageFlags, CancellationToken)"/>
    /// <param name="buffer">The payload; not changed, and not to be changed by others until the task has completed.</param>
    /// <param name="messageType">Text, which is the caller's to have in UTF-8, or binary. Not looked at in what continues a message.</param>
    /// <param name="endOfMessage">Whether the message ends here.</param>
    /// <param name="cancellationToken">See the other overload.</param>
    public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        Validate(messageType);
        Validate(buffer);
        return SendAsync(buffer.AsMemory(), messageType, Flags(endOfMessage), cancellationToken).AsTask();
    }

    /// <inheritdoc cref="SendAsync(ReadOnlyMemory{byte}, WebSocketMessageType, WebSocketMessageFlags, CancellationToken)"/>
    /// <param name="buffer">The payload; not changed, and not to be changed by others until the task has completed.</param>
    /// <param name="messageType">Text, which is the caller's to have in UTF-8, or binary. Not looked at in what continues a message.</param>
    /// <param name="endOfMessage">Whether the message ends here.</param>
    /// <param name="cancellationToken">See the other overload.</param>
    public override ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        SendAsync(buffer, messageType, Flags(endOfMessage), cancellationToken);

    /// <summary>
    /// Sends a message or a fragment of one (RFC 6455 section 5.4). Calls may overlap: they are written in their order, and each completes
    /// when the stream has taken its frame. An answer completes before that while other messages that came with the one it answers have not
    /// been received yet: up to 16 KiB of answers leave with one write, when the last of those messages is answered, when a receive has to wait,
    /// when the connection ends, or a millisecond or two later, whatever comes first.
    /// </summary>
    /// <param name="buffer">The payload; not changed, and not to be changed by others until the task has completed.</param>
    /// <param name="messageType">Text, which is the caller's to have in UTF-8, or binary. Not looked at in what continues a message.</param>
    /// <param name="messageFlags">
    /// Whether the message ends here. <see cref="WebSocketMessageFlags.DisableCompression"/> must be the same in all fragments of a
    /// message, and sends it as it is where permessage-deflate was negotiated.
    /// </param>
    /// <param name="cancellationToken">
    /// Takes a message that still waits behind others out of the queue. If a part of it may be on its way, cancellation aborts the connection.
    /// </param>
    /// <returns>A task that must be awaited at most once.</returns>
    /// <exception cref="ArgumentException">Neither text nor binary, or fragments disagree about compression. Thrown by the call itself.</exception>
    /// <exception cref="WebSocketException">InvalidState: neither open nor CloseReceived. ConnectionClosedPrematurely: the transport failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the connection was aborted.</exception>
    public override ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, WebSocketMessageFlags messageFlags, CancellationToken cancellationToken)
    {
        Validate(messageType);
        SendOperation? operation = null;
        Gathered gathered;
        lock (_gate)
        {
            if (_phase is not (WebSocketState.Open or WebSocketState.CloseReceived)) return ValueTask.FromException(InvalidState("sending"));
            if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
            bool disablesCompression = (messageFlags & WebSocketMessageFlags.DisableCompression) != 0;
            if (!_sender.Queue.Accepts(disablesCompression))
            {
                throw new ArgumentException("The fragments of one message must have the same DisableCompression flag.", nameof(messageFlags));
            }

            bool ends = (messageFlags & WebSocketMessageFlags.EndOfMessage) != 0;
            gathered = _sender.Gather(buffer.Span, messageType, ends, disablesCompression, mayWait: _hasReceived && _phase == WebSocketState.Open);
            if (gathered == Gathered.Refused) operation = _sender.Queue.Enqueue(buffer, messageType, ends, disablesCompression);
        }

        if (operation is not null) return _sender.Start(operation, cancellationToken);
        if (gathered == Gathered.Leaves) return _sender.WriteGathered(cancellationToken);
        _sender.Watch();
        return default;
    }

    private static WebSocketMessageFlags Flags(bool endOfMessage) =>
        endOfMessage ? WebSocketMessageFlags.EndOfMessage : WebSocketMessageFlags.None;

    private static void Validate(WebSocketMessageType messageType)
    {
        if (messageType is WebSocketMessageType.Text or WebSocketMessageType.Binary) return;
        throw new ArgumentException("A message is text or binary; CloseOutputAsync sends a close frame.", nameof(messageType));
    }
}
