using Tandem.WebSockets;

namespace Tandem.AspNetCore;

/// <summary>How the event loops behind Kestrel's endpoints are set up.</summary>
public sealed class TandemListenerOptions
{
    /// <summary>
    /// Makes the options of the server behind one endpoint. It is given the endpoint and what must be kept (where to listen, who takes
    /// over what is no WebSocket, where errors go) as a template; limits and deadlines are free. Default: the template as it is.
    /// </summary>
    public Func<WebSocketServerOptions, WebSocketServerOptions> Configure { get; set; } = template => template;

    internal List<WebSocketRoute> Routes { get; } = [];
}
