using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>What a session asks leave for.</summary>
public enum SessionAction
{
    /// <summary>To be sent the events of a topic.</summary>
    Subscribe,

    /// <summary>To publish an event of a topic.</summary>
    Publish,

    /// <summary>To put a message into a mailbox.</summary>
    Send,

    /// <summary>To be the consumer of a mailbox.</summary>
    Consume,
}

/// <summary>
/// What the application decides and is told. Nothing is allowed unless it says so. All members may be called by many threads at once; none may block. No lock is held,
/// so they may call sessions and the hub. What is called for one session comes in its order, except OnDrained.
/// </summary>
public abstract class SessionApplication
{
    /// <summary>Whether a session may begin. It is not asked again when one is resumed.</summary>
    /// <param name="context">Who asks, with what its ticket says.</param>
    /// <returns>Ok, or a code for CLOSE. Default: Ok.</returns>
    protected virtual SessionCode Admit(CarrierContext context) => SessionCode.Ok;

    /// <summary>Whether a session may do something.</summary>
    /// <param name="session">The session, with its principal.</param>
    /// <param name="action">What it wants.</param>
    /// <param name="name">Of the topic or mailbox.</param>
    /// <returns>Default: false, and the request is answered with Forbidden.</returns>
    protected virtual bool May(Session session, SessionAction action, string name) => false;

    /// <summary>The same with a reason, which the request is answered with: for applications that say more than no, such as TooManyRequests where somebody tries too often.</summary>
    /// <param name="session">The session, with its principal and address.</param>
    /// <param name="action">What it wants.</param>
    /// <param name="name">Of the topic or mailbox.</param>
    /// <returns>Ok, or the code of the answer. Default: Ok or Forbidden, as <see cref="May"/> says, which is asked by nobody else.</returns>
    protected virtual SessionCode Authorize(Session session, SessionAction action, string name) => May(session, action, name) ? SessionCode.Ok : SessionCode.Forbidden;

    /// <summary>The bounds and the policy of a topic. Asked once, when this node begins to have it.</summary>
    /// <param name="name">The topic.</param>
    /// <returns>Null: there is no such topic, InvalidName. Default: the default options.</returns>
    protected virtual TopicOptions? GetTopic(string name) => TopicOptions.Default;

    /// <summary>The bounds of a mailbox.</summary>
    /// <param name="name">The mailbox.</param>
    /// <returns>Null: there is no such mailbox, InvalidName. Default: the default options.</returns>
    protected virtual MailboxOptions? GetMailbox(string name) => MailboxOptions.Default;

    /// <summary>A session has begun. Nothing of its client was carried out yet.</summary>
    /// <param name="session">The session.</param>
    protected virtual void OnOpened(Session session)
    {
    }

    /// <summary>A message of a client for the application.</summary>
    /// <param name="session">The session.</param>
    /// <param name="flags">Text or not; text is not checked to be UTF-8.</param>
    /// <param name="payload">The message, until this returns.</param>
    protected virtual void OnMessage(Session session, MessageFlags flags, ReadOnlySpan<byte> payload)
    {
    }

    /// <summary>A request to send to a mailbox or to open one is about to be answered.</summary>
    /// <param name="session">The session.</param>
    /// <param name="action">Send or Consume.</param>
    /// <param name="name">The mailbox.</param>
    /// <param name="code">The answer, also where <see cref="Authorize"/> has given it. Ok: it is stored, or open.</param>
    protected virtual void OnMailboxAnswered(Session session, SessionAction action, string name, SessionCode code)
    {
    }

    /// <summary>There is room again in a session that has refused a message as full.</summary>
    /// <param name="session">The session.</param>
    protected virtual void OnDrained(Session session)
    {
    }

    /// <summary>A session is over.</summary>
    /// <param name="session">The session.</param>
    /// <param name="code">Why.</param>
    /// <param name="reason">Why, for people who read logs; the client's words where the client closed it.</param>
    protected virtual void OnClosed(Session session, SessionCode code, string reason)
    {
    }

    /// <summary>The application or the backplane threw. The session it was for is closed, or its request refused, with InternalError.</summary>
    /// <param name="session">Null: none in particular.</param>
    /// <param name="exception">What was thrown.</param>
    protected virtual void OnFault(Session? session, Exception exception)
    {
    }

    internal SessionCode Admits(CarrierContext context)
    {
        try
        {
            return Admit(context);
        }
        catch (Exception exception)
        {
            NotifyFault(null, exception);
            return SessionCode.InternalError;
        }
    }

    internal SessionCode Allows(Session session, SessionAction action, string name)
    {
        try
        {
            return Authorize(session, action, name);
        }
        catch (Exception exception)
        {
            NotifyFault(session, exception);
            return SessionCode.InternalError;
        }
    }

    internal TopicOptions? FindTopic(string name)
    {
        TopicOptions? options = GetTopic(name);
        options?.Validate();
        return options;
    }

    internal MailboxOptions? FindMailbox(string name)
    {
        MailboxOptions? options = GetMailbox(name);
        options?.Validate();
        return options;
    }

    internal void NotifyOpened(Session session)
    {
        try
        {
            OnOpened(session);
        }
        catch (Exception exception)
        {
            NotifyFault(session, exception);
            session.Close(SessionCode.InternalError, "the application failed");
        }
    }

    internal void NotifyMessage(Session session, MessageFlags flags, ReadOnlySpan<byte> payload) => OnMessage(session, flags, payload);

    internal void NotifyAnswered(Session session, SessionAction action, string name, SessionCode code)
    {
        try
        {
            OnMailboxAnswered(session, action, name, code);
        }
        catch (Exception exception)
        {
            NotifyFault(session, exception);
        }
    }

    internal void NotifyDrained(Session session)
    {
        try
        {
            OnDrained(session);
        }
        catch (Exception exception)
        {
            NotifyFault(session, exception);
            session.Close(SessionCode.InternalError, "the application failed");
        }
    }

    internal void NotifyClosed(Session session, SessionCode code, string reason)
    {
        try
        {
            OnClosed(session, code, reason);
        }
        catch (Exception exception)
        {
            NotifyFault(session, exception);
        }
    }

    internal void NotifyFault(Session? session, Exception exception) => OnFault(session, exception);
}
