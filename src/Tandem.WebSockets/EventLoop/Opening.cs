namespace Tandem.WebSockets.EventLoop;

/// <summary>A connection of an event loop that is not open yet; a <see cref="LoopPeer"/> takes its slot when it is.</summary>
internal abstract class Opening
{
    public abstract void OnEvents();

    public abstract void OnDeadline();

    /// <summary>The loop is about to end: no new connection comes of it.</summary>
    public abstract void BeginStop();

    /// <summary>The loop ends: it is let go, whatever state it is in.</summary>
    public abstract void Drop();
}
