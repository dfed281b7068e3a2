using System.Text;
using Tandem.Sessions.Protocol;

namespace Tandem.Sessions.Tests;

/// <summary>An application that allows everything that a test does not forbid, and keeps what it is told.</summary>
internal sealed class TestApplication : SessionApplication
{
    public Func<string, TopicOptions?> Topics { get; set; } = _ => new TopicOptions();

    public Func<string, MailboxOptions?> Mailboxes { get; set; } = _ => new MailboxOptions();

    public Func<Session, SessionAction, string, bool> Allowed { get; set; } = (_, _, _) => true;

    /// <summary>Asked instead of <see cref="Allowed"/> where there is one.</summary>
    public Func<Session, SessionAction, string, SessionCode>? Authorized { get; set; }

    public List<(SessionAction Action, string Mailbox, SessionCode Code)> Answered { get; } = [];

    public Func<CarrierContext, SessionCode> Admitted { get; set; } = _ => SessionCode.Ok;

    public Action<Session, string>? Message { get; set; }

    public List<Session> Opened { get; } = [];

    public List<(Session Session, SessionCode Code, string Reason)> Closed { get; } = [];

    public List<Session> Drained { get; } = [];

    public List<Exception> Faults { get; } = [];

    protected override SessionCode Admit(CarrierContext context) => Admitted(context);

    protected override bool May(Session session, SessionAction action, string name) => Allowed(session, action, name);

    protected override SessionCode Authorize(Session session, SessionAction action, string name) => Authorized?.Invoke(session, action, name) ?? base.Authorize(session, action, name);

    protected override void OnMailboxAnswered(Session session, SessionAction action, string name, SessionCode code) => Answered.Add((action, name, code));

    protected override TopicOptions? GetTopic(string name) => Topics(name);

    protected override MailboxOptions? GetMailbox(string name) => Mailboxes(name);

    protected override void OnOpened(Session session) => Opened.Add(session);

    protected override void OnMessage(Session session, MessageFlags flags, ReadOnlySpan<byte> payload) => Message?.Invoke(session, Encoding.UTF8.GetString(payload));

    protected override void OnDrained(Session session) => Drained.Add(session);

    protected override void OnClosed(Session session, SessionCode code, string reason) => Closed.Add((session, code, reason));

    protected override void OnFault(Session? session, Exception exception) => Faults.Add(exception);
}
