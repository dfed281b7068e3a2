using System.Net.WebSockets;
using Tandem.Protocol.Compression;
using Tandem.Protocol.Framing;
using Tandem.WebSockets.Client;

namespace Tandem.WebSockets;

/// <summary>Opens WebSockets (RFC 6455 section 4.1).</summary>
/// <example>
/// <code>
/// using WebSocketConnection socket = await WebSocketClient.ConnectAsync(new Uri("wss://example.org/chat"), new WebSocketClientOptions());
/// await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default);
/// </code>
/// </example>
public static class WebSocketClient
{
    /// <summary>Connects, tunnels through the proxy when there is one, secures the connection for wss, and does the opening handshake.</summary>
    /// <param name="uri">
    /// A ws or wss URI without a fragment (section 3); http and https are taken for these, as browsers do. Userinfo in it is sent as Basic
    /// credentials (RFC 7617). A name that is not ASCII is looked up as IDNA.
    /// </param>
    /// <param name="options">What to say, how to get there and how long to wait.</param>
    /// <param name="cancellationToken">Gives up; no effect on the connection once it is open.</param>
    /// <returns>The open connection, which the caller disposes. Frames that came with the answer are received from it first.</returns>
    /// <exception cref="ArgumentException">The URI or an option cannot be used; nothing has been connected.</exception>
    /// <exception cref="WebSocketException">
    /// There is no connection. Its inner exception is a <see cref="WebSocketConnectException"/>, which tells the step that failed and, when the
    /// server or the proxy answered, status, fields and the start of the body. Redirects are not followed.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<WebSocketConnection> ConnectAsync(Uri uri, WebSocketClientOptions options, CancellationToken cancellationToken = default)
    {
        ClientHandshakeResult result = await ConnectActivity.RunAsync(uri, options, cancellationToken).ConfigureAwait(false);
        WebSocketConnectionOptions connection = options.Connection with
        {
            Role = WebSocketRole.Client,
            Subprotocol = result.Subprotocol,
            Deflate = result.Deflate,
            DeflateOptions = options.Deflate ?? new DeflateOptions(),
            TimeProvider = options.TimeProvider,
        };
        var socket = new WebSocketConnection(result.Stream, connection, result.Received);
        try
        {
            options.OnHandshake?.Invoke(result.Headers);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
