using System.Text;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets;

/// <summary>
/// Which pages may open a WebSocket (RFC 6455 section 10.2). A browser lets any page connect to any server and tells the server which page
/// it is; it is for the server to refuse strangers, or they act with the visitor's cookies. What is no browser sends no Origin, could send
/// any, and is not what this protects from: it passes.
/// </summary>
public abstract class OriginPolicy
{
    /// <summary>Pages whose host and port are those that the request is addressed to.</summary>
    public static OriginPolicy SameHost { get; } = new SameHostPolicy();

    /// <summary>All pages. For public services that look at no cookies.</summary>
    public static OriginPolicy Any { get; } = new AnyPolicy();

    /// <summary>Pages of the given origins, and of the same host.</summary>
    /// <param name="origins">Origins as browsers write them, such as <c>https://example.com</c> or <c>http://localhost:8080</c>; in any case.</param>
    /// <returns>The policy.</returns>
    /// <exception cref="ArgumentException">One of them is not of the form scheme://host[:port].</exception>
    public static OriginPolicy SameHostOr(params IReadOnlyList<string> origins)
    {
        foreach (string origin in origins)
        {
            if (!Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) || uri.PathAndQuery != "/" || origin.EndsWith('/'))
            {
                throw new ArgumentException($"\"{origin}\" is not an origin: scheme://host[:port].", nameof(origins));
            }
        }

        return new ListPolicy([.. origins]);
    }

    /// <summary>Decides.</summary>
    /// <param name="request">The request, already judged.</param>
    /// <returns>True when it may go on.</returns>
    public bool Allows(in UpgradeRequest request) => Allows(request.Origin, request.Host);

    /// <summary>Decides about any HTTP request.</summary>
    /// <param name="origin">The value of Origin; empty when there is none.</param>
    /// <param name="host">The authority that the request is addressed to.</param>
    /// <returns>True when it may go on.</returns>
    public bool Allows(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host) => origin.IsEmpty || AllowsOrigin(origin, host);

    /// <summary>Decides about an origin.</summary>
    /// <param name="origin">The value of Origin; <c>null</c> in letters for pages without one.</param>
    /// <param name="host">The authority of the request: host and, when it is not the scheme's own, port.</param>
    /// <returns>True when pages of it may connect.</returns>
    protected abstract bool AllowsOrigin(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host);

    private static bool IsSameHost(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host)
    {
        int scheme = origin.IndexOf("://"u8);
        if (scheme < 0) return false;
        // The port that either may leave out is the one of the page's scheme: behind a proxy that ends TLS, the page's is the only one known.
        ReadOnlySpan<byte> port = Ascii.EqualsIgnoreCase(origin[..scheme], "https"u8) ? ":443"u8 : ":80"u8;
        return Ascii.EqualsIgnoreCase(Trim(origin[(scheme + 3)..], port), Trim(host, port));
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> authority, ReadOnlySpan<byte> port) =>
        authority.EndsWith(port) ? authority[..^port.Length] : authority;

    private sealed class SameHostPolicy : OriginPolicy
    {
        protected override bool AllowsOrigin(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host) => IsSameHost(origin, host);
    }

    private sealed class AnyPolicy : OriginPolicy
    {
        protected override bool AllowsOrigin(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host) => true;
    }

    private sealed class ListPolicy(string[] origins) : OriginPolicy
    {
        protected override bool AllowsOrigin(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host)
        {
            foreach (string allowed in origins)
            {
                if (Ascii.EqualsIgnoreCase(origin, allowed)) return true;
            }

            return IsSameHost(origin, host);
        }
    }
}
