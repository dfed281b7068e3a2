using System.Buffers.Text;
using System.Text;

namespace Tandem.Protocol.Handshake;

/// <summary>The client's side of the opening handshake (RFC 6455 section 4.1): the request, and the judgement of the answer.</summary>
public static class ClientHandshake
{
    /// <summary>Writes the request.</summary>
    /// <param name="destination">Room for the request: 200 bytes and what the arguments take.</param>
    /// <param name="target">The resource name: path and query of the URI (section 3).</param>
    /// <param name="host">Host and, when it is not the scheme's own, port.</param>
    /// <param name="key">The key, base64 of 16 random bytes, fresh for each connection: see <see cref="EncodeKey"/>.</param>
    /// <param name="subprotocols">Offered subprotocols, the preferred one first; may be empty.</param>
    /// <param name="extensions">Offered extensions in the grammar of section 9.1, or null.</param>
    /// <param name="fields">Further fields, such as Origin or Authorization; may be empty.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">An argument cannot stand in an HTTP head, or the destination is too short.</exception>
    public static int WriteRequest(
        Span<byte> destination,
        string target,
        string host,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<string> subprotocols = default,
        string? extensions = null,
        ReadOnlySpan<KeyValuePair<string, string>> fields = default)
    {
        var writer = new HeadWriter(destination);
        if (!target.StartsWith('/') || target.AsSpan().ContainsAny(" \t#")) throw new ArgumentException("A target is a path and an optional query.", nameof(target));
        if (host.Length == 0) throw new ArgumentException("A host is not empty.", nameof(host));
        if (!AcceptKey.IsValid(key)) throw new ArgumentException("A key is base64 of 16 bytes (RFC 6455 section 4.1).", nameof(key));
        foreach (string subprotocol in subprotocols)
        {
            // What would be read as two, or as none, could never be matched with the server's choice.
            if (!HttpHead.IsToken(Encoding.UTF8.GetBytes(subprotocol))) throw new ArgumentException($"\"{subprotocol}\" is not a token (RFC 6455 section 4.1).", nameof(subprotocols));
        }

        writer.Append("GET "u8);
        writer.AppendText(target);
        writer.Append(" HTTP/1.1\r\n"u8);
        writer.AppendField("Host", host);
        writer.Append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "u8);
        writer.Append(key);
        writer.Append("\r\nSec-WebSocket-Version: 13\r\n"u8);
        if (!subprotocols.IsEmpty) writer.AppendField("Sec-WebSocket-Protocol", string.Join(", ", subprotocols!));
        if (extensions is not null) writer.AppendField("Sec-WebSocket-Extensions", extensions);
        foreach ((string name, string value) in fields) writer.AppendField(name, value);
        writer.Append("\r\n"u8);
        return writer.Written;
    }

    /// <summary>Makes a key of a nonce.</summary>
    /// <param name="nonce">16 random bytes.</param>
    /// <param name="key">Receives <see cref="AcceptKey.KeyLength"/> characters.</param>
    /// <exception cref="ArgumentException">The nonce is not 16 bytes long.</exception>
    public static void EncodeKey(ReadOnlySpan<byte> nonce, Span<byte> key)
    {
        if (nonce.Length != 16) throw new ArgumentException("A nonce has 16 bytes (RFC 6455 section 4.1).", nameof(nonce));
        Base64.EncodeToUtf8(nonce, key, out _, out _);
    }

    /// <summary>The status of a response.</summary>
    /// <param name="head">The head of the response.</param>
    /// <returns>100 to 999, or 0 when the start line is not <c>HTTP/1.1 STATUS REASON</c>.</returns>
    public static int Status(in HttpHead head)
    {
        ReadOnlySpan<byte> line = head.StartLine;
        // The reason phrase may be empty, the blank before it may not (RFC 9112 section 4); servers that leave it out are let through.
        bool shaped = line.Length >= 12 && line.StartsWith("HTTP/1.1 "u8) && (line.Length == 12 || line[12] == ' ');
        return shaped && Utf8Parser.TryParse(line.Slice(9, 3), out int status, out int consumed) && consumed == 3 && status >= 100 ? status : 0;
    }

    /// <summary>Judges the answer.</summary>
    /// <param name="head">The head of the response.</param>
    /// <param name="key">The key of the request.</param>
    /// <param name="offeredSubprotocols">What the request offered.</param>
    /// <param name="offeredExtensions">Names of the extensions that the request offered.</param>
    /// <param name="subprotocol">The subprotocol that the server chose, or null.</param>
    /// <returns>The first rule that the answer breaks, or <see cref="ClientHandshakeFault.None"/>.</returns>
    public static ClientHandshakeFault Judge(
        in HttpHead head,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<string> offeredSubprotocols,
        ReadOnlySpan<string> offeredExtensions,
        out string? subprotocol)
    {
        subprotocol = null;
        int status = Status(in head);
        if (status == 0) return ClientHandshakeFault.InvalidHead;
        if (status != 101) return ClientHandshakeFault.UnexpectedStatus;
        // Section 4.1: Upgrade's value is "websocket", in any case; Connection's is a list that contains the token.
        if (head.TryGetSingle("Upgrade"u8, out ReadOnlySpan<byte> upgrade) != 1 || !Ascii.EqualsIgnoreCase(upgrade, "websocket"u8))
        {
            return ClientHandshakeFault.NotAnUpgrade;
        }

        if (!head.ListContains("Connection"u8, "Upgrade"u8)) return ClientHandshakeFault.ConnectionNotUpgrade;
        if (head.TryGetSingle("Sec-WebSocket-Accept"u8, out ReadOnlySpan<byte> accept) != 1) return ClientHandshakeFault.MissingAccept;
        Span<byte> expected = stackalloc byte[AcceptKey.AcceptLength];
        AcceptKey.Compute(key, expected);
        if (!accept.SequenceEqual(expected)) return ClientHandshakeFault.WrongAccept;

        ClientHandshakeFault extensions = JudgeExtensions(in head, offeredExtensions);
        if (extensions != ClientHandshakeFault.None) return extensions;

        int count = head.TryGetSingle("Sec-WebSocket-Protocol"u8, out ReadOnlySpan<byte> chosen);
        if (count == 0) return ClientHandshakeFault.None;
        foreach (string offer in offeredSubprotocols)
        {
            if (count != 1 || !Ascii.Equals(chosen, offer)) continue;
            subprotocol = offer;
            return ClientHandshakeFault.None;
        }

        return ClientHandshakeFault.UnofferedSubprotocol;
    }

    private static ClientHandshakeFault JudgeExtensions(in HttpHead head, ReadOnlySpan<string> offered)
    {
        for (int i = head.Find("Sec-WebSocket-Extensions"u8); i >= 0; i = head.Find("Sec-WebSocket-Extensions"u8, i + 1))
        {
            var reader = new ExtensionReader(head.Value(i));
            ExtensionToken token;
            while ((token = reader.Read()) != ExtensionToken.End)
            {
                if (token == ExtensionToken.Invalid) return ClientHandshakeFault.InvalidExtensions;
                if (token == ExtensionToken.Extension && !Contains(offered, reader.Name)) return ClientHandshakeFault.UnofferedExtension;
            }
        }

        return ClientHandshakeFault.None;
    }

    private static bool Contains(ReadOnlySpan<string> names, ReadOnlySpan<byte> name)
    {
        foreach (string candidate in names)
        {
            if (Ascii.Equals(name, candidate)) return true;
        }

        return false;
    }
}
