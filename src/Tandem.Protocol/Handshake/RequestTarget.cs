using System.Buffers;
using System.Text;

namespace Tandem.Protocol.Handshake;

/// <summary>
/// The target of a request (RFC 9112 section 3.2) in the two forms that a GET may have: origin-form, <c>/chat?x=1</c>, and absolute-form,
/// <c>http://host/chat?x=1</c>, which every server must accept. Nothing is decoded: paths are compared as they are spelled.
/// </summary>
public readonly ref struct RequestTarget
{
    private static readonly SearchValues<byte> NotInAuthority = SearchValues.Create(" \t,/?#@\\\""u8);

    /// <summary>The authority of an absolute-form target; empty for origin-form. It takes precedence over Host (section 3.2.2).</summary>
    public ReadOnlySpan<byte> Authority { get; private init; }

    /// <summary>The path, beginning with a slash.</summary>
    public ReadOnlySpan<byte> Path { get; private init; }

    /// <summary>What follows the question mark; empty when there is none.</summary>
    public ReadOnlySpan<byte> Query { get; private init; }

    /// <summary>Takes a target apart.</summary>
    /// <param name="text">The second part of a request line.</param>
    /// <param name="target">Its parts.</param>
    /// <returns>False when it has neither form. Blanks and a fragment have no place in either (RFC 9112 section 3, RFC 6455 section 3).</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out RequestTarget target)
    {
        target = default;
        if (text.IsEmpty || text.ContainsAny(" \t#"u8)) return false;
        ReadOnlySpan<byte> authority = default;
        if (text[0] != '/')
        {
            int scheme = text.IndexOf("://"u8);
            if (scheme < 0 || !IsHttpOrWebSocket(text[..scheme])) return false;
            authority = text[(scheme + 3)..];
            int end = authority.IndexOfAny((byte)'/', (byte)'?');
            text = end < 0 ? "/"u8 : authority[end..];
            authority = end < 0 ? authority : authority[..end];
            if (!IsAuthority(authority)) return false;
        }

        int question = text.IndexOf((byte)'?');
        ReadOnlySpan<byte> path = question < 0 ? text : text[..question];
        target = new RequestTarget
        {
            Authority = authority,
            Path = path.IsEmpty ? "/"u8 : path,
            Query = question < 0 ? default : text[(question + 1)..],
        };
        return true;
    }

    /// <summary>Whether bytes can be a host and a port: not empty, and none of the characters that end or split an authority.</summary>
    internal static bool IsAuthority(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAny(NotInAuthority);

    private static bool IsHttpOrWebSocket(ReadOnlySpan<byte> scheme) =>
        Ascii.EqualsIgnoreCase(scheme, "http"u8) || Ascii.EqualsIgnoreCase(scheme, "https"u8)
        || Ascii.EqualsIgnoreCase(scheme, "ws"u8) || Ascii.EqualsIgnoreCase(scheme, "wss"u8);
}
