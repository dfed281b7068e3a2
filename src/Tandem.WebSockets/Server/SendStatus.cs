namespace Tandem.WebSockets;

/// <summary>What became of a message that was given to <c>Send</c>.</summary>
public enum SendStatus : byte
{
    /// <summary>It is on its way, and more may follow.</summary>
    Sent,

    /// <summary>It waits, in order, because the peer reads more slowly than this end sends. Better send no more until <c>OnDrain</c>.</summary>
    Buffered,

    /// <summary>It was dropped: more waits for this peer than may (<see cref="OverflowPolicy.DropMessage"/>).</summary>
    Dropped,

    /// <summary>It was not sent: the connection is closing or closed.</summary>
    Closed,
}
