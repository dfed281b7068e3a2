using System.Net;
using Tandem.Server.Sessions;
using Tandem.Sessions;
using Tandem.WebSockets;

namespace Tandem.Server.Link;

/// <summary>How links are reached and what strangers may cost: docs/link-protocol.md. The ends of a link need nobody's leave, so all is bounded by address and in all.</summary>
public sealed record TandemLinkOptions
{
    /// <summary>The path under which everything of links is. Default <c>/link</c>. It begins with a slash and does not end with one.</summary>
    public string Path { get; init; } = "/link";

    /// <summary>Which pages may use it. Default: those of the same host. Programs that are no browsers send no Origin and are let in.</summary>
    public OriginPolicy Origins { get; init; } = OriginPolicy.SameHost;

    /// <summary>What lies between this node and others. Default null: nothing, the links of this process are its own.</summary>
    public Backplane? Backplane { get; init; }

    /// <summary>
    /// The bounds of sessions. Default: those of <see cref="SessionHubOptions"/>, with 32 mailboxes for a session, which are an inbox, the two tickets on a screen and those of
    /// trusted computers.
    /// </summary>
    public SessionHubOptions Sessions { get; init; } = new() { MaxMailboxes = 32 };

    /// <summary>
    /// The bounds of an inbox. Default: 1024 messages and 4 MiB, which is what 16 files have under way at most, of 64 KiB each at most; a message waits a day, an inbox without use
    /// lives for two. Whoever sends to one that is full is told so, and sends again later.
    /// </summary>
    public MailboxOptions Inbox { get; init; } = new() { MaxMessages = 1024, MaxBytes = 4 * 1024 * 1024, MaxPayload = 64 * 1024 };

    /// <summary>
    /// Most bytes of what waits in all inboxes of this process, each message with 256 besides its payload; whoever sends more is told that the inbox is full, and sends again later. Default
    /// 512 MiB: 128 phones that sleep through as much as an inbox holds, or half a million small messages; a machine with 1 GiB goes on. With a <see cref="Backplane"/> of one's own it means nothing:
    /// that one, or its broker, has bounds itself.
    /// </summary>
    public long MaxInboxBytes { get; init; } = 512 * 1024 * 1024;

    /// <summary>
    /// How often one address may claim, right or wrong. Default 10 at once and 10 a minute: people scan a code a few times at most, and the phones of one network have one
    /// address of IPv4 between them. Of IPv6 64 bits are an address.
    /// </summary>
    public LinkRate ClaimsPerAddress { get; init; } = new(10, 10);

    /// <summary>The same for all addresses of this node together. Default 1000 at once and 30,000 a minute: what a node can do beside its work. A routing id has 122 random bits; no rate makes it guessable.</summary>
    public LinkRate Claims { get; init; } = new(1000, 30_000);

    /// <summary>
    /// How often one address may use an inbox that its session has not used before, to open it or to send to it: an inbox may cost its whole <see cref="Inbox"/>. Default 60
    /// at once and 30 a minute; a link that begins or comes back uses two.
    /// </summary>
    public LinkRate InboxesPerAddress { get; init; } = new(60, 30);

    /// <summary>How often one session may open tickets and inboxes. Default 60 at once and 60 a minute: over a broker each is a queue that is made and deleted.</summary>
    public LinkRate OpeningsPerSession { get; init; } = new(60, 60);

    /// <summary>How many addresses are remembered for each of these limits. Default 65,536, about 8 MiB; beyond that the one longest silent is forgotten.</summary>
    public int MaxAddresses { get; init; } = 65_536;

    /// <summary>
    /// Gateways, such as the mobile server's: their addresses are exempt from all limits by address, of sessions too, since they speak for many phones and limit them by
    /// themselves. Default: none. Loopback is not among them, because the commonest proxy is one on the same machine, and then nobody would be limited.
    /// </summary>
    public IReadOnlyList<IPNetwork> TrustedGateways { get; init; } = [];

    /// <inheritdoc cref="TandemSessionsOptions.KnownProxies"/>
    public IReadOnlyList<IPNetwork> KnownProxies { get; init; } = [];

    /// <inheritdoc cref="TandemSessionsOptions.GatewayKey"/>
    public string? GatewayKey { get; init; }

    /// <summary>Signing a computer in by a phone. Default null: there is none, and <c>/link/login/</c> is not there.</summary>
    public LinkLoginOptions? Login { get; init; }

    /// <summary>The bounds of a ticket, which are the protocol's: 60 s, four claims of which the second is an alarm, each 512 bytes at most.</summary>
    internal static MailboxOptions Ticket { get; } = new()
    {
        RequiresConsumer = true, ConsumerTimeToLive = TimeSpan.FromSeconds(60), MessageTimeToLive = TimeSpan.FromSeconds(60), MaxMessages = 4, MaxBytes = 4 * 512, MaxPayload = 512,
    };

    internal void Validate()
    {
        Check(Sessions is not null, nameof(Sessions), "must not be null");
        Check(Inbox is { RequiresConsumer: false }, nameof(Inbox), "must not be null, nor require a consumer: what is in it waits");
        Check(MaxInboxBytes >= 1, nameof(MaxInboxBytes), "must be positive");
        Check(ClaimsPerAddress.IsValid, nameof(ClaimsPerAddress), Rate);
        Check(Claims.IsValid, nameof(Claims), Rate);
        Check(InboxesPerAddress.IsValid, nameof(InboxesPerAddress), Rate);
        Check(OpeningsPerSession.IsValid, nameof(OpeningsPerSession), Rate);
        Check(MaxAddresses >= 2, nameof(MaxAddresses), "must be 2 or more");
        Check(TrustedGateways is not null, nameof(TrustedGateways), "must not be null");
        Login?.Validate();
        ForSessions().Validate();
    }

    internal TandemSessionsOptions ForSessions() => new() { Path = Path, Origins = Origins, KnownProxies = KnownProxies, GatewayKey = GatewayKey, UncountedAddresses = TrustedGateways };

    private const string Rate = "must have a burst of 1 or more and a positive rate";

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"TandemLinkOptions.{name} {rule}.");
    }
}
