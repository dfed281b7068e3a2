using System.Diagnostics.Metrics;
using Tandem.Sessions;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Link;

/// <summary>
/// What a server says about links: which mailboxes there may be, how large, and how often somebody may try. It sees routing ids and inbox ids, sizes and times; what the ends
/// say to each other it cannot read. It keeps no table of codes or links: a ticket is a mailbox that somebody has open.
/// </summary>
public sealed class LinkApplication : SessionApplication
{
    private readonly Lock _gate = new();
    private readonly TandemLinkOptions _options;
    private readonly TimeProvider _time;
    private readonly LinkTelemetry _telemetry;
    private readonly AddressBuckets _claims;
    private readonly AddressBuckets _inboxes;
    private TokenBucket _allClaims;

    /// <summary>Makes the application of one hub.</summary>
    /// <param name="options">The bounds. Its clock is that of its sessions. Null: the defaults.</param>
    /// <param name="meters">Makes the meter. Null: it is the process's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public LinkApplication(TandemLinkOptions? options = null, IMeterFactory? meters = null)
        : this(options, LinkTelemetry.For(meters))
    {
    }

    internal LinkApplication(TandemLinkOptions? options, LinkTelemetry telemetry)
    {
        _options = options ?? new TandemLinkOptions();
        _options.Validate();
        _time = _options.Sessions.TimeProvider;
        _telemetry = telemetry;
        _claims = new AddressBuckets(_options.ClaimsPerAddress, _options.MaxAddresses, _time);
        _inboxes = new AddressBuckets(_options.InboxesPerAddress, _options.MaxAddresses, _time);
        _allClaims = new TokenBucket(_options.Claims, _time.GetTimestamp());
    }

    /// <summary>How many addresses the limit of claims remembers.</summary>
    internal int Addresses => _claims.Count;

    /// <inheritdoc/>
    protected override SessionCode Authorize(Session session, SessionAction action, string name)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(name);
        if (action is SessionAction.Subscribe or SessionAction.Publish) return SessionCode.Forbidden;
        LinkMailbox kind = LinkName.Parse(name, out UInt128 id);
        if (kind == LinkMailbox.None) return SessionCode.InvalidName;
        return IsWithinLimits(session, action, kind, id) ? SessionCode.Ok : SessionCode.TooManyRequests;
    }

    /// <inheritdoc/>
    protected override TopicOptions? GetTopic(string name) => null;

    /// <inheritdoc/>
    protected override MailboxOptions? GetMailbox(string name) => LinkName.Parse(name, out _) switch
    {
        LinkMailbox.Ticket => TandemLinkOptions.Ticket,
        LinkMailbox.Inbox => _options.Inbox,
        _ => null,
    };

    /// <inheritdoc/>
    protected override void OnMailboxAnswered(Session session, SessionAction action, string name, SessionCode code)
    {
        bool isTicket = LinkName.Parse(name, out _) == LinkMailbox.Ticket;
        if (isTicket && action == SessionAction.Send) _telemetry.Claimed(code);
        else if (code != SessionCode.Ok) return;
        else if (isTicket) _telemetry.TicketOpened();
        else if (action == SessionAction.Send) _telemetry.Relayed();
    }

    /// <summary>Whether an address may claim once more. The limit of the address comes first, so that who is beyond it takes nothing from others.</summary>
    internal bool MayClaim(string? address)
    {
        if (address is not null && !_claims.TryTake(address)) return false;
        lock (_gate) return _allClaims.TryTake(_options.Claims, _time);
    }

    private bool IsWithinLimits(Session session, SessionAction action, LinkMailbox kind, UInt128 id)
    {
        if (kind == LinkMailbox.Ticket && action == SessionAction.Send) return MayClaim(session.Address);
        if (session.Tag is not LinkUse use) session.Tag = use = new LinkUse(_options.OpeningsPerSession, _time.GetTimestamp());
        if (action == SessionAction.Consume && !use.TryOpen(_options.OpeningsPerSession, _time)) return false;
        if (kind == LinkMailbox.Ticket || use.Knows(id)) return true;
        if (session.Address is { } address && !_inboxes.TryTake(address)) return false;
        use.Add(id);
        return true;
    }

    /// <summary>What a session has used. Its requests are judged one at a time.</summary>
    private sealed class LinkUse(LinkRate rate, long now)
    {
        // More than a session can have open; who uses more in turn pays for them again.
        private const int MaxInboxes = 64;

        private readonly List<UInt128> _inboxes = new(2);
        private TokenBucket _openings = new(rate, now);

        public bool TryOpen(LinkRate rate, TimeProvider time) => _openings.TryTake(rate, time);

        public bool Knows(UInt128 id) => _inboxes.Contains(id);

        public void Add(UInt128 id)
        {
            if (_inboxes.Count == MaxInboxes) _inboxes.RemoveAt(0);
            _inboxes.Add(id);
        }
    }
}
