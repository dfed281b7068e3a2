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
}
