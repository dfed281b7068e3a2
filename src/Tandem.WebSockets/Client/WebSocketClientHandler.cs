namespace Tandem.WebSockets;

/// <summary>
/// What an application does with the connections of a <see cref="WebSocketClientLoop"/>. One handler serves all of them, on the loop's thread, as a
/// <see cref="WebSocketHandler"/> does a server's; its <see cref="WebSocketHandler.OnUpgrade"/> is a server's matter and never called.
/// </summary>
public abstract class WebSocketClientHandler : WebSocketHandler
{
    /// <summary>
    /// There is no connection. For every <see cref="WebSocketClientLoop.Connect"/> either this is called, once, or
    /// <see cref="WebSocketHandler.OnOpen"/>.
    /// </summary>
    /// <param name="state">What was given to <see cref="WebSocketClientLoop.Connect"/>.</param>
    /// <param name="failure">The step that failed and, where the server answered, its answer.</param>
    public virtual void OnConnectFailed(object? state, WebSocketConnectException failure)
    {
    }

    /// <summary>
    /// The loop has served what there was to serve, and is about to send what it led to, and to wait. For what is due by time: what is sent here leaves
    /// at once.
    /// </summary>
    /// <returns>
    /// How long it may wait for something to happen before this is called again; no longer than 250 ms in any case, and in whole milliseconds:
    /// with less than one it does not wait, and takes all of its processor. Default: <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </returns>
    public virtual TimeSpan OnTurn() => Timeout.InfiniteTimeSpan;

    /// <summary>A call of this handler has thrown. Its connection, if it was one's, is closed with 1011.</summary>
    /// <param name="peer">The connection; null when it was none's.</param>
    /// <param name="exception">What was thrown. What this method throws itself is ignored.</param>
    public virtual void OnError(WebSocketPeer? peer, Exception exception)
    {
    }
}
