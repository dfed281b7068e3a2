using System.Net;
using System.Text;

namespace Tandem.WebSockets.Client;

/// <summary>
/// Basic credentials (RFC 7617), made of a URI's userinfo or of a <see cref="NetworkCredential"/>. RFC 6455 section 3 has no userinfo in its
/// grammar; URIs have (RFC 3986 section 3.2.1), browsers accept it for ws, and section 4.1 allows Authorization, so it is sent as that, with the
/// first request since there is no second one. It never stands in Host or in a message.
/// </summary>
internal static class BasicCredentials
{
    /// <summary>The value of Authorization for a URI's userinfo.</summary>
    /// <param name="uri">The URI.</param>
    /// <returns>The value, or null when the URI has no userinfo.</returns>
    /// <exception cref="ArgumentException">The user's name contains a colon, or there is a control character.</exception>
    public static string? FromUserInfo(Uri uri)
    {
        if (uri.UserInfo.Length == 0) return null;
        int colon = uri.UserInfo.IndexOf(':', StringComparison.Ordinal);
        string user = colon < 0 ? uri.UserInfo : uri.UserInfo[..colon];
        string password = colon < 0 ? "" : uri.UserInfo[(colon + 1)..];
        return Encode(Uri.UnescapeDataString(user), Uri.UnescapeDataString(password));
    }

    /// <summary>The value of Proxy-Authorization for a credential.</summary>
    /// <param name="credential">The credential, or null.</param>
    /// <returns>The value; null when there is no credential, or the one of the logged-in user, which has no name or password to send.</returns>
    /// <exception cref="ArgumentException">The user's name contains a colon, or there is a control character.</exception>
    public static string? From(NetworkCredential? credential) =>
        string.IsNullOrEmpty(credential?.UserName) ? null : Encode(credential.UserName, credential.Password);

    private static string Encode(string user, string password)
    {
        // RFC 7617 section 2: such a name could not be told from a name and the start of a password.
        if (user.Contains(':', StringComparison.Ordinal)) throw new ArgumentException("A user name in Basic credentials has no colon (RFC 7617 section 2).");
        if (user.Any(char.IsControl) || password.Any(char.IsControl)) throw new ArgumentException("Basic credentials have no control characters (RFC 7617 section 2).");
        return "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
    }
}
