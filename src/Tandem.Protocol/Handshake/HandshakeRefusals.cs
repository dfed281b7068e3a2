using System.Text;
using Tandem.Protocol.Drafts;

namespace Tandem.Protocol.Handshake;

/// <summary>What each <see cref="HandshakeRefusal"/> is in HTTP: the one table from reason to status and text.</summary>
public static class HandshakeRefusals
{
    /// <summary>Bytes that <see cref="Write(Span{byte}, HandshakeRefusal, WebSocketDrafts)"/> writes at most.</summary>
    public const int MaxLength = 512;

    private static readonly (int Status, string Text)[] Table = CreateTable();

    /// <summary>The HTTP status.</summary>
    /// <param name="refusal">Any member but <see cref="HandshakeRefusal.None"/>.</param>
    /// <returns>400, 403, 404, 405, 408, 414, 426, 431, 500 or 503.</returns>
    public static int Status(this HandshakeRefusal refusal) => Table[(int)refusal].Status;

    /// <summary>One line that says what was wrong, and which rule says so.</summary>
    /// <param name="refusal">Any member but <see cref="HandshakeRefusal.None"/>.</param>
    /// <returns>ASCII.</returns>
    public static string Text(this HandshakeRefusal refusal) => Table[(int)refusal].Text;

    /// <summary>The refusal for a head that could not be parsed.</summary>
    /// <param name="status">Neither complete nor in need of more.</param>
    /// <returns>The refusal.</returns>
    internal static HandshakeRefusal From(HttpHeadStatus status) => status switch
    {
        HttpHeadStatus.StartLineTooLong => HandshakeRefusal.TargetTooLong,
        HttpHeadStatus.TooLong => HandshakeRefusal.HeadTooLong,
        HttpHeadStatus.TooManyFields => HandshakeRefusal.TooManyFields,
        HttpHeadStatus.InvalidCharacter => HandshakeRefusal.InvalidCharacter,
        HttpHeadStatus.ObsoleteFolding => HandshakeRefusal.ObsoleteFolding,
        _ => HandshakeRefusal.InvalidFieldName,
    };

    /// <summary>Writes the answer: status line, fields, and a body of one line. The connection ends after it.</summary>
    /// <param name="destination">At least <see cref="MaxLength"/> bytes.</param>
    /// <param name="refusal">Any member but <see cref="HandshakeRefusal.None"/>.</param>
    /// <param name="drafts">The drafts that are spoken beside RFC 6455: with 426 a client is told.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, HandshakeRefusal refusal, WebSocketDrafts drafts = WebSocketDrafts.None)
    {
        (int status, string text) = Table[(int)refusal];
        // RFC 6455 section 4.4: the versions that this server speaks; RFC 9110 section 15.5.22: 426 names the protocol to upgrade to,
        // and 7.8: as a hop-by-hop field it is named in Connection. Section 15.5.6: 405 names the methods.
        string fields = status switch
        {
            426 => $"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: {Versions(drafts)}\r\n",
            405 => "Connection: close\r\nAllow: GET\r\n",
            _ => "Connection: close\r\n",
        };
        string reason = ReasonPhrase(status);
        int bodyLength = 4 + reason.Length + 2 + text.Length + 1;
        return Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} {reason}\r\n{fields}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {bodyLength}\r\n\r\n{status} {reason}: {text}\n",
            destination);
    }

    /// <summary>What Sec-WebSocket-Version lists in an answer with 426 (RFC 6455 section 4.4): the versions that are spoken.</summary>
    /// <param name="drafts">The drafts that are spoken; hixie-75 and hixie-76 have no number.</param>
    /// <returns>13, and 8 and 7 where they are.</returns>
    public static string Versions(WebSocketDrafts drafts) => (drafts & WebSocketDrafts.Hybi) switch
    {
        WebSocketDrafts.Hybi => "13, 8, 7",
        WebSocketDrafts.Hybi08 => "13, 8",
        WebSocketDrafts.Hybi07 => "13, 7",
        _ => "13",
    };

    /// <summary>Writes an answer of the application's own: status line, fields, and a body of one line. The connection ends after it.</summary>
    /// <param name="destination">Room for the answer: 160 bytes and what the arguments take.</param>
    /// <param name="status">The HTTP status, of three digits.</param>
    /// <param name="text">One line that says why; empty for none.</param>
    /// <param name="fields">Further fields, such as WWW-Authenticate or Retry-After; may be empty.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">A field is not a valid name and value, or the destination is too short.</exception>
    public static int Write(Span<byte> destination, int status, string text, ReadOnlySpan<KeyValuePair<string, string>> fields)
    {
        string reason = ReasonPhrase(status);
        byte[] body = Encoding.UTF8.GetBytes($"{status} {reason}{(text.Length == 0 ? "" : ": ")}{text}\n");
        var writer = new HeadWriter(destination);
        writer.Append(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"));
        foreach ((string name, string value) in fields) writer.AppendField(name, value);
        writer.Append(Encoding.ASCII.GetBytes($"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\n\r\n"));
        writer.Append(body);
        return writer.Written;
    }

    private static string ReasonPhrase(int status) => status switch
    {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        // RFC 9112 section 4: a client should ignore it. What is not here has the name of its class.
        >= 500 => "Server Error",
        >= 400 => "Client Error",
        _ => "Redirection",
    };

    private static (int Status, string Text)[] CreateTable()
    {
        var table = new (int, string)[(int)HandshakeRefusal.DecisionTimedOut + 1];
        void Rule(HandshakeRefusal refusal, int status, string text) => table[(int)refusal] = (status, text);

        Rule(HandshakeRefusal.None, 101, "it is not refused");
        Rule(HandshakeRefusal.InvalidCharacter, 400, "a control character, or a CR or LF that is not part of a CRLF, in the head (RFC 9112 section 2.2)");
        Rule(HandshakeRefusal.ObsoleteFolding, 400, "a field is folded onto a second line (RFC 9112 section 5.2)");
        Rule(HandshakeRefusal.InvalidFieldName, 400, "a field line without a valid name and colon (RFC 9112 section 5.1)");
        Rule(HandshakeRefusal.InvalidRequestLine, 400, "the request line is not METHOD TARGET HTTP/1.1 (RFC 9112 section 3)");
        Rule(HandshakeRefusal.InvalidTarget, 400, "the request target is not a path or an absolute URI (RFC 9112 section 3.2)");
        Rule(HandshakeRefusal.TargetTooLong, 414, "the request line is longer than 8192 bytes");
        Rule(HandshakeRefusal.HeadTooLong, 431, "the request head is longer than 8192 bytes");
        Rule(HandshakeRefusal.TooManyFields, 431, "the request head has more than 64 fields");
        Rule(HandshakeRefusal.HttpVersionNot11, 400, "a WebSocket handshake is HTTP/1.1 (RFC 6455 section 4.1)");
        Rule(HandshakeRefusal.MethodNotGet, 405, "a WebSocket handshake is a GET (RFC 6455 section 4.1)");
        Rule(HandshakeRefusal.InvalidHost, 400, "Host must be there once and not be empty (RFC 6455 section 4.2.1, RFC 9112 section 3.2)");
        Rule(HandshakeRefusal.UnexpectedBody, 400, "a WebSocket handshake has no body");
        Rule(HandshakeRefusal.NotAnUpgrade, 426, "this path speaks WebSocket: Upgrade must contain \"websocket\" (RFC 6455 section 4.2.1)");
        Rule(HandshakeRefusal.ConnectionNotUpgrade, 400, "Connection must contain \"Upgrade\" (RFC 6455 section 4.2.1)");
        Rule(HandshakeRefusal.MissingKey, 400, "Sec-WebSocket-Key must be there once (RFC 6455 section 4.2.1)");
        Rule(HandshakeRefusal.InvalidKey, 400, "Sec-WebSocket-Key must be base64 of 16 bytes (RFC 6455 section 4.2.1)");
        Rule(HandshakeRefusal.InvalidDraftKey, 400, "Sec-WebSocket-Key1 and -Key2 must each be there once and be a number that its spaces divide (hixie-76 section 5.2)");
        Rule(HandshakeRefusal.UnsupportedVersion, 426, "Sec-WebSocket-Version must be 13 (RFC 6455 section 4.4)");
        Rule(HandshakeRefusal.InvalidOrigin, 400, "Origin must not be repeated (RFC 6454 section 7.3)");
        Rule(HandshakeRefusal.InvalidSubprotocols, 400, "Sec-WebSocket-Protocol must be a list of at most 64 distinct tokens (RFC 6455 section 11.3.4)");
        Rule(HandshakeRefusal.InvalidExtensions, 400, "Sec-WebSocket-Extensions breaks its grammar (RFC 6455 section 9.1)");
        Rule(HandshakeRefusal.NoSuchRoute, 404, "no WebSocket is served at this path");
        Rule(HandshakeRefusal.OriginNotAllowed, 403, "pages of this origin may not connect (RFC 6455 section 10.2)");
        Rule(HandshakeRefusal.HandlerFailed, 500, "the application failed on this request");
        Rule(HandshakeRefusal.Forbidden, 403, "the application refuses this request");
        Rule(HandshakeRefusal.TooManyConnections, 503, "the server has as many connections as it may have");
        Rule(HandshakeRefusal.TooManyConnectionsFromAddress, 503, "this address has as many connections as it may have");
        Rule(HandshakeRefusal.Stopping, 503, "the server is stopping");
        Rule(HandshakeRefusal.TimedOut, 408, "the request was not complete in time");
        Rule(HandshakeRefusal.DecisionTimedOut, 503, "the application did not decide about this request in time");
        return table;
    }
}
