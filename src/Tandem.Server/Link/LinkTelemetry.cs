using System.Diagnostics.Metrics;
using System.Reflection;
using Tandem.Sessions.Protocol;

namespace Tandem.Server.Link;

/// <summary>The figures of links: docs/observability.md. Never a routing id, an inbox id or an address.</summary>
public sealed class LinkTelemetry
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Tandem.Link";

    private static readonly string? Version = typeof(LinkTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
    private static readonly LinkTelemetry Shared = new(new Meter(Name, Version));

    private readonly Counter<long> _tickets;
    private readonly Counter<long> _claims;
    private readonly Counter<long> _envelopes;

    private readonly Counter<long> _logins;

    private LinkTelemetry(Meter meter)
    {
        _tickets = meter.CreateCounter<long>("link.tickets", "{ticket}", "Tickets that were opened.");
        _claims = meter.CreateCounter<long>("link.claims", "{claim}", "Claims, by what came of them.");
        _envelopes = meter.CreateCounter<long>("link.envelopes", "{envelope}", "Answers and envelopes that were put into an inbox.");
        _logins = meter.CreateCounter<long>("link.logins", "{request}", "Requests about logins, by what came of them.");
    }

    internal static LinkTelemetry For(IMeterFactory? factory) => factory is null ? Shared : new LinkTelemetry(factory.Create(new MeterOptions(Name) { Version = Version }));

    internal void TicketOpened() => _tickets.Add(1);

    internal void Claimed(SessionCode code) => _claims.Add(1, new KeyValuePair<string, object?>("link.claim.outcome", Outcome(code)));

    internal void Relayed() => _envelopes.Add(1);

    internal void Login(string outcome) => _logins.Add(1, new KeyValuePair<string, object?>("link.login.outcome", outcome));

    private static string Outcome(SessionCode code) => code switch
    {
        SessionCode.Ok => "delivered",
        SessionCode.NotFound => "not_found",
        SessionCode.TooManyRequests => "too_many_requests",
        SessionCode.PayloadTooLarge => "payload_too_large",
        SessionCode.Full => "full",
        SessionCode.Unavailable => "unavailable",
        _ => "failed",
    };
}
