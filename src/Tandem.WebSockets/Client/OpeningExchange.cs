using System.Net;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.Client;

/// <summary>The opening handshake on a connected stream (RFC 6455 section 4.1): the request goes out, the answer is read and judged.</summary>
internal static class OpeningExchange
{
    /// <summary>Does the handshake.</summary>
    /// <param name="stream">The connection; it stays the caller's when this fails.</param>
    /// <param name="request">The request.</param>
    /// <param name="target">Whom cookies of the answer belong to.</param>
    /// <param name="options">What was offered, and where cookies are kept.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The open connection.</returns>
    /// <exception cref="System.Net.WebSockets.WebSocketException">The server refuses, or its answer breaks a rule.</exception>
    public static async Task<ClientHandshakeResult> RunAsync(
        Stream stream, OpeningRequest request, ClientTarget target, WebSocketClientOptions options, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(request.Bytes, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);

        var reader = new ResponseReader(stream, WebSocketConnectPhase.Handshake);
        ResponseHead head = await reader.ReadFinalHeadAsync(cancellationToken).ConfigureAwait(false);
        if (head.Status != 101)
        {
            StoreCookies(head, target, options.Cookies);
            byte[] body = await reader.ReadBodyAsync(head, cancellationToken).ConfigureAwait(false);
            throw ConnectFailures.Refused(WebSocketConnectPhase.Handshake, head, body);
        }

        ClientHandshakeFault fault = Judge(reader.Received, request.Key, options, out string? subprotocol, out DeflateParameters? deflate);
        if (fault != ClientHandshakeFault.None) throw ConnectFailures.Broken(fault, head);
        StoreCookies(head, target, options.Cookies);
        return new ClientHandshakeResult(stream, subprotocol, deflate, reader.Received[head.Length..].ToArray(), head.Headers);
    }

    /// <summary>Judges a 101. Apart because a head is a view of the buffer, and cannot live across an await.</summary>
    public static ClientHandshakeFault Judge(ReadOnlySpan<byte> received, byte[] key, WebSocketClientOptions options, out string? subprotocol, out DeflateParameters? deflate)
    {
        deflate = null;
        HttpHead.Parse(received, out HttpHead head);
        string[] offered = options.Deflate is null ? [] : [DeflateNegotiation.Name];
        ClientHandshakeFault fault = ClientHandshake.Judge(in head, key, [.. options.Subprotocols], offered, out subprotocol);
        if (fault != ClientHandshakeFault.None || options.Deflate is null) return fault;
        return DeflateNegotiation.TryReadAnswer(in head, options.Deflate, out deflate) ? fault : ClientHandshakeFault.InvalidDeflateAnswer;
    }

    private static void StoreCookies(ResponseHead head, ClientTarget target, CookieContainer? cookies)
    {
        if (cookies is null) return;
        foreach (string cookie in head.Values("Set-Cookie"))
        {
            try
            {
                cookies.SetCookies(target.Uri, cookie);
            }
            catch (CookieException)
            {
                // RFC 6265 section 5.2: a cookie that cannot be read is ignored, and is no reason against the connection.
            }
        }
    }
}
