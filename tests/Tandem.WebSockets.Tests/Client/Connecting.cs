using System.Net;
using System.Net.WebSockets;
using Tandem.WebSockets.Client;

namespace Tandem.WebSockets.Tests.Client;

/// <summary>Connects as a test needs it.</summary>
internal static class Connecting
{
    public static Task<ClientHandshakeResult> Connect(Uri uri, WebSocketClientOptions? options = null, TcpDialer? dialer = null, CancellationToken cancellationToken = default) =>
        ClientDialer.ConnectAsync(uri, options ?? new WebSocketClientOptions(), cancellationToken, dialer).InTime();

    /// <summary>Expects that there is no connection, and returns why: what is inside the exception that programs catch.</summary>
    public static async Task<WebSocketConnectException> Fails(
        Uri uri, WebSocketClientOptions? options = null, TcpDialer? dialer = null, WebSocketError error = WebSocketError.Faulted)
    {
        WebSocketException outer = await Assert.ThrowsAsync<WebSocketException>(() => Connect(uri, options, dialer));
        WebSocketConnectException inner = Assert.IsType<WebSocketConnectException>(outer.InnerException);
        Assert.Equal(inner.Message, outer.Message);
        Assert.Equal(error, outer.WebSocketErrorCode);
        return inner;
    }

    /// <summary>A network in which every name has the same addresses.</summary>
    public static TcpDialer Names(params string[] addresses) => new(TimeProvider.System)
    {
        Resolve = (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()),
    };
}
