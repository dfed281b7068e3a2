using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>What a client's session tells. Called by whoever calls the session, in the order of the stream; the session may be called from within.</summary>
public abstract class SessionClientEvents
{
    /// <summary>There is something to take.</summary>
    protected internal abstract void OnReady();

    /// <summary>A carrier has the session.</summary>
    /// <param name="resumed">False: it is a new one, and what the one before had is being restored.</param>
    protected internal virtual void OnOpened(bool resumed)
    {
    }

    /// <summary>The session that there was is lost.</summary>
    /// <param name="unconfirmedMessages">How many messages to the application on the server may or may not have arrived. They are not sent again.</param>
    protected internal virtual void OnLost(int unconfirmedMessages)
    {
    }

    /// <summary>The server, or a broken rule, has ended the session. Attaching another carrier begins a new one that restores what there was.</summary>
    /// <param name="code">Why.</param>
    /// <param name="reason">Why, for people who read logs.</param>
    protected internal virtual void OnClosed(SessionCode code, string reason)
    {
    }

    /// <summary>The answer to a request.</summary>
    /// <param name="request">Its number.</param>
    /// <param name="status">What came of it.</param>
    /// <param name="text">For people who read logs.</param>
    protected internal virtual void OnReply(long request, SessionCode status, string text)
    {
    }

    /// <summary>An event of a topic.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="flags">Text or not.</param>
    /// <param name="key">What it is the latest state of; null: nothing.</param>
    /// <param name="payload">The event, until this returns.</param>
    protected internal virtual void OnEvent(string topic, MessageFlags flags, string? key, ReadOnlySpan<byte> payload)
    {
    }

    /// <summary>Events of a topic are missing here.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="missed">How many; 0: not known, perhaps none.</param>
    protected internal virtual void OnGap(string topic, long missed)
    {
    }

    /// <summary>How many subscribers a topic has.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="count">This one among them.</param>
    protected internal virtual void OnPresence(string topic, long count)
    {
    }

    /// <summary>A subscription that was to be restored was refused.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="code">Why.</param>
    protected internal virtual void OnUnsubscribed(string topic, SessionCode code)
    {
    }

    /// <summary>A message of a mailbox, to be settled when it is done with.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="delivery">What settles it.</param>
    /// <param name="flags">Text or not; whether it was delivered before.</param>
    /// <param name="payload">The message, until this returns.</param>
    protected internal virtual void OnDelivery(string mailbox, long delivery, MessageFlags flags, ReadOnlySpan<byte> payload)
    {
    }

    /// <summary>A mailbox is no longer open here.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="code">Why.</param>
    protected internal virtual void OnMailboxClosed(string mailbox, SessionCode code)
    {
    }

    /// <summary>A message of the application on the server.</summary>
    /// <param name="flags">Text or not.</param>
    /// <param name="payload">The message, until this returns.</param>
    protected internal virtual void OnMessage(MessageFlags flags, ReadOnlySpan<byte> payload)
    {
    }
}
