using System.Net;
using Microsoft.Extensions.Logging;

namespace Tandem.AspNetCore;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "A WebSocket handler failed; its connection is closed with 1011.")]
    public static partial void HandlerFailed(ILogger logger, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "The server's addresses do not tell whether {EndPoint} is http or https: no WebSockets are served there by the event loops.")]
    public static partial void SchemeUnknown(ILogger logger, IPEndPoint endPoint);

    [LoggerMessage(3, LogLevel.Debug, "A WebSocket handshake for {Path} is refused: {Rule}.")]
    public static partial void HandshakeRefused(ILogger logger, string path, string rule);

    [LoggerMessage(4, LogLevel.Information, "The event loops leave the route {Endpoint} to Kestrel: {Reason}.")]
    public static partial void RouteLeftToKestrel(ILogger logger, string? endpoint, string reason);

    [LoggerMessage(5, LogLevel.Error, "Closing the WebSockets of the route {Path} failed.")]
    public static partial void StopFailed(ILogger logger, string path, Exception exception);
}
