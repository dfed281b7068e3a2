using Microsoft.Extensions.Logging;

namespace Tandem.AspNetCore;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "A WebSocket handler failed; its connection is closed with 1011.")]
    public static partial void HandlerFailed(ILogger logger, Exception exception);
}
