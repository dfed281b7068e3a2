using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using Tandem.Link.Secrets;

namespace Tandem.Server.Link;

/// <summary>What kind of mailbox a name is of: docs/link-protocol.md, mailboxes.</summary>
internal enum LinkMailbox
{
    /// <summary>None of a link.</summary>
    None,

    /// <summary>Where claims go.</summary>
    Ticket,

    /// <summary>Where answers and envelopes go.</summary>
    Inbox,
}

/// <summary>The names of a link's mailboxes.</summary>
internal static class LinkName
{
    // 16 bytes in base64url, without padding.
    private const int IdLength = 22;

    /// <summary>Reads a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="id">The routing id or inbox id in it.</param>
    /// <returns>None: it is not the name of a mailbox of a link, or not spelled as the ends spell it.</returns>
    public static LinkMailbox Parse(ReadOnlySpan<char> name, out UInt128 id)
    {
        id = default;
        LinkMailbox kind =
            name.StartsWith(MailboxNames.TicketPrefix, StringComparison.Ordinal) ? LinkMailbox.Ticket
            : name.StartsWith(MailboxNames.InboxPrefix, StringComparison.Ordinal) ? LinkMailbox.Inbox
            : LinkMailbox.None;
        if (kind == LinkMailbox.None) return LinkMailbox.None;
        ReadOnlySpan<char> text = name[(kind == LinkMailbox.Ticket ? MailboxNames.TicketPrefix : MailboxNames.InboxPrefix).Length..];
        // One name for one id: no white space, which the decoder skips, and no padding. Bits beyond the last byte it refuses itself.
        if (text.Length != IdLength || text.ContainsAny(' ', '\t', '\r') || text.ContainsAny('\n', '=')) return LinkMailbox.None;
        Span<byte> bytes = stackalloc byte[16];
        if (Base64Url.DecodeFromChars(text, bytes, out _, out int written) != OperationStatus.Done || written != bytes.Length) return LinkMailbox.None;
        id = MemoryMarshal.Read<UInt128>(bytes);
        return kind;
    }
}
