using Tandem.Protocol.Framing;
using Tandem.WebSockets.Connections;
using Tandem.WebSockets.Telemetry;

namespace Tandem.WebSockets;

/// <summary>
/// A route as one server serves it: with the limits that follow from both. Shared by all its connections. Those of a client's loop share one too,
/// which then says what is a client's.
/// </summary>
internal sealed class ServedRoute
{
    /// <exception cref="ArgumentException">The route gathers whole messages of more than 1 GiB.</exception>
    public ServedRoute(WebSocketRoute route, WebSocketServerOptions options)
    {
        bool streams = route.StreamMessagesAbove is not null;
        long most = route.MaxMessageSize ?? options.MaxMessageSize;
        if (!streams && most > WebSocketRoute.MaxWholeMessageSize)
        {
            throw new ArgumentException($"The route {route.Path} has whole messages, so its MaxMessageSize must not be above 1 GiB.", nameof(route));
        }

        Route = route;
        Handler = route.Handler;
        Options = options;
        StreamsAbove = route.StreamMessagesAbove ?? int.MaxValue;
        ReaderOptions = streams
            // Parts are handed out as they come: their number costs this end nothing that their bytes do not.
            ? new WebSocketReaderOptions { MaxMessageSize = most, MaxFragments = int.MaxValue }
            : new WebSocketReaderOptions { MaxMessageSize = most };
        Telemetry = options.Telemetry.Server;
    }

    /// <summary>What connects to one server, on one loop.</summary>
    public ServedRoute(WebSocketRoute route, WebSocketServerOptions options, int maxFragments)
        : this(route, options)
    {
        Role = WebSocketRole.Client;
        Keys = new LoopMaskingKeys();
        Telemetry = options.Telemetry.Client;
        ReaderOptions = new WebSocketReaderOptions { Role = Role, MaxMessageSize = ReaderOptions.MaxMessageSize, MaxFragments = maxFragments };
    }

    /// <summary>Which end these connections are.</summary>
    public WebSocketRole Role { get; } = WebSocketRole.Server;

    /// <summary>A client's masking keys; null for a server.</summary>
    public LoopMaskingKeys? Keys { get; }

    public RoleTelemetry Telemetry { get; }

    public WebSocketRoute Route { get; }

    public WebSocketHandler Handler { get; }

    public WebSocketServerOptions Options { get; }

    public WebSocketReaderOptions ReaderOptions { get; }

    /// <summary>As it is served to clients whose draft has no pings: they are not sent any, nor dropped for not answering.</summary>
    public ServedRoute WithoutPings => field ??= new ServedRoute(Route, Options with { KeepAliveInterval = Timeout.InfiniteTimeSpan });

    /// <summary>Bytes above which a message comes in parts; <see cref="int.MaxValue"/>, which no message reaches, for never.</summary>
    public int StreamsAbove { get; }
}
