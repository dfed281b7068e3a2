using System.Text;
using Tandem.Protocol.Drafts;

namespace Tandem.Protocol.Handshake;

/// <summary>
/// A client's opening handshake (RFC 6455 section 4.2.1) as a server reads it. Everything in it is a slice of the bytes received: copy what
/// must outlive the handshake.
/// </summary>
/// <remarks>
/// It is read in two steps, because the answer to a bad request depends on whether there is a WebSocket at its path: <see cref="Parse"/>
/// judges what any HTTP request must be, then the server looks the path up, then <see cref="Judge"/> judges the upgrade.
/// </remarks>
public ref struct UpgradeRequest
{
    /// <summary>Most subprotocols that a client may offer: more than any does, and few enough to compare each with each.</summary>
    public const int MaxSubprotocols = 64;

    private HttpHead _head;
    private ReadOnlySpan<byte> _key;
    private ReadOnlySpan<byte> _origin;

    /// <summary>The head with all its fields.</summary>
    public readonly HttpHead Head => _head;

    /// <summary>The draft that the client speaks, one of those that <see cref="Parse"/> was told of; None for RFC 6455.</summary>
    public WebSocketDrafts Draft { get; private set; }

    /// <summary>Bytes of the handshake: where those behind it begin. In hixie-76 eight belong to it that stand behind the head.</summary>
    public readonly int Length => _head.Length + Challenge.Length;

    /// <summary>The eight bytes behind the head in hixie-76; otherwise empty.</summary>
    internal ReadOnlySpan<byte> Challenge { get; private set; }

    /// <summary>Whether its frames are those of hixie-75 and hixie-76.</summary>
    public readonly bool IsHixie => (Draft & WebSocketDrafts.Hixie) != 0;

    /// <summary>The method; GET once <see cref="Judge"/> has passed the request.</summary>
    public ReadOnlySpan<byte> Method { get; private set; }

    /// <summary>The target as it was sent.</summary>
    public ReadOnlySpan<byte> Target { get; private set; }

    /// <summary>The path, as it is spelled.</summary>
    public ReadOnlySpan<byte> Path { get; private set; }

    /// <summary>The query without its question mark, as it is spelled; empty when there is none.</summary>
    public ReadOnlySpan<byte> Query { get; private set; }

    /// <summary>The authority that the client speaks to: Host, or the authority of an absolute-form target.</summary>
    public ReadOnlySpan<byte> Host { get; private set; }

    /// <summary>Sec-WebSocket-Key, once <see cref="Judge"/> has passed the request.</summary>
    public readonly ReadOnlySpan<byte> Key => _key;

    /// <summary>The origin of the page that connects (RFC 6455 section 10.2); empty when the client is not a browser.</summary>
    public readonly ReadOnlySpan<byte> Origin => _origin;

    /// <summary>Reads the request at the start of what has been received.</summary>
    /// <param name="received">All bytes received so far.</param>
    /// <param name="request">The request, when the result is true and there is no refusal.</param>
    /// <param name="refusal">Why the bytes are no HTTP/1.1 request.</param>
    /// <param name="drafts">The drafts that are spoken beside RFC 6455.</param>
    /// <returns>False when more bytes are needed.</returns>
    public static bool Parse(
        ReadOnlySpan<byte> received, out UpgradeRequest request, out HandshakeRefusal refusal, WebSocketDrafts drafts = WebSocketDrafts.None)
    {
        request = default;
        refusal = HandshakeRefusal.None;
        HttpHeadStatus status = HttpHead.Parse(received, out request._head);
        if (status == HttpHeadStatus.NeedMoreData) return false;
        refusal = status == HttpHeadStatus.Complete ? request.ParseRequest() : HandshakeRefusals.From(status);
        return drafts == WebSocketDrafts.None || refusal != HandshakeRefusal.None || request.ParseDraft(received, drafts, out refusal);
    }

    private bool ParseDraft(ReadOnlySpan<byte> received, WebSocketDrafts drafts, out HandshakeRefusal refusal)
    {
        refusal = HandshakeRefusal.None;
        Draft = DraftRequest.Find(in _head, drafts);
        if (!IsHixie) return true;
        if (_head.Length > HixieHandshake.MaxHeadLength)
        {
            refusal = HandshakeRefusal.HeadTooLong;
            return true;
        }

        if (Draft == WebSocketDrafts.Hixie75) return true;
        if (received.Length - _head.Length < HixieHandshake.ChallengeLength) return false;
        Challenge = received.Slice(_head.Length, HixieHandshake.ChallengeLength);
        return true;
    }

    private HandshakeRefusal ParseRequest()
    {
        ReadOnlySpan<byte> line = _head.StartLine;
        int first = line.IndexOf((byte)' ');
        int last = line.LastIndexOf((byte)' ');
        if (first < 0 || last == first || !HttpHead.IsToken(line[..first])) return HandshakeRefusal.InvalidRequestLine;
        Method = line[..first];
        Target = line[(first + 1)..last];
        ReadOnlySpan<byte> version = line[(last + 1)..];
        if (!version.StartsWith("HTTP/"u8) || Target.Contains((byte)' ')) return HandshakeRefusal.InvalidRequestLine;
        if (!version.SequenceEqual("HTTP/1.1"u8)) return HandshakeRefusal.HttpVersionNot11;
        if (!RequestTarget.TryParse(Target, out RequestTarget target)) return HandshakeRefusal.InvalidTarget;
        Path = target.Path;
        Query = target.Query;
        if (_head.TryGetSingle("Host"u8, out ReadOnlySpan<byte> host) != 1 || !RequestTarget.IsAuthority(host)) return HandshakeRefusal.InvalidHost;
        Host = target.Authority.IsEmpty ? host : target.Authority;
        return HandshakeRefusal.None;
    }

    /// <summary>Judges the upgrade.</summary>
    /// <returns>The first rule that the request breaks, or <see cref="HandshakeRefusal.None"/>.</returns>
    public HandshakeRefusal Judge()
    {
        if (!Method.SequenceEqual("GET"u8)) return HandshakeRefusal.MethodNotGet;
        if (HasBody()) return HandshakeRefusal.UnexpectedBody;
        if (!AsksForWebSocket) return HandshakeRefusal.NotAnUpgrade;
        if (!_head.ListContains("Connection"u8, "Upgrade"u8)) return HandshakeRefusal.ConnectionNotUpgrade;
        return IsVersionSupported() ? JudgeKey() : JudgeDraft();
    }

    private HandshakeRefusal JudgeKey()
    {
        if (_head.TryGetSingle("Sec-WebSocket-Key"u8, out _key) != 1) return HandshakeRefusal.MissingKey;
        return AcceptKey.IsValid(_key) ? JudgeOffers() : HandshakeRefusal.InvalidKey;
    }

    private HandshakeRefusal JudgeDraft() => Draft switch
    {
        WebSocketDrafts.Hybi07 or WebSocketDrafts.Hybi08 => JudgeHybi(),
        WebSocketDrafts.Hixie75 => JudgeOffers(),
        WebSocketDrafts.Hixie76 => AreHixieKeysValid() ? JudgeOffers() : HandshakeRefusal.InvalidDraftKey,
        _ => HandshakeRefusal.UnsupportedVersion,
    };

    private HandshakeRefusal JudgeHybi()
    {
        HandshakeRefusal refusal = JudgeKey();
        // The page's origin had this name until hybi-10 and has been Origin since. A browser sends one of them: who sends both wants to be two.
        int count = _head.TryGetSingle("Sec-WebSocket-Origin"u8, out ReadOnlySpan<byte> origin);
        if (refusal != HandshakeRefusal.None || count == 0) return refusal;
        if (count > 1 || _head.Find("Origin"u8) >= 0) return HandshakeRefusal.InvalidOrigin;
        _origin = origin;
        return HandshakeRefusal.None;
    }

    private readonly bool AreHixieKeysValid() =>
        _head.TryGetSingle("Sec-WebSocket-Key1"u8, out ReadOnlySpan<byte> first) == 1 && HixieHandshake.TryReadKey(first, out _)
        && _head.TryGetSingle("Sec-WebSocket-Key2"u8, out ReadOnlySpan<byte> second) == 1 && HixieHandshake.TryReadKey(second, out _);

    /// <summary>
    /// Judges an extended CONNECT whose :protocol is "websocket" (RFC 8441 section 5), which an HTTP/2 server has read and whose fields were put
    /// into a head: Upgrade, Connection and Sec-WebSocket-Key do not exist there and are not looked at, all else is as in <see cref="Judge"/>.
    /// </summary>
    /// <returns>The first rule that the request breaks, or <see cref="HandshakeRefusal.None"/>.</returns>
    public HandshakeRefusal JudgeExtendedConnect() => IsVersionSupported() ? JudgeOffers() : HandshakeRefusal.UnsupportedVersion;

    private readonly bool IsVersionSupported() =>
        _head.TryGetSingle("Sec-WebSocket-Version"u8, out ReadOnlySpan<byte> version) == 1 && version.SequenceEqual("13"u8);

    // What is the same for every version of HTTP.
    private HandshakeRefusal JudgeOffers()
    {
        if (_head.TryGetSingle("Origin"u8, out _origin) > 1) return HandshakeRefusal.InvalidOrigin;
        if (!AreSubprotocolsValid()) return HandshakeRefusal.InvalidSubprotocols;
        for (int i = _head.Find("Sec-WebSocket-Extensions"u8); i >= 0; i = _head.Find("Sec-WebSocket-Extensions"u8, i + 1))
        {
            if (!ExtensionReader.IsValid(_head.Value(i))) return HandshakeRefusal.InvalidExtensions;
        }

        return HandshakeRefusal.None;
    }

    /// <summary>Whether Upgrade names websocket: what tells a WebSocket handshake from any other request.</summary>
    public readonly bool AsksForWebSocket => _head.ListContains("Upgrade"u8, "websocket"u8);

    /// <summary>Whether the client offered a subprotocol.</summary>
    /// <param name="subprotocol">The name; compared with case, as RFC 6455 section 4.1 does.</param>
    /// <returns>True when it did.</returns>
    public readonly bool Offers(ReadOnlySpan<char> subprotocol)
    {
        SubprotocolEnumerator offered = Subprotocols;
        while (offered.MoveNext())
        {
            if (Ascii.Equals(offered.Current, subprotocol)) return true;
        }

        return false;
    }

    /// <summary>Chooses a subprotocol (section 4.2.2): of those that the server supports, the one that the client prefers.</summary>
    /// <param name="supported">What the server supports, in any order.</param>
    /// <returns>The name, or null when there is none in common: then the answer names none.</returns>
    public readonly string? SelectSubprotocol(ReadOnlySpan<string> supported)
    {
        SubprotocolEnumerator offered = Subprotocols;
        while (!supported.IsEmpty && offered.MoveNext())
        {
            foreach (string candidate in supported)
            {
                if (Ascii.Equals(offered.Current, candidate)) return candidate;
            }
        }

        return null;
    }

    /// <summary>The subprotocols that the client offers, in its order of preference, over all lines of the field.</summary>
    public readonly SubprotocolEnumerator Subprotocols => new(_head, SubprotocolField);

    private readonly ReadOnlySpan<byte> SubprotocolField => Draft == WebSocketDrafts.Hixie75 ? "WebSocket-Protocol"u8 : "Sec-WebSocket-Protocol"u8;

    /// <summary>The value of a query parameter, percent-decoded, with + for a blank.</summary>
    /// <param name="name">The parameter's name, as it is spelled in the query.</param>
    /// <returns>The first value, or null.</returns>
    public readonly string? GetQuery(ReadOnlySpan<char> name)
    {
        if (!TryFindPair(Query, (byte)'&', name, out ReadOnlySpan<byte> value)) return null;
        string text = Encoding.UTF8.GetString(value).Replace('+', ' ');
        return Uri.UnescapeDataString(text);
    }

    /// <summary>The value of a cookie (RFC 6265 section 4.2), as it is spelled.</summary>
    /// <param name="name">The cookie's name, with its case.</param>
    /// <returns>The first value, or null.</returns>
    public readonly string? GetCookie(ReadOnlySpan<char> name)
    {
        for (int i = _head.Find("Cookie"u8); i >= 0; i = _head.Find("Cookie"u8, i + 1))
        {
            if (TryFindPair(_head.Value(i), (byte)';', name, out ReadOnlySpan<byte> value)) return Encoding.Latin1.GetString(value);
        }

        return null;
    }

    /// <summary>The value of a field as text.</summary>
    /// <param name="name">The field's name, ASCII, in any case.</param>
    /// <returns>The value of its first line, or null.</returns>
    public readonly string? GetHeader(ReadOnlySpan<char> name)
    {
        for (int i = 0; i < _head.FieldCount; i++)
        {
            if (Ascii.EqualsIgnoreCase(_head.Name(i), name)) return Encoding.Latin1.GetString(_head.Value(i));
        }

        return null;
    }

    /// <summary>Copies what must outlive the handshake's buffer.</summary>
    /// <returns>The copy.</returns>
    public readonly UpgradeRequestSnapshot ToSnapshot() => new(in this);

    private readonly bool HasBody()
    {
        if (_head.Find("Transfer-Encoding"u8) >= 0) return true;
        int count = _head.TryGetSingle("Content-Length"u8, out ReadOnlySpan<byte> length);
        // The challenge of hixie-76 is no body, but clients that stand on a library of HTTP announce it as one.
        return count > 1 || (count == 1 && !length.SequenceEqual(Draft == WebSocketDrafts.Hixie76 ? "8"u8 : "0"u8));
    }

    private readonly bool AreSubprotocolsValid()
    {
        SubprotocolEnumerator offered = Subprotocols;
        int count = 0;
        while (offered.MoveNext())
        {
            if (++count > MaxSubprotocols || !HttpHead.IsToken(offered.Current)) return false;
            SubprotocolEnumerator before = Subprotocols;
            for (int i = 1; i < count && before.MoveNext(); i++)
            {
                if (before.Current.SequenceEqual(offered.Current)) return false;
            }
        }

        // The field's list is "1#": one that names nothing, over all its lines, is malformed.
        return count > 0 || _head.Find(SubprotocolField) < 0;
    }

    private static bool TryFindPair(ReadOnlySpan<byte> pairs, byte separator, ReadOnlySpan<char> name, out ReadOnlySpan<byte> value)
    {
        while (!pairs.IsEmpty)
        {
            int end = pairs.IndexOf(separator);
            ReadOnlySpan<byte> pair = (end < 0 ? pairs : pairs[..end]).Trim(" \t"u8);
            pairs = end < 0 ? default : pairs[(end + 1)..];
            int equals = pair.IndexOf((byte)'=');
            if (!Ascii.Equals(equals < 0 ? pair : pair[..equals], name)) continue;
            value = equals < 0 ? default : pair[(equals + 1)..];
            return true;
        }

        value = default;
        return false;
    }
}
