using System.Net.WebSockets;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets;

/// <summary>
/// What an application does with the connections of a route. One handler serves all of them.
/// </summary>
/// <remarks>
/// All calls for one connection come one at a time and in order. On event loops they come from the connection's loop, so a call that blocks holds
/// up every connection of that loop, and calls for different connections come from as many threads as there are loops; over a stream
/// (<see cref="WebSocketRouteHost"/>, or a server where there is no epoll) they come from the thread pool. An exception closes the connection with
/// 1011, is reported to <see cref="WebSocketServerOptions.OnError"/>, and harms nobody else.
/// </remarks>
public abstract class WebSocketHandler
{
    /// <summary>
    /// Decides about a handshake that is correct and whose origin may connect. By default it is accepted. What has to be waited for, such
    /// as a look-up in a database, goes into <see cref="UpgradeContext.Defer"/>.
    /// </summary>
    /// <param name="request">The request; slices of a buffer that is used again after this call.</param>
    /// <param name="context">The answer in the making, and the state that the connection will carry.</param>
    public virtual void OnUpgrade(in UpgradeRequest request, UpgradeContext context)
    {
    }

    /// <summary>The connection is open. What is sent here leaves together with the answer to the handshake.</summary>
    /// <param name="peer">The connection.</param>
    public virtual void OnOpen(WebSocketPeer peer)
    {
    }

    /// <summary>A whole message has arrived.</summary>
    /// <param name="peer">The connection.</param>
    /// <param name="type">Text, which is valid UTF-8, or binary.</param>
    /// <param name="payload">The message; a slice of a buffer that is used again after this call.</param>
    public abstract void OnMessage(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> payload);

    /// <summary>
    /// A part of a message has arrived that is larger than <see cref="WebSocketRoute.StreamMessagesAbove"/>. Parts come in order and nothing
    /// else of the connection's messages comes between them; how they are cut says nothing, and the last one may be empty. To send them on as they come,
    /// send them without <see cref="WebSocketMessageFlags.EndOfMessage"/>: while the other side does not take them
    /// (<see cref="WebSocketServerOptions.ReceivePauseBytes"/>) no more are delivered.
    /// </summary>
    /// <remarks>
    /// The last part may never come: the connection ends, breaks a rule or is closed by this end, and <see cref="OnClose"/> is what says so.
    /// Text is checked as it arrives: all parts together are valid UTF-8, but a character may begin in one and end in the next.
    /// </remarks>
    /// <param name="peer">The connection.</param>
    /// <param name="type">Text or binary, the same for all parts.</param>
    /// <param name="part">The next bytes of the message; a slice of a buffer that is used again after this call.</param>
    /// <param name="endOfMessage">Whether this is the last part.</param>
    /// <exception cref="NotSupportedException">The handler of a route that streams does not override this.</exception>
    public virtual void OnMessagePart(WebSocketPeer peer, WebSocketMessageType type, ReadOnlySpan<byte> part, bool endOfMessage) =>
        throw new NotSupportedException($"{GetType().Name} serves a route with StreamMessagesAbove and does not override OnMessagePart.");

    /// <summary>A pong has arrived (RFC 6455 section 5.5.3). Pings are answered by the server.</summary>
    /// <param name="peer">The connection.</param>
    /// <param name="payload">What the ping said.</param>
    public virtual void OnPong(WebSocketPeer peer, ReadOnlySpan<byte> payload)
    {
    }

    /// <summary>Everything that waited for this peer has gone, after a <c>Send</c> had answered <see cref="SendStatus.Buffered"/>.</summary>
    /// <param name="peer">The connection.</param>
    public virtual void OnDrain(WebSocketPeer peer)
    {
    }

    /// <summary>Somebody has called <see cref="WebSocketPeer.Notify"/>. What is sent here leaves together.</summary>
    /// <param name="peer">The connection.</param>
    public virtual void OnNotified(WebSocketPeer peer)
    {
    }

    /// <summary>The connection has ended. Called once for every connection that was opened; nothing can be sent any more.</summary>
    /// <param name="peer">The connection.</param>
    /// <param name="cause">Why.</param>
    public virtual void OnClose(WebSocketPeer peer, in CloseCause cause)
    {
    }
}
