using Tandem.Sessions;

namespace Tandem.Server.Lab;

/// <summary>
/// Sessions for everybody to try: public topics whose names begin with <c>lab/</c>, small and short-lived, and messages that are sent back. Nothing
/// here is anybody's own, so nobody is asked who he is.
/// </summary>
public sealed class LabApplication : SessionApplication
{
    /// <summary>What the names of topics begin with.</summary>
    public const string Prefix = "lab/";

    private static readonly TopicOptions Topics = new() { HistoryEvents = 100, HistoryBytes = 64 * 1024, HistoryAge = TimeSpan.FromMinutes(1), MaxPayload = 16 * 1024 };

    /// <summary>The bounds of a hub that strangers use.</summary>
    public static SessionHubOptions HubOptions { get; } = new() { MaxSessions = 10_000, MaxTopics = 1_000, MaxSubscriptions = 16 };

    /// <inheritdoc/>
    protected override bool May(Session session, SessionAction action, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith(Prefix, StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    protected override TopicOptions? GetTopic(string name) => Topics;

    /// <inheritdoc/>
    protected override MailboxOptions? GetMailbox(string name) => null;

    /// <inheritdoc/>
    protected override void OnMessage(Session session, Tandem.Sessions.Protocol.MessageFlags flags, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(session);
        // Who does not take the answers misses some: this is for measuring, and a session's own bound is there for those who mean harm.
        session.Send(payload, flags);
    }
}
