using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>
/// The WebSockets of all routes of an application (<see cref="TandemHostingExtensions.MapTandem(Microsoft.AspNetCore.Routing.IEndpointRouteBuilder, WebSocketRoute)"/>),
/// on the event loops of every endpoint and in Kestrel. Not those that the application accepts itself. Thread-safe.
/// </summary>
public sealed class TandemConnections
{
    private readonly Lock _gate = new();
    private readonly List<WebSocketServer> _servers = [];
    private readonly List<WebSocketRouteHost> _hosts = [];

    internal TandemConnections()
    {
    }

    /// <summary>Shows open connections. It holds up none of them.</summary>
    /// <param name="most">How many to show at most: 1 to 10,000.</param>
    /// <param name="order">Which, when there are more.</param>
    /// <param name="timeout">How long an event loop may take to answer; one whose handler does not return is left out then.</param>
    /// <param name="cancellationToken">Nobody waits any more.</param>
    /// <returns>The connections, and how many there are.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="most"/> or <paramref name="timeout"/> is out of its range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ConnectionPage> GetPageAsync(int most, ConnectionOrder order, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        WebSocketServer[] servers;
        WebSocketRouteHost[] hosts;
        lock (_gate) (servers, hosts) = ([.. _servers], [.. _hosts]);
        ConnectionPage[] onLoops = await Task.WhenAll(servers.Select(server => server.GetConnectionsAsync(most, order, timeout, cancellationToken))).ConfigureAwait(false);
        return ConnectionPage.Combine([.. onLoops, .. hosts.Select(host => host.GetConnections(most, order))], most, order);
    }

    internal void Add(WebSocketServer server)
    {
        lock (_gate) _servers.Add(server);
    }

    internal void Add(WebSocketRouteHost host)
    {
        lock (_gate) _hosts.Add(host);
    }

    /// <summary>Its endpoint is gone, which happens while the host runs when endpoints are configured anew.</summary>
    internal void Remove(WebSocketServer server)
    {
        lock (_gate) _servers.Remove(server);
    }
}
