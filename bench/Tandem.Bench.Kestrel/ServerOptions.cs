using System.Globalization;

namespace Tandem.Bench.Kestrel;

/// <summary>What a run of the baseline is: <c>kestrel-echo PORT [BUFFER-BYTES [deflate | middleware | listener | hub]]</c>.</summary>
/// <param name="Port">Where it listens, on 127.0.0.1.</param>
/// <param name="BufferSize">Bytes of an echo's buffer.</param>
/// <param name="Kind">What else it does.</param>
internal sealed record ServerOptions(ushort Port, int BufferSize, string? Kind)
{
    public const string Usage = "usage: kestrel-echo PORT [BUFFER-BYTES [deflate | middleware | listener | hub]]";

    /// <summary>With a hub of SignalR.</summary>
    public bool HasHub => Kind == "hub";

    /// <summary>The WebSockets of Tandem.AspNetCore in the place of ASP.NET Core's; all else is the same.</summary>
    public bool IsTandem => Kind is "middleware" or "listener";

    /// <summary>The same, on connections that event loops accept.</summary>
    public bool Listens => Kind == "listener";

    /// <summary>permessage-deflate where the client offers it.</summary>
    public bool Deflates => Kind == "deflate";

    public static ServerOptions? Parse(string[] args)
    {
        if (args.Length is not (1 or 2 or 3)
            || !ushort.TryParse(args[0], CultureInfo.InvariantCulture, out ushort port)
            || !int.TryParse(args.ElementAtOrDefault(1) ?? "4096", CultureInfo.InvariantCulture, out int bufferSize)
            || bufferSize is < 1 or > 1 << 24
            || args.ElementAtOrDefault(2) is not (null or "deflate" or "middleware" or "listener" or "hub"))
        {
            return null;
        }

        return new ServerOptions(port, bufferSize, args.ElementAtOrDefault(2));
    }
}
