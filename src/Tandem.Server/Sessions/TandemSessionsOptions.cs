using System.Net;
using Tandem.WebSockets;

namespace Tandem.Server.Sessions;

/// <summary>How the sessions of a hub are reached.</summary>
public sealed record TandemSessionsOptions
{
    /// <summary>The path under which the carriers are. Default <c>/session</c>. It begins with a slash and does not end with one.</summary>
    public string Path { get; init; } = "/session";

    /// <summary>
    /// Which pages may open carriers and ask for tickets, for all carriers alike, with CORS where it is HTTP. Default: those of the same host. Clients that are no
    /// browsers send no Origin and are let in.
    /// </summary>
    public OriginPolicy Origins { get; init; } = OriginPolicy.SameHost;

    /// <summary>
    /// Finds out who opens a carrier or asks for a ticket. Null as a result: nobody known; then the hub's application decides
    /// (<see cref="Tandem.Sessions.SessionApplication"/>, Admit), or a ticket does, and none is issued. It is not asked about the other requests of HTTP
    /// carriers, which the session's token speaks for. It has <see cref="AuthenticationTimeout"/>, on the thread pool; what it throws is 500. Default null: nobody is known.
    /// </summary>
    public Func<SessionRequest, CancellationToken, ValueTask<SessionIdentity?>>? Authenticate { get; init; }

    /// <summary>
    /// How long <see cref="Authenticate"/> may take on HTTP carriers; then the answer is 503. For WebSockets it is the HandshakeTimeout of
    /// their server. Default 10 s, which is that one's default.
    /// </summary>
    public TimeSpan AuthenticationTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether the remote address counts as the owner's where nobody is known (<see cref="Tandem.Sessions.SessionHubOptions.MaxSessionsPerOwner"/>).
    /// Of IPv6 the first 64 bits count. Default true; behind a reverse proxy that is not in <see cref="KnownProxies"/> all WebSockets come from one address, and then it
    /// should be false.
    /// </summary>
    public bool CountAddresses { get; init; } = true;

    /// <summary>
    /// Reverse proxies whose <c>X-Forwarded-For</c> is believed, from right to left up to the first address that is none of them. For WebSockets on the event loops, which
    /// middleware for forwarded headers does not see; over HTTP it does no harm beside that. Default: none, since anybody can send the field.
    /// </summary>
    public IReadOnlyList<IPNetwork> KnownProxies { get; init; } = [];

    /// <summary>
    /// What a gateway says in the field <c>Tandem-Gateway-Key</c> of its WebSockets to be believed as a known proxy is, wherever it comes from: a secret of 22 characters or more. For
    /// gateways on this machine, whose address may be that of any other program here. Default null: none.
    /// </summary>
    public string? GatewayKey { get; init; }

    /// <summary>
    /// Addresses that are not counted although others are (<see cref="CountAddresses"/>): of gateways, which have many clients and limit them by themselves. Default: none.
    /// </summary>
    public IReadOnlyList<IPNetwork> UncountedAddresses { get; init; } = [];

    internal void Validate()
    {
        Check(Path is { Length: > 1 } && Path[0] == '/' && Path[^1] != '/' && !Path.AsSpan().ContainsAny('{', '?', '#'), nameof(Path), "must be /name, without a slash at its end");
        Check(Origins is not null, nameof(Origins), "must not be null");
        Check(KnownProxies is not null, nameof(KnownProxies), "must not be null");
        Check(GatewayKey is null or { Length: >= 22 }, nameof(GatewayKey), "must have 22 characters or more");
        Check(UncountedAddresses is not null, nameof(UncountedAddresses), "must not be null");
        Check(AuthenticationTimeout > TimeSpan.Zero && AuthenticationTimeout.TotalDays <= 1, nameof(AuthenticationTimeout), "must be positive and at most a day");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"TandemSessionsOptions.{name} {rule}.");
    }
}
