using Tandem.Link.Secrets;
using Tandem.Sessions;

namespace Tandem.Server.Inspector;

/// <summary>What the hub of links has at one moment. Of mailboxes it says how many wait, and how much; what is in them is sealed in any case.</summary>
/// <param name="Hub">Its sessions.</param>
/// <param name="Tickets">Codes that are shown, and trusted phones that are waited for; null: they are with a broker.</param>
/// <param name="Inboxes">The inboxes of both ends.</param>
internal sealed record LinksSnapshot(HubSnapshot Hub, MailboxPage? Tickets, MailboxPage? Inboxes)
{
    // 36 bits in base64url: enough that two rows do not look the same.
    private const int ShownOfId = 6;

    public static LinksSnapshot? Of(SessionHub? hub, int most) => hub is null ? null : new LinksSnapshot(
        hub.GetSnapshot(most), hub.GetMailboxes(MailboxNames.TicketPrefix, most), hub.GetMailboxes(MailboxNames.InboxPrefix, most));

    /// <summary>The beginning of an id, without what stands before it in a name.</summary>
    public static string Shorten(string name)
    {
        string id = name[(name.LastIndexOf('/') + 1)..];
        return id.Length > ShownOfId ? $"{id[..ShownOfId]}\u2026" : id;
    }
}
