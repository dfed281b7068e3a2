using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace Tandem.Server.Link;

/// <summary>
/// Signing a computer in by a phone that is signed in already: docs/link-protocol.md, login. What is pending is in the memory of this node: of several, requests to
/// <c>/link/login/</c> of one login must reach the same.
/// </summary>
public sealed record LinkLoginOptions
{
    /// <summary>
    /// Called when the computer's page finishes, with its request and who has approved on the phone: here the application signs the browser in, by a cookie for example. What
    /// it writes is the answer; where it writes nothing that is 204. A login is over before this is called, also when it throws.
    /// </summary>
    public required Func<HttpContext, ClaimsPrincipal, Task> OnLinked { get; init; }

    /// <summary>
    /// Who the phone is, by the request that approves. Null as a result: nobody, and the answer is 401. Default: <see cref="HttpContext.User"/> where it is authenticated, so the
    /// application's own authentication is in front.
    /// </summary>
    public Func<HttpContext, ValueTask<ClaimsPrincipal?>> Authenticate { get; init; } = static context => new(context.User.Identity?.IsAuthenticated == true ? context.User : null);

    /// <summary>How long a login may take from start to finish. Default 120 s, twice the time that people have for the number; 1 s to 10 min.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Most logins that are pending on this node; beyond that none begins (429). Default 10,000, about 4 MiB.</summary>
    public int MaxPending { get; init; } = 10_000;

    /// <summary>How often one address may ask anything of logins; then 429. Default 30 at once and 30 a minute; a login is three requests, of two addresses.</summary>
    public LinkRate RequestsPerAddress { get; init; } = new(30, 30);

    internal void Validate()
    {
        Check(OnLinked is not null, nameof(OnLinked), "must not be null");
        Check(Authenticate is not null, nameof(Authenticate), "must not be null");
        Check(TimeToLive >= TimeSpan.FromSeconds(1) && TimeToLive <= TimeSpan.FromMinutes(10), nameof(TimeToLive), "must be 1 s to 10 min");
        Check(MaxPending >= 1, nameof(MaxPending), "must be positive");
        Check(RequestsPerAddress.IsValid, nameof(RequestsPerAddress), "must have a burst of 1 or more and a positive rate");
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds) throw new ArgumentException($"LinkLoginOptions.{name} {rule}.");
    }
}
