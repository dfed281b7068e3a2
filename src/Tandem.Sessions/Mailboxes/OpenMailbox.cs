using Tandem.Sessions.Protocol;

namespace Tandem.Sessions;

/// <summary>A mailbox that a session has open.</summary>
internal sealed class OpenMailbox(Session session, string name, long id) : MailboxConsumer
{
    public string Name => name;

    public long Id => id;

    /// <summary>Whether a delivery was refused for want of room. Guarded by the session.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>Lost before the answer to its opening was out. Guarded by the session.</summary>
    public SessionCode? LostWith { get; set; }

    public override bool TryDeliver(long delivery, MailboxMessage message) =>
        session.TryDeliver(this, new DeliveryFrame { MailboxId = id, Delivery = delivery, Flags = message.Flags, Payload = message.Payload.Span }.ToShared());

    public override void OnClosed(SessionCode code) => session.MailboxLost(this, code);
}
