using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Tandem.AspNetCore.Middleware;

/// <summary>Whether a request asks for a WebSocket, and not for another protocol.</summary>
internal static class HandshakeKind
{
    private const string Protocol = "websocket";

    /// <summary>HTTP/1.1 (RFC 6455 section 4.2.1).</summary>
    /// <param name="upgrade">The field Upgrade.</param>
    public static bool IsWebSocket(StringValues upgrade)
    {
        for (int i = 0; i < upgrade.Count; i++)
        {
            foreach (Range range in upgrade[i].AsSpan().Split(','))
            {
                if (upgrade[i].AsSpan(range).Trim(" \t").Equals(Protocol, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }

        return false;
    }

    /// <summary>HTTP/2 (RFC 8441 section 4).</summary>
    /// <param name="connect">The extended CONNECT.</param>
    public static bool IsWebSocket(IHttpExtendedConnectFeature connect) => string.Equals(connect.Protocol, Protocol, StringComparison.OrdinalIgnoreCase);
}
