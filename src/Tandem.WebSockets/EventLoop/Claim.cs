using Tandem.Protocol.Handshake;

namespace Tandem.WebSockets.EventLoop;

/// <summary>Whose connection it is, on a port that is shared.</summary>
internal enum Claim : byte
{
    /// <summary>A WebSocket handshake for one of this server's routes.</summary>
    Ours,

    /// <summary>Anything else.</summary>
    Foreign,

    /// <summary>More bytes are needed to tell.</summary>
    Undecided,
}

/// <summary>Tells from the first bytes of a connection whose it is.</summary>
internal static class Claims
{
    public static Claim Judge(ReadOnlySpan<byte> received, ServedRoute[] routes)
    {
        if (routes.Length == 0) return Claim.Foreign; // an endpoint that is not for WebSockets at all: nothing has to be known of the request

        // A TLS hello, an HTTP/2 preface, any other method: decided at the first byte that differs.
        ReadOnlySpan<byte> method = "GET "u8;
        int shared = Math.Min(method.Length, received.Length);
        if (!received[..shared].SequenceEqual(method[..shared])) return Claim.Foreign;

        bool whole = UpgradeRequest.Parse(received, out UpgradeRequest request, out HandshakeRefusal refusal);
        int end = received.Length > shared ? received[shared..].IndexOf((byte)' ') : -1;
        if (end < 0) return whole ? Claim.Foreign : Claim.Undecided;
        bool known = RequestTarget.TryParse(received.Slice(shared, end), out RequestTarget target) && Find(routes, target.Path) is not null;
        if (!known) return Claim.Foreign;
        if (!whole) return Claim.Undecided;
        // What is malformed at a path of ours is refused by us, in our words.
        return refusal != HandshakeRefusal.None || request.AsksForWebSocket ? Claim.Ours : Claim.Foreign;
    }

    public static ServedRoute? Find(ServedRoute[] routes, ReadOnlySpan<byte> path)
    {
        foreach (ServedRoute route in routes)
        {
            if (route.Route.Matches(path)) return route;
        }

        return null;
    }
}
