using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>
/// What is to be done when the locks are left: foreign code is called, and locks are taken that come earlier in the order. One for each nesting
/// of calls on a thread, used again, so that an event for a thousand sessions allocates nothing per session.
/// </summary>
internal sealed class Aftermath
{
    [ThreadStatic]
    private static Aftermath? t_spare;

    private readonly List<Session> _ready = [];
    private readonly List<Session> _drained = [];
    private readonly List<Topic> _topics = [];
    private readonly List<OpenMailbox> _mailboxes = [];
    private readonly List<(Session Session, SessionCode Code, string Reason)> _ended = [];

    public static Aftermath Rent()
    {
        Aftermath aftermath = t_spare ?? new Aftermath();
        t_spare = null;
        return aftermath;
    }

    /// <summary>The session's carrier has something to take.</summary>
    public void Ready(Session session) => _ready.Add(session);

    /// <summary>The application was refused a message of this session for want of room, and there is room now.</summary>
    public void Drained(Session session) => _drained.Add(session);

    /// <summary>A publish of this topic may not have to wait any longer.</summary>
    public void Pump(Topic topic) => _topics.Add(topic);

    /// <summary>There is room for deliveries again.</summary>
    public void Resume(OpenMailbox mailbox) => _mailboxes.Add(mailbox);

    public void End(Session session, SessionCode code, string reason) => _ended.Add((session, code, reason));

    /// <summary>Does it. No lock is held.</summary>
    public void Run()
    {
        foreach ((Session session, SessionCode code, string reason) in _ended) session.End(code, reason);
        _ended.Clear();
        foreach (Session session in _ready) session.NotifyCarrier();
        _ready.Clear();
        foreach (OpenMailbox mailbox in _mailboxes) mailbox.Resume?.Invoke();
        _mailboxes.Clear();
        foreach (Topic topic in _topics) topic.Pump();
        _topics.Clear();
        foreach (Session session in _drained) session.Hub.Application.NotifyDrained(session);
        _drained.Clear();
        t_spare = this;
    }
}
