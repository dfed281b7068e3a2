using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Tandem.Protocol.Handshake;

namespace Tandem.Server.Sessions;

/// <summary>A request that opens a carrier or asks for a ticket, the same for WebSockets on the event loop and for what Kestrel serves.</summary>
public sealed class SessionRequest
{
    private readonly UpgradeRequestSnapshot? _upgrade;

    internal SessionRequest(HttpContext context, IPAddress? remoteAddress)
    {
        HttpContext = context;
        Origin = OriginOf(context);
        RemoteAddress = remoteAddress;
        User = context.User;
    }

    internal SessionRequest(UpgradeRequestSnapshot upgrade, IPAddress remoteAddress, ClaimsPrincipal? user)
    {
        User = user;
        _upgrade = upgrade;
        Origin = upgrade.Origin;
        RemoteAddress = remoteAddress;
    }

    /// <summary>The context in ASP.NET Core. Null: the request is a WebSocket handshake.</summary>
    public HttpContext? HttpContext { get; }

    /// <summary>Who the middleware in front says it is. Null: none has seen the request, because it is a handshake on an event loop.</summary>
    public ClaimsPrincipal? User { get; }

    /// <summary>The origin of the page that asks; null when it is no browser's, or a page's own.</summary>
    public string? Origin { get; }

    /// <summary>Where it comes from: the proxy, where there is one that is not in <see cref="TandemSessionsOptions.KnownProxies"/>.</summary>
    public IPAddress? RemoteAddress { get; }

    internal static string? OriginOf(HttpContext context) => context.Request.Headers.Origin is [{ Length: > 0 } origin, ..] ? origin : null;

    /// <summary>A field of the request.</summary>
    /// <param name="name">Its name, in any case.</param>
    /// <returns>The first value; null when it has none.</returns>
    public string? GetHeader(string name) => _upgrade is not null ? _upgrade.GetHeader(name) : HttpContext!.Request.Headers[name] is [{ } value, ..] ? value : null;

    /// <summary>A cookie.</summary>
    /// <param name="name">Its name, with its case.</param>
    /// <returns>Its value; null when there is none.</returns>
    public string? GetCookie(string name) => _upgrade is not null ? _upgrade.GetCookie(name) : HttpContext!.Request.Cookies[name];

    /// <summary>A parameter of the query.</summary>
    /// <param name="name">Its name, with its case.</param>
    /// <returns>Its first value; null when there is none.</returns>
    public string? GetQuery(string name) => _upgrade is not null ? _upgrade.GetQuery(name) : HttpContext!.Request.Query[name] is [{ } value, ..] ? value : null;
}

/// <summary>Who opens a carrier or asks for a ticket.</summary>
/// <param name="Principal">Who it is, for the application's own checks: <see cref="Tandem.Sessions.Session.Principal"/>.</param>
/// <param name="Owner">Whose sessions are counted together, and who alone may resume them, such as the name of the user: <see cref="Tandem.Sessions.Session.Owner"/>.</param>
public sealed record SessionIdentity(object Principal, string Owner);
