using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tandem.AspNetCore.Routes;
using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>
/// Kestrel's transport, as far as it is an IP endpoint on Linux: connections are accepted by event loops, which keep the WebSockets of
/// their routes and hand everything else to Kestrel, unread. For other endpoints and systems Kestrel finds its own transport.
/// </summary>
internal sealed class TandemListenerFactory(
    IOptions<TandemListenerOptions> listenerOptions,
    LoopRoutes routes,
    IServiceProvider services,
    ILoggerFactory loggerFactory) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => OperatingSystem.IsLinux() && endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ILogger logger = loggerFactory.CreateLogger("Tandem.AspNetCore.Listener");
        var waiting = new HandedOver();
        WebSocketServerOptions options = listenerOptions.Value.Create([(IPEndPoint)endpoint], waiting.Add, logger, services);
        var server = new WebSocketServer(options);
        TandemConnections connections = listenerOptions.Value.Connections;
        try
        {
            server.Listen();
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(exception.Message, exception);
        }

        connections.Add(server);
        return new ValueTask<IConnectionListener>(new TandemListener(
            server,
            connections,
            routes,
            waiting,
            new EndPointScheme(services, logger),
            new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), logger),
            logger));
    }
}
