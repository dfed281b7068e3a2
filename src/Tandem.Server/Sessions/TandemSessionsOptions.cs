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
    /// Default true; behind a reverse proxy all WebSockets come from one address, and then it should be false.
    /// </summary>
    public bool CountAddresses { get; init; } = true;

    internal void Validate()
    {
        Check(Path is { Length: > 1 } && Path[0] == '/' && Path[^1] != '/' && !Path.AsSpan().ContainsAny('{', '?', '#'), nameof(Path), "must be /name, without a slash at its end");
        Check(Origins is not null, nameof(Origins), "must not be null");
        Check(AuthenticationTimeout > TimeSpan.Zero && AuthenticationTimeout.TotalDays <= 1, nameof(AuthenticationTimeout), "must be positive and at most a day");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"TandemSessionsOptions.{name} {rule}.");
    }
}
