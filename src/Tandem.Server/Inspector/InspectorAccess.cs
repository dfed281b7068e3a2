using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tandem.WebSockets;

namespace Tandem.Server.Inspector;

/// <summary>Who may look. docs/serving.md tells it to those who run a server.</summary>
internal sealed class InspectorAccess
{
    /// <summary>A field that no form and no page of another origin can send without being asked first, which is never answered.</summary>
    public const string RequestHeader = "X-Tandem-Inspector";

    private const string CookieName = "tandem-inspector";
    private const string Scheme = "Bearer ";

    // What a request has that came through a proxy, or was rewritten behind one: fields of this name, and those whose names have this in them. No browser sends one of them.
    private static readonly string[] ProxyFields = ["Via", "CDN-Loop"];
    private static readonly string[] ProxyWords = ["Forward", "Proxy", "Client-IP", "ClientIP", "Connecting-IP", "Real-IP", "X-Original-", "X-Envoy-"];

    private readonly TandemInspectorOptions _options;
    private readonly byte[]? _token; // digests: all of one length, whatever is compared with them
    private readonly string? _cookie;

    public InspectorAccess(TandemInspectorOptions options)
    {
        _options = options;
        if (options.Token is null) return;
        _token = Digest(options.Token);
        // Not the token, which the browser would keep; good until the process ends.
        _cookie = Convert.ToHexStringLower(HMACSHA256.HashData(RandomNumberGenerator.GetBytes(32), _token));
    }

    /// <summary>Whether there is a token, with which one could come in.</summary>
    public bool HasToken => _token is not null;

    public bool Allows(HttpContext context) => HasToken ? ShowsToken(context.Request) : IsDirectlyFromHere(context);

    /// <summary>Whether a request that changes something was made by the page itself, or by no browser.</summary>
    public static bool IsOwnPage(HttpRequest request) =>
        request.Headers.ContainsKey(RequestHeader)
        && request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin"
        && OriginPolicy.SameHost.Allows(Encoding.Latin1.GetBytes(request.Headers.Origin.ToString()), Encoding.Latin1.GetBytes(request.Host.Value ?? ""));

    /// <summary>Compares in constant time.</summary>
    public bool IsToken(string text) => _token is not null && CryptographicOperations.FixedTimeEquals(Digest(text), _token);

    public void SetCookie(HttpContext context) => context.Response.Cookies.Append(CookieName, _cookie!, new CookieOptions
    {
        Path = _options.Path,
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
        IsEssential = true,
    });

    private static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private bool ShowsToken(HttpRequest request)
    {
        string authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && IsToken(authorization[Scheme.Length..])) return true;
        return request.Cookies[CookieName] is { } cookie && CryptographicOperations.FixedTimeEquals(Digest(cookie), Digest(_cookie!));
    }

    private static bool IsDirectlyFromHere(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address || !IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)) return false;
        // A proxy of this machine comes from here too. What it leaves in a request says so; one that adds nothing may speak HTTP/1.0, as nginx does
        // before 1.29.7 where nothing else is configured, and no browser.
        if (HttpProtocol.IsHttp10(context.Request.Protocol) || context.Request.Headers.Keys.Any(IsOfProxy)) return false;
        // A name that a stranger's page has pointed at this machine (DNS rebinding) would make it a page of the same origin.
        return IsNameOfHere(context.Request.Host.Host);
    }

    private static bool IsOfProxy(string name) =>
        ProxyFields.Contains(name, StringComparer.OrdinalIgnoreCase) || ProxyWords.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static bool IsNameOfHere(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) // RFC 6761 section 6.3
        || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
}
