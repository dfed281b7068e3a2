using System.Net.WebSockets;

namespace Tandem.Cli.Connect;

/// <summary>Close codes with their names (RFC 6455 section 7.4 and IANA's registry).</summary>
internal static class CloseCodes
{
    public static string Describe(WebSocketCloseStatus status) => $"{(int)status} ({Name((int)status)})";

    /// <summary>Whether a server that closes with it says that all is well.</summary>
    public static bool IsOrderly(WebSocketCloseStatus status) =>
        status is WebSocketCloseStatus.NormalClosure or WebSocketCloseStatus.EndpointUnavailable or WebSocketCloseStatus.Empty;

    private static string Name(int code) => code switch
    {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no code",
        1006 => "no close frame",
        1007 => "invalid payload data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "missing extension",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        >= 3000 and < 4000 => "a library's or framework's code",
        >= 4000 and < 5000 => "the application's own code",
        _ => "unassigned",
    };
}
