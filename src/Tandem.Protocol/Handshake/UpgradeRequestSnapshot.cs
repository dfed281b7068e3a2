using System.Text;
using Tandem.Protocol.Drafts;

namespace Tandem.Protocol.Handshake;

/// <summary>
/// A copy of an <see cref="UpgradeRequest"/> that outlives the buffer it was read from: for decisions that are made later, on any thread.
/// Immutable; its members take the head apart when they are asked.
/// </summary>
public sealed class UpgradeRequestSnapshot
{
    private readonly byte[] _handshake;
    private readonly WebSocketDrafts _draft;

    internal UpgradeRequestSnapshot(in UpgradeRequest request)
    {
        _handshake = [.. request.Head.Bytes, .. request.Challenge];
        _draft = request.Draft;
    }

    /// <summary>The request, as slices of this copy.</summary>
    public UpgradeRequest Request
    {
        get
        {
            UpgradeRequest.Parse(_handshake, out UpgradeRequest request, out _, _draft);
            request.Judge(); // what it found before, so that key and origin are there again
            return request;
        }
    }

    /// <summary>The path, as it is spelled.</summary>
    public string Path => Encoding.UTF8.GetString(Request.Path);

    /// <summary>The query without its question mark, as it is spelled; empty when there is none.</summary>
    public string Query => Encoding.UTF8.GetString(Request.Query);

    /// <summary>The authority that the client speaks to.</summary>
    public string Host => Encoding.Latin1.GetString(Request.Host);

    /// <summary>The origin of the page that connects (RFC 6455 section 10.2); null when the client is not a browser.</summary>
    public string? Origin => Request.Origin.IsEmpty ? null : Encoding.Latin1.GetString(Request.Origin);

    /// <summary>The subprotocols that the client offers, in its order of preference.</summary>
    public IReadOnlyList<string> Subprotocols
    {
        get
        {
            List<string> names = [];
            SubprotocolEnumerator offered = Request.Subprotocols;
            while (offered.MoveNext()) names.Add(Encoding.Latin1.GetString(offered.Current));
            return names;
        }
    }

    /// <summary>All fields of the head, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers
    {
        get
        {
            HttpHead head = Request.Head;
            var fields = new KeyValuePair<string, string>[head.FieldCount];
            for (int i = 0; i < fields.Length; i++) fields[i] = new(Encoding.Latin1.GetString(head.Name(i)), Encoding.Latin1.GetString(head.Value(i)));
            return fields;
        }
    }

    /// <inheritdoc cref="UpgradeRequest.GetQuery"/>
    public string? GetQuery(string name) => Request.GetQuery(name);

    /// <inheritdoc cref="UpgradeRequest.GetCookie"/>
    public string? GetCookie(string name) => Request.GetCookie(name);

    /// <inheritdoc cref="UpgradeRequest.GetHeader"/>
    public string? GetHeader(string name) => Request.GetHeader(name);
}
