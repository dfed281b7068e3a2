using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;

namespace Tandem.WebSockets.Client;

/// <summary>
/// The client's way to an open connection (RFC 6455 section 4.1): dial, tunnel, TLS, handshake. Each step has its deadline, and when one
/// fails everything that was opened is closed.
/// </summary>
internal static class ClientDialer
{
    /// <summary>Connects.</summary>
    /// <param name="uri">A ws or wss URI; http and https are taken for these.</param>
    /// <param name="options">What to say and how long to wait.</param>
    /// <param name="cancellationToken">Ends all of it.</param>
    /// <param name="dialer">How to reach a host; null for the network's way.</param>
    /// <param name="activity">The trace that the request is to name; null for none.</param>
    /// <returns>The open connection.</returns>
    /// <exception cref="ArgumentException">The URI or an option is wrong; nothing has been connected.</exception>
    /// <exception cref="System.Net.WebSockets.WebSocketException">There is no connection; a <see cref="WebSocketConnectException"/> is inside.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<ClientHandshakeResult> ConnectAsync(
        Uri uri, WebSocketClientOptions options, CancellationToken cancellationToken, TcpDialer? dialer = null, Activity? activity = null)
    {
        ArgumentNullException.ThrowIfNull(uri);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ClientTarget target = ClientTarget.Parse(uri);
        OpeningRequest request = OpeningRequest.Create(target, BasicCredentials.FromUserInfo(uri), options, activity);
        ProxyTunnel? proxy = ProxyTunnel.For(options.Proxy, uri);
        SslClientAuthenticationOptions? tls = target.Secure ? TlsOptions(target, options) : null;

        dialer ??= new TcpDialer(options.TimeProvider);
        var phases = new ConnectPhases(options.TimeProvider, cancellationToken);
        Socket socket = await phases.RunAsync(
            WebSocketConnectPhase.Dial,
            options.DialTimeout,
            token => dialer.DialAsync(proxy?.Host ?? target.Host, proxy?.Port ?? target.Port, token)).ConfigureAwait(false);
        Stream stream = OperatingSystem.IsLinux() ? new SocketStream(socket, ownsSocket: true) : new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (proxy is not null)
            {
                await phases.RunAsync(WebSocketConnectPhase.Proxy, options.DialTimeout, token => proxy.OpenAsync(stream, target, token)).ConfigureAwait(false);
            }

            if (tls is not null)
            {
                var secured = new SslStream(stream);
                stream = secured;
                await phases.RunAsync(WebSocketConnectPhase.Tls, options.TlsTimeout, token => secured.AuthenticateAsClientAsync(tls, token)).ConfigureAwait(false);
            }

            return await phases.RunAsync(
                WebSocketConnectPhase.Handshake,
                options.HandshakeTimeout,
                token => OpeningExchange.RunAsync(stream, request, target, options, token)).ConfigureAwait(false);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static SslClientAuthenticationOptions TlsOptions(ClientTarget target, WebSocketClientOptions options)
    {
        var tls = new SslClientAuthenticationOptions
        {
            TargetHost = target.Host,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        };
        options.ConfigureTls?.Invoke(tls);
        return tls;
    }
}
