using System.Buffers.Text;
using System.Security.Cryptography;
using Tandem.Link.Protocol;

namespace Tandem.Link.Secrets;

/// <summary>What the mailboxes of a link are called.</summary>
public static class MailboxNames
{
    /// <summary>What the name of a mailbox that takes claims begins with; a routing id in base64url follows.</summary>
    public const string TicketPrefix = "ticket/";

    /// <summary>What the name of an end's mailbox begins with; an inbox id in base64url follows.</summary>
    public const string InboxPrefix = "link/";

    /// <summary>The mailbox that takes claims.</summary>
    /// <param name="routingId">16 bytes.</param>
    /// <returns>For example <c>ticket/</c> and 22 characters of base64url.</returns>
    public static string Ticket(ReadOnlySpan<byte> routingId) => TicketPrefix + Base64Url.EncodeToString(routingId);

    /// <summary>The mailbox of one end.</summary>
    /// <param name="inboxId">16 bytes.</param>
    /// <returns>For example <c>link/</c> and 22 characters of base64url.</returns>
    public static string Inbox(ReadOnlySpan<byte> inboxId) => InboxPrefix + Base64Url.EncodeToString(inboxId);

    /// <summary>The inbox id of an end.</summary>
    /// <param name="ephemeralPublicKey">Its key in the handshake, 65 bytes.</param>
    /// <returns>16 bytes.</returns>
    public static byte[] InboxId(ReadOnlySpan<byte> ephemeralPublicKey)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("tandem-link-1 inbox"u8);
        hash.AppendData(ephemeralPublicKey);
        return hash.GetHashAndReset()[..LinkLimits.RoutingIdBytes];
    }
}
