using System.Diagnostics;
using System.Security.Cryptography;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.Client;

/// <summary>The request of an opening handshake, made before anything is connected: what is wrong with the arguments shows before a byte is sent.</summary>
/// <param name="Bytes">The request.</param>
/// <param name="Key">The key that it carries.</param>
internal sealed record OpeningRequest(byte[] Bytes, byte[] Key)
{
    /// <summary>Where in the request the key stands: behind the target, in which 16 random bytes are not met.</summary>
    public int KeyOffset { get; } = Bytes.AsSpan().IndexOf(Key);

    /// <summary>Most bytes of a request: common servers take no more (Node 16 KiB; this one 8 KiB).</summary>
    private const int MaxLength = 16 * 1024;

    // What the handshake writes itself, and what would announce a body; Origin has an option of its own.
    private static readonly HashSet<string> OwnFields = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Upgrade", "Connection", "Origin", "Content-Length", "Transfer-Encoding",
    };

    /// <summary>Makes the request.</summary>
    /// <param name="target">What to ask for.</param>
    /// <param name="authorization">The value of Authorization, or null.</param>
    /// <param name="options">What else to say.</param>
    /// <param name="activity">The trace that the request names (W3C Trace Context), unless the options' headers name one; null for none.</param>
    /// <returns>The request, with a key that is used once.</returns>
    /// <exception cref="ArgumentException">Something cannot stand in the request, or it is longer than 16 KiB.</exception>
    public static OpeningRequest Create(ClientTarget target, string? authorization, WebSocketClientOptions options, Activity? activity = null)
    {
        // Section 4.1: the nonce is chosen at random for each connection.
        Span<byte> nonce = stackalloc byte[16];
        RandomNumberGenerator.Fill(nonce);
        byte[] key = new byte[AcceptKey.KeyLength];
        ClientHandshake.EncodeKey(nonce, key);

        KeyValuePair<string, string>[] fields = Fields(target, authorization, options, activity);
        string[] subprotocols = [.. options.Subprotocols];
        string path = target.Uri.PathAndQuery;
        string? extensions = options.Deflate is null ? null : DeflateNegotiation.Offer(options.Deflate);
        long length = 300L + path.Length + target.HostField.Length
            + subprotocols.Sum(subprotocol => subprotocol.Length + 2L) + fields.Sum(field => field.Key.Length + field.Value.Length + 4L);
        if (length > MaxLength) throw new ArgumentException($"The request would be longer than {MaxLength} bytes, which servers refuse.", nameof(options));
        byte[] bytes = new byte[length];
        int written = ClientHandshake.WriteRequest(bytes, path, target.HostField, key, subprotocols, extensions, fields);
        return new OpeningRequest(bytes[..written], key);
    }

    private static KeyValuePair<string, string>[] Fields(ClientTarget target, string? authorization, WebSocketClientOptions options, Activity? activity)
    {
        var fields = new List<KeyValuePair<string, string>>();
        string? cookies = options.Cookies?.GetCookieHeader(target.Uri);
        if (options.Origin is not null) fields.Add(new("Origin", options.Origin));
        if (authorization is not null) fields.Add(new("Authorization", authorization));
        if (!string.IsNullOrEmpty(cookies)) fields.Add(new("Cookie", cookies));
        foreach ((string name, string value) in options.Headers)
        {
            if (OwnFields.Contains(name) || name.StartsWith("Sec-WebSocket-", StringComparison.OrdinalIgnoreCase))
            {
                throw new ArgumentException($"{name} is written by the handshake itself (RFC 6455 section 4.1).", nameof(options));
            }

            // Two of either would be read as one or the other (RFC 9110 section 5.3, RFC 6265 section 5.4).
            if (authorization is not null && name.Equals("Authorization", StringComparison.OrdinalIgnoreCase))
            {
                throw new ArgumentException("Authorization stands in the headers, and the URI has a user name.", nameof(options));
            }

            if (options.Cookies is not null && name.Equals("Cookie", StringComparison.OrdinalIgnoreCase))
            {
                throw new ArgumentException("Cookie stands in the headers, and there is a container of cookies.", nameof(options));
            }

            fields.Add(new(name, value));
        }

        if (activity is not null && !fields.Exists(static field => field.Key.Equals("traceparent", StringComparison.OrdinalIgnoreCase)))
        {
            DistributedContextPropagator.Current.Inject(activity, fields, static (carrier, name, value) => ((List<KeyValuePair<string, string>>)carrier!).Add(new(name, value)));
        }

        return [.. fields];
    }
}
