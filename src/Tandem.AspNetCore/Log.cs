using System.Net;
using Microsoft.Extensions.Logging;
using Tandem.WebSockets;

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

    [LoggerMessage(6, LogLevel.Error, "What was told of the end of a connection failed.")]
    public static partial void ConnectionEndFailed(ILogger logger, Exception exception);

    [LoggerMessage(10, LogLevel.Information, "Event loops serve {Routes} WebSocket routes at {EndPoint}.")]
    public static partial void Started(ILogger logger, int routes, IPEndPoint endPoint);

    [LoggerMessage(11, LogLevel.Information, "The event loops at {EndPoint} have ended: every WebSocket is closed.")]
    public static partial void Stopped(ILogger logger, IPEndPoint endPoint);

    [LoggerMessage(12, LogLevel.Debug, "{RemoteEndPoint} is refused a WebSocket with {StatusCode}: {Rule}.")]
    public static partial void ConnectionRefused(ILogger logger, IPEndPoint remoteEndPoint, int statusCode, string rule);

    [LoggerMessage(13, LogLevel.Debug, "{RemoteEndPoint} broke a rule of the WebSocket protocol and is closed with {CloseCode}: {Rule}.")]
    public static partial void ProtocolFault(ILogger logger, IPEndPoint remoteEndPoint, int closeCode, string rule);

    [LoggerMessage(14, LogLevel.Warning, "{RemoteEndPoint} does not read what it is sent: its WebSocket is dropped.")]
    public static partial void Overflow(ILogger logger, IPEndPoint remoteEndPoint);

    [LoggerMessage(15, LogLevel.Debug, "The WebSocket of {RemoteEndPoint} has ended: {Initiator}, {CloseCode}.")]
    public static partial void Closed(ILogger logger, IPEndPoint remoteEndPoint, CloseInitiator initiator, int closeCode);

    [LoggerMessage(16, LogLevel.Warning, "{Count} more events like the next one were not logged.")]
    public static partial void Suppressed(ILogger logger, int count);
}
